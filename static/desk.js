// Keys and news at the desk. Every page does its work without them, and nothing here approves anything.
'use strict';

const KEYS_OFF = 'rekey-keys-off';
const recall = () => { try { return localStorage.getItem(KEYS_OFF); } catch { return null; } };
const find = (selector) => document.querySelector(selector);

const box = find('[data-keys-switch]');
if (box) {
  const input = box.querySelector('input');
  box.hidden = false;
  input.checked = !recall();
  input.addEventListener('change', () => {
    try { if (input.checked) localStorage.removeItem(KEYS_OFF); else localStorage.setItem(KEYS_OFF, '1'); } catch { /* not kept */ }
  });
}

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
  if (recall()) return;
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

// New tickets announce themselves; they do not jump in.
const news = find('[data-news]');
if (news && !/[?&]cursor=/.test(location.search)) {
  const known = new Set(rows.map((row) => row.textContent.trim()));
  const query = new URLSearchParams(location.search);
  query.delete('done');
  const look = async () => {
    if (document.hidden) return;
    const answer = await fetch('/desk/news?' + query, { headers: { Accept: 'application/json' } });
    if (answer.status === 401) { clearInterval(clock); return; }
    if (!answer.ok) return;
    const fresh = (await answer.json()).references.filter((reference) => !known.has(reference)).length;
    news.hidden = !fresh;
    const link = news.querySelector('a');
    link.href = '/desk?' + query;
    link.textContent = fresh + (fresh === 1 ? ' new ticket' : ' new tickets') + ' – show';
  };
  const clock = setInterval(() => look().catch(() => {}), 20000);
}
