'use strict';

// Makes the pages better where scripts run. Every page and form works without this file.
// Parts of a page are replaced while it is open, so what is done here is asked of the document.

// With this class the stylesheet leaves opening the dialog to us.
document.documentElement.classList.add('scripted');

/** Opens a dialog as a modal one: the page behind is inert, and Escape closes it. */
function openDialog(dialog) {
  if (!dialog.open) dialog.showModal();
}

/** Does with a page, or a part of one, what has to be done once. */
function enhance(root) {
  for (const form of root.querySelectorAll('[data-rent]')) showTotal(form);

  // A slider beside a field is for those whose scripts keep both alike.
  for (const slider of root.querySelectorAll('[data-slider]')) slider.hidden = false;

  // What is shown once is easy to take along. Without this, a click on it marks all of it.
  for (const button of root.querySelectorAll('[data-copies]')) {
    if (navigator.clipboard) button.hidden = false;
  }

  // Instants are printed in UTC; pointing at one tells the local time.
  for (const time of root.querySelectorAll('time[datetime]')) {
    const instant = new Date(time.dateTime);
    if (Number.isNaN(instant.valueOf())) continue;
    time.title = instant.toLocaleString(undefined, { dateStyle: 'full', timeStyle: 'short' });
  }
}

enhance(document);

// A form that was kept while its sender signed in goes on to the page that shows it.
document.querySelector('[data-kept] > button')?.form.submit();
// The settings were one page: a link to a part of it leads to the page that part is on now.
for (const moved of document.querySelectorAll('[data-was]')) {
  if (location.hash && moved.dataset.was.split(' ').includes(location.hash.slice(1))) {
    location.replace(moved.href);
  }
}

// A link from elsewhere may ask for a dialog by its name.
for (const link of document.querySelectorAll('[data-opens]')) {
  const dialog = document.getElementById(link.dataset.opens);
  if (dialog && location.hash === `#${dialog.id}`) openDialog(dialog);
}

document.addEventListener('click', (event) => {
  const opener = event.target.closest('[data-opens]');
  const opened = opener && document.getElementById(opener.dataset.opens);
  if (opened) {
    event.preventDefault();
    openDialog(opened);
  }
  const closer = event.target.closest('[data-closes]');
  if (closer) {
    event.preventDefault();
    document.getElementById(closer.dataset.closes).close();
  }
  // A click on the veil closes. The dialog has no padding, so only the veil is "the dialog itself".
  if (event.target instanceof HTMLDialogElement) event.target.close();
  const copier = event.target.closest('[data-copies]');
  if (copier) copy(copier);
});

async function copy(button) {
  const text = document.getElementById(button.dataset.copies).textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
  } catch {
    button.textContent = 'Select the text and copy it';
  }
}

// This event does not bubble.
document.addEventListener('close', (event) => {
  if (event.target.id && location.hash === `#${event.target.id}`) {
    history.replaceState(null, '', location.pathname + location.search);
  }
}, true);

/** Whole cents as the server writes them: `$1,028.75`. */
function dollars(cents) {
  const digits = String(cents).padStart(3, '0');
  const whole = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ',');
  return `$${whole}.${digits.slice(-2)}`;
}

/**
 * Shows the total charge beside the form and on its button: the server's total times the number of
 * slices, in whole cents. A balance that is too low is reported at once; the server decides.
 */
function showTotal(form) {
  const term = form.querySelector('[data-cents]:checked');
  const lacks = form.querySelector('[data-lacks]');
  form.querySelector('[data-sum]').hidden = !term;
  lacks.hidden = true;
  const charge = form.querySelector('[data-shows="charge"]');
  charge.textContent = '';
  if (!term) return;
  const isWhole = form.querySelector('[name="whole_node"]:checked')?.value === 'yes';
  const total = isWhole
    ? Number(term.dataset.nodeCents)
    : Number(term.dataset.cents) * Number(form.elements.count?.value ?? 1);
  const missing = total - Number(form.dataset.balanceCents);
  form.querySelector('[data-shows="total"]').textContent = dollars(total);
  charge.textContent = ` for ${dollars(total)}`;
  form.querySelector('[data-shows="missing"]').textContent = dollars(Math.max(missing, 0));
  lacks.hidden = missing <= 0;
  form.querySelector('[type="submit"]').disabled = missing > 0;
}

document.addEventListener('change', (event) => {
  const form = event.target.closest('[data-rent]');
  if (!form) return;
  // Who says how many slices does not mean the whole node.
  const single = form.querySelector('[name="whole_node"][value=""]');
  if (single && event.target.name === 'count') single.checked = true;
  showTotal(form);
});

// One click, one request. The server would recognize the second; this saves it the work.
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.getAttribute('method') !== 'post') return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = 'yes';
  event.submitter?.setAttribute('aria-disabled', 'true');
}, true);

// A search that answers while it is typed. Without scripts, its button does the same.
{
  /** The pause after a key until the market is asked, in milliseconds. */
  const TYPING_WAIT = 150;
  let timer = 0;
  let asked = null;

  /** The address of what a form asks for: empty fields say nothing. */
  function addressOf(form) {
    const fields = [...new FormData(form)].filter(([, value]) => value.trim() !== '');
    const query = new URLSearchParams(fields).toString();
    const path = new URL(form.action).pathname;
    return query ? `${path}?${query}` : path;
  }

  async function search(form) {
    asked?.abort();
    asked = new AbortController();
    const { signal } = asked;
    const results = document.getElementById(form.dataset.search);
    const url = addressOf(form);
    results.setAttribute('aria-busy', 'true');
    try {
      const answer = await fetch(url, { signal });
      // What is half typed can be wrong: the list stays until it is right.
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
        if (signal.aborted) return;
        show(form, results, page);
        history.replaceState(null, '', url);
      }
    } catch {
      // The button still works.
    }
    if (!signal.aborted) results.removeAttribute('aria-busy');
  }

  function show(form, results, page) {
    results.replaceChildren(...page.getElementById(results.id).childNodes);
    enhance(results);
    for (const count of form.querySelectorAll('[data-count]')) {
      const same = `[data-count="${CSS.escape(count.dataset.count)}"]`;
      count.textContent = page.querySelector(same)?.textContent ?? '0';
    }
  }

  for (const kind of ['input', 'change']) {
    document.addEventListener(kind, (event) => {
      const form = event.target.closest?.('[data-search]');
      if (!form) return;
      clearTimeout(timer);
      timer = setTimeout(search, kind === 'input' ? TYPING_WAIT : 0, form);
    });
  }
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
