// Conveniences of the demo. Its pages do their work without them.
'use strict';

// Codes last half a minute: count down, then look again.
const lasting = document.querySelector('[data-reload]');
if (lasting) {
  const ends = Date.now() + Number(lasting.dataset.reload) * 1000;
  const shown = document.querySelector('[data-left]');
  setInterval(() => {
    const left = Math.ceil((ends - Date.now()) / 1000);
    if (left <= 0) location.reload();
    else if (shown) shown.textContent = String(left);
  }, 500);
}
