'use strict';

// Makes the pages better where scripts run. Every page and form works without this file.

// With this class the stylesheet leaves opening the dialog to us.
document.documentElement.classList.add('scripted');

/** Opens a dialog as a modal one: the page behind is inert, and Escape closes it. */
function openDialog(dialog) {
  if (!dialog.open) dialog.showModal();
}

for (const link of document.querySelectorAll('[data-opens]')) {
  const dialog = document.getElementById(link.dataset.opens);
  if (!dialog) continue;
  link.addEventListener('click', (event) => {
    event.preventDefault();
    openDialog(dialog);
  });
  // A link from elsewhere may ask for the dialog by its name.
  if (location.hash === `#${dialog.id}`) openDialog(dialog);
}

for (const link of document.querySelectorAll('[data-closes]')) {
  link.addEventListener('click', (event) => {
    event.preventDefault();
    document.getElementById(link.dataset.closes).close();
  });
}

// A click on the veil closes. The dialog has no padding, so only the veil is "the dialog itself".
for (const dialog of document.querySelectorAll('dialog')) {
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener('close', () => {
    if (location.hash === `#${dialog.id}`) {
      history.replaceState(null, '', location.pathname + location.search);
    }
  });
}

// What the chosen term costs, large. The server wrote every amount; this only copies one.
for (const form of document.querySelectorAll('[data-rent]')) {
  const row = form.querySelector('[data-sum]');
  const shown = form.querySelector('[data-shows="total"]');
  const show = () => {
    const chosen = form.querySelector('[data-total]:checked');
    row.hidden = !chosen;
    shown.value = chosen ? chosen.dataset.total : '';
  };
  form.addEventListener('change', show);
  show();
}

// One click, one request. The server would recognize the second; this saves it the work.
for (const form of document.querySelectorAll('form[method="post"]')) {
  form.addEventListener('submit', (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = 'yes';
    event.submitter?.setAttribute('aria-disabled', 'true');
  });
}

// Coming back with the back button shows the page as it was left: let it send again.
addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-sent]')) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll('[aria-disabled]')) {
      button.removeAttribute('aria-disabled');
    }
  }
});

// What is shown once is easy to take along. Without this, a click on it marks all of it.
for (const button of document.querySelectorAll('[data-copies]')) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener('click', async () => {
    const text = document.getElementById(button.dataset.copies).textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'Mark it and copy it by hand';
    }
  });
}

// Instants are printed in UTC; pointing at one tells the local time.
for (const time of document.querySelectorAll('time[datetime]')) {
  const instant = new Date(time.dateTime);
  if (Number.isNaN(instant.valueOf())) continue;
  time.title = instant.toLocaleString(undefined, { dateStyle: 'full', timeStyle: 'short' });
}
