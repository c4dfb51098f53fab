// Conveniences. Every page does its work without them.
'use strict';

// A link's token stands in the fragment, which no server sees: it goes into the form, and out of the address bar.
const holder = document.querySelector('[data-fragment]');
if (holder && location.hash.startsWith('#' + holder.dataset.fragment)) {
  holder.value = location.hash.slice(1);
  history.replaceState(null, '', location.pathname);
  document.documentElement.classList.add('has-token');
  if (holder.form.hasAttribute('data-send')) holder.form.requestSubmit();
}

// Codes: what is pasted with spaces or dashes is read as it was meant.
for (const input of document.querySelectorAll('input[data-digits]')) {
  input.addEventListener('input', () => {
    const clean = input.value.replace(/[\s\u00a0\u202f-]/g, '');
    if (clean !== input.value) input.value = clean;
  });
}

// Copying.
for (const button of document.querySelectorAll('button[data-copy]')) {
  const source = document.getElementById(button.dataset.copy);
  if (!source || !navigator.clipboard) continue;
  const words = button.textContent;
  button.hidden = false;
  button.addEventListener('click', async () => {
    const lines = [...source.querySelectorAll('[data-line]')].map((line) => line.textContent.trim());
    await navigator.clipboard.writeText(lines.join('\n') || source.textContent.trim());
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = words; }, 2500);
  });
}

// Printing.
for (const button of document.querySelectorAll('button[data-print]')) {
  button.hidden = false;
  button.addEventListener('click', () => window.print());
}

// A form is sent once, however often its button is pressed; one that downloads may be sent again.
for (const form of document.querySelectorAll('form:not([data-again])')) {
  form.addEventListener('submit', (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = '1';
    setTimeout(() => { delete form.dataset.sent; }, 4000);
  });
}
