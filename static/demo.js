// Conveniences of the demo. Its pages do their work without them.
'use strict';

// Codes last half a minute: count down, then put the new ones in their place.
const watch = (part) => {
  const ends = Date.now() + Number(part.dataset.lasts) * 1000;
  const shown = part.querySelector('[data-left]');
  const tick = setInterval(async () => {
    const left = Math.ceil((ends - Date.now()) / 1000);
    if (left > 0) {
      if (shown) shown.textContent = String(left);
      return;
    }
    clearInterval(tick);
    try {
      const answer = await fetch(location.href);
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const fresh = document.adoptNode(page.querySelector('[data-lasts]'));
      part.replaceWith(fresh);
      watch(fresh);
    } catch {
      if (shown) shown.textContent = '0';
    }
  }, 500);
};
document.querySelectorAll('[data-lasts]').forEach(watch);
