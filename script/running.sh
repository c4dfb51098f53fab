# shellcheck shell=bash
# shellcheck disable=SC2034 # the names that it leaves are used by whoever sources it
# For scripts that work on a running program: starts one with an admin, a host and a ticket, and leaves `url`, `home`,
# `staff`, `host` and `ticket` (their tokens). BIN names another binary; otherwise a debug build is made. Source it
# behind lib.sh, from the project's folder; the database is SQLite unless REKEY__DATABASE__URL says otherwise.

if [ -z "${BIN:-}" ]; then
    cargo build --quiet --locked
    BIN="${CARGO_TARGET_DIR:-target}/debug/rekey"
fi

home=$(mktemp -d)
url="http://127.0.0.1:$(free_port)"
server=
stop() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    wait
    rm -rf "$home"
}
trap stop EXIT
export REKEY__HTTP__LISTEN="${url#http://}" REKEY__HTTP__PUBLIC_URL="$url" REKEY__LOG__LEVEL=rekey=error
export REKEY__DATABASE__URL="${REKEY__DATABASE__URL:-sqlite://$home/rekey.db}" REKEY__KEYS__FILE="$home/keys.toml"
export REKEY__KEYS__CHECKPOINTS_FILE="$home/checkpoints.log" REKEY__MAIL__FOLDER="$home/mail"
export REKEY__LIMITS__TICKETS_PER_HOUR=1000000

post() { # PATH BODY [TOKEN]
    curl --silent --show-error --fail-with-body "$url/api/v1/$1" --header 'Content-Type: application/json' \
        --data "$2" ${3:+--header "Authorization: Bearer $3"}
}

"$BIN" migrate >/dev/null
secret=$(echo 'correct horse battery staple' |
    "$BIN" staff add grace@desk.example --name Grace --role admin --json | jq -r .secret)
host=$("$BIN" client add example --scope accounts,codes,tickets --json | jq -r .token)
"$BIN" serve &
server=$!
for _ in $(seq 100); do
    curl --silent --fail "$url/readyz" >/dev/null && break
    sleep 0.1
done
staff=$(post desk/session "{\"email\": \"grace@desk.example\", \"password\": \"correct horse battery staple\",
    \"code\": \"$(oathtool --totp --base32 "$secret")\"}" | jq -r .token)
ticket=$(post tickets '{"account": "ada@example.com", "problem": "other", "message": "Help."}' | jq -r .token)
