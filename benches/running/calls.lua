-- For wrk: sends each line of a file once, as POST: its path, a space, its body. The last line printed is what came of
-- it: calls, failures, lines used, microseconds in all, and those of the median call and of the 99th in a hundred.
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(arguments)
  calls, used = {}, 0
  for line in io.lines(arguments[1]) do
    calls[#calls + 1] = line
  end
  headers = { ["Content-Type"] = "application/json" }
  if arguments[2] then
    headers["Authorization"] = "Bearer " .. arguments[2]
  end
end

function request()
  if used == #calls then
    wrk.thread:stop()
  else
    used = used + 1
  end
  -- Each from a network of its own, as people come.
  headers["X-Forwarded-For"] = string.format("10.%d.%d.7", math.floor(used / 256) % 256, used % 256)
  local path, body = calls[used]:match("^(%S+) (.*)$")
  return wrk.format("POST", path, headers, body)
end

function done(summary, latency)
  local errors, lines = summary.errors, 0
  for _, thread in ipairs(threads) do
    lines = lines + thread:get("used")
  end
  local failures = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(string.format("%d %d %d %d %d %d", summary.requests, failures, lines, summary.duration,
    latency:percentile(50), latency:percentile(99)))
end
