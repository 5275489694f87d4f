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

  for (const button of root.querySelectorAll('[data-downloads]')) button.hidden = false;

  // A browser that can make a key offers it; without scripts, people paste one.
  for (const button of root.querySelectorAll('[data-makes-key]')) {
    if (crypto.subtle) button.hidden = false;
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
  const saver = event.target.closest('[data-downloads]');
  if (saver) {
    const { downloads, file } = saver.dataset;
    download(file, document.getElementById(downloads).textContent);
  }
  const maker = event.target.closest('[data-makes-key]');
  if (maker) makeKey(maker);
});

/** Whole numbers and bytes as SSH writes them: RFC 4251, section 5. */
const sshNumber = (number) => Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number);
const sshBytes = (text) => {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  return [...sshNumber(bytes.length), ...bytes];
};
const base64 = (bytes) => btoa(String.fromCharCode(...bytes));

/**
 * A private key in the form of OpenSSH's PROTOCOL.key: without a passphrase, of an Ed25519 key of
 * which `seed` is the secret half.
 */
function opensshKey(publicKey, seed, comment) {
  const check = [...crypto.getRandomValues(new Uint8Array(4))];
  const kind = 'ssh-ed25519';
  const own = [
    ...check, ...check, ...sshBytes(kind), ...sshBytes(publicKey),
    ...sshBytes([...seed, ...publicKey]), ...sshBytes(comment),
  ];
  for (let pad = 1; own.length % 8 !== 0; pad += 1) own.push(pad);
  const key = [
    ...new TextEncoder().encode('openssh-key-v1\0'), ...sshBytes('none'), ...sshBytes('none'),
    ...sshBytes(''), ...sshNumber(1),
    ...sshBytes([...sshBytes(kind), ...sshBytes(publicKey)]), ...sshBytes(own),
  ];
  const lines = base64(key).match(/.{1,70}/g).join('\n');
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

/** Saves a text as a file. */
function download(file, text) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/octet-stream' }));
  link.download = file;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** Makes a pair of SSH keys: the private one is downloaded and sent to nobody. */
async function makeKey(button) {
  const field = document.getElementById(button.dataset.makesKey);
  const told = document.getElementById(`${field.id}-made`);
  const file = 'mycelium_ed25519';
  try {
    const pair = await crypto.subtle.generateKey({ name: 'Ed25519' }, true, ['sign', 'verify']);
    const publicKey = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
    const pkcs8 = new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey));
    // RFC 8410: the seed is the last 32 bytes.
    const text = opensshKey(publicKey, pkcs8.slice(-32), file);
    download(file, text);
    const line = base64([...sshBytes('ssh-ed25519'), ...sshBytes(publicKey)]);
    field.value = `ssh-ed25519 ${line} ${file}`;
    told.textContent = `The private key was downloaded as ${file} and sent to nobody. Move it to `
      + `~/.ssh, run chmod 600 ~/.ssh/${file}, and log in with ssh -i ~/.ssh/${file}.`;
  } catch {
    told.textContent = 'This browser can\'t create keys. Run ssh-keygen -t ed25519 and paste the '
      + '.pub file.';
  }
}

// How long it is until a moment, counted down.
function countDown() {
  for (const place of document.querySelectorAll('[data-until]')) {
    const seconds = Math.floor((new Date(place.dataset.until) - Date.now()) / 1000);
    const two = (number) => String(number).padStart(2, '0');
    const [hours, rest] = [Math.floor(seconds / 3600), seconds % 3600];
    place.textContent = seconds < 0 ? ''
      : `${hours} h ${two(Math.floor(rest / 60))} min ${two(rest % 60)} s left`;
  }
}
countDown();
setInterval(countDown, 1000);

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

/** What a term costs, or saves, for what is chosen in its form: whole cents of the server's. */
function amountOf(form, term, name) {
  const isWhole = form.querySelector('[name="whole_node"]:checked')?.value === 'yes';
  if (isWhole) return Number(term.dataset[`node${name[0].toUpperCase()}${name.slice(1)}`]);
  return Number(term.dataset[name]) * Number(form.elements.count?.value ?? 1);
}

/**
 * Shows the total charge beside the form and on its button: the server's total times the number of
 * slices, in whole cents. A balance that is too low is reported at once; the server decides.
 */
function showTotal(form) {
  for (const term of form.querySelectorAll('[data-saved]')) {
    const option = term.closest('.option');
    option.querySelector('.option-cost').textContent = dollars(amountOf(form, term, 'cents'));
    const saved = option.querySelector('[data-shows="saved"]');
    if (saved) saved.textContent = dollars(amountOf(form, term, 'saved'));
  }
  const term = form.querySelector('[data-cents]:checked');
  const lacks = form.querySelector('[data-lacks]');
  form.querySelector('[data-sum]').hidden = !term;
  lacks.hidden = true;
  const charge = form.querySelector('[data-shows="charge"]');
  charge.textContent = '';
  if (!term) return;
  const total = amountOf(form, term, 'cents');
  const missing = total - Number(form.dataset.balanceCents);
  form.querySelector('[data-shows="total"]').textContent = dollars(total);
  charge.textContent = ` for ${dollars(total)}`;
  if (form.elements.total) form.elements.total.value = (total / 100).toFixed(2);
  form.querySelector('[data-shows="missing"]').textContent = dollars(Math.max(missing, 0));
  lacks.hidden = missing <= 0;
  const pay = form.querySelector('[data-pays]');
  if (!pay) {
    form.querySelector('[type="submit"]').disabled = missing > 0;
    return;
  }
  // A card pays at least $5.
  form.querySelector('[data-shows="by-card"]').textContent = dollars(Math.max(missing, 500));
  pay.hidden = missing <= 0;
  form.querySelector('[data-charges]').hidden = missing > 0;
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
