// Keys and news at the desk. Every page does its work without them, and nothing here approves anything.
'use strict';

const find = (selector) => document.querySelector(selector);

// The rows of a list.
const rows = [...document.querySelectorAll('a.row')];
const move = (by) => {
  const at = rows.indexOf(document.activeElement);
  const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1)];
  if (next) next.focus();
};
const write = (name) => {
  const field = document.getElementById(name + '-text');
  const fold = field && field.closest('details');
  if (fold) fold.open = true;
  if (field) field.focus();
};
const queues = { u: 'unassigned', m: 'mine', a: 'awaiting_approval', w: 'waiting' };
const acts = {
  j: () => move(1),
  k: () => move(-1),
  x: () => { const form = find('form[data-take]'); if (form) form.requestSubmit(); },
  '/': () => { const field = find('#q'); if (field) { field.focus(); field.select(); } else location.href = '/desk'; },
  '?': () => { location.href = '/desk/keys'; },
  r: () => write('reply'),
  n: () => write('note'),
};

let going = 0;
document.addEventListener('keydown', (event) => {
  if (find('[data-keys-off]')) return;
  const typing = event.target.closest('input, textarea, select');
  if (typing) {
    // Messages and notes alone: what decides something has a button that is meant to be looked for.
    const form = event.target.closest('form[data-send-by-key]');
    if (form && event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form.requestSubmit(); }
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const queue = event.timeStamp - going < 1500 && queues[event.key];
  going = event.key === 'g' ? event.timeStamp : -1e9;
  if (queue) location.href = '/desk?queue=' + queue;
  else if (acts[event.key]) { event.preventDefault(); acts[event.key](); }
});

// A ready-made text goes behind what is typed, at once.
const insert = find('[data-insert]');
if (insert) {
  insert.addEventListener('click', (event) => {
    const chosen = find('#reply-canned').selectedOptions[0].dataset.text;
    const field = find('#reply-text');
    event.preventDefault();
    if (chosen) field.value = [field.value.trimEnd(), chosen].filter(Boolean).join('\n\n');
    field.focus();
  });
}

// What has changed announces itself; it does not jump in. Whoever has another page in front asks for nothing.
const every20s = (path, tell) => {
  const look = async () => {
    if (document.hidden) return;
    const answer = await fetch(path, { headers: { Accept: 'application/json' } });
    if (answer.status === 401) clearInterval(clock);
    if (answer.ok) tell(await answer.json());
  };
  const clock = setInterval(() => look().catch(() => {}), 20000);
};
const say = (place, words) => {
  if (place.textContent !== words) place.textContent = words;
  place.hidden = !words;
};
const news = find('[data-news]');
if (news && !/[?&]cursor=/.test(location.search)) {
  const known = new Set(rows.map((row) => row.textContent.trim()));
  const query = new URLSearchParams(location.search);
  query.delete('done');
  every20s('/desk/news?' + query, (answer) => {
    for (const place of document.querySelectorAll('[data-looking]')) say(place, answer.looking[place.dataset.looking] || '');
    const fresh = answer.references.filter((reference) => !known.has(reference)).length;
    news.hidden = !fresh;
    const link = news.querySelector('a');
    link.href = '/desk?' + query;
    link.textContent = fresh + (fresh === 1 ? ' new ticket' : ' new tickets') + ' – show';
  });
}
const ticket = find('[data-ticket-news]');
if (ticket) {
  every20s(ticket.dataset.ticketNews, (answer) => {
    say(ticket.querySelector('.looking'), answer.looking);
    ticket.querySelector('.changed').hidden = String(answer.version) === ticket.dataset.version;
  });
}
