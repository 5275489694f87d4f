'use strict';

// Passkeys: what a page cannot do without a script. The server writes and checks everything; this
// carries it to the authenticator and back.

const knowsPasskeys =
  typeof PublicKeyCredential === 'function' &&
  typeof PublicKeyCredential.parseCreationOptionsFromJSON === 'function' &&
  typeof PublicKeyCredential.parseRequestOptionsFromJSON === 'function' &&
  typeof PublicKeyCredential.prototype.toJSON === 'function';

if (knowsPasskeys) {
  for (const part of document.querySelectorAll('[data-passkey-only]')) part.hidden = false;
  for (const part of document.querySelectorAll('[data-no-passkey]')) part.hidden = true;
}

/** What the server does not do, with the stable name of its reason. */
class Refusal extends Error {
  constructor(problem) {
    super(problem.detail);
    this.kind = problem.type.split('#')[1];
  }
}

/** Posts to the API and returns what it answers. */
async function post(path, body) {
  const answer = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const answered = await answer.json();
  if (!answer.ok) throw new Refusal(answered);
  return answered;
}

/** Lets the person choose a passkey and show it; returns what the API takes. */
async function show() {
  const { challenge, options } = await post('/api/account/passkeys/sign-in');
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const credential = await navigator.credentials.get({ publicKey });
  return { challenge, credential: credential.toJSON() };
}

/** Makes a passkey on the person's device and adds it to the account. */
async function add(name) {
  const { challenge, options } = await post('/api/account/passkeys/options');
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const credential = await navigator.credentials.create({ publicKey });
  await post('/api/account/passkeys', { challenge, name, credential: credential.toJSON() });
}

/** What went wrong, in words. The browser's own are for developers. */
function words(error) {
  if (error instanceof Refusal) {
    return `${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}`;
  }
  switch (error.name) {
    case 'NotAllowedError':
    case 'AbortError':
      return 'No passkey was used: it was canceled, or took too long. Try again.';
    case 'InvalidStateError':
      return 'This device holds a passkey of your account already.';
    case 'NotSupportedError':
      return 'This device cannot make a passkey that works here.';
    case 'SecurityError':
      return 'Passkeys do not work at this address.';
    default:
      return 'That did not work. Look at your connection and try again.';
  }
}

/** Does something that ends in another page; if it fails, says why beside `control`. */
async function lead(control, away) {
  const message = control.closest('.card').querySelector('[data-passkey-message]');
  const button = control.querySelector('button') ?? control;
  message.hidden = true;
  button.disabled = true;
  try {
    const next = await away();
    const kept = document.querySelector('[data-kept]');
    if (kept) kept.submit();
    else location.assign(next);
  } catch (error) {
    if (error instanceof Refusal && error.kind === 'verification-required') {
      const here = encodeURIComponent(location.pathname);
      location.assign(`/dashboard/verify?next=${here}`);
      return;
    }
    message.textContent = words(error);
    message.hidden = false;
    button.disabled = false;
  }
}

/** What each control does; it returns the page to go on to. */
const passkeyControls = {
  'sign-in': async (button) => {
    await post('/api/account/sessions/passkey', await show());
    return button.dataset.next;
  },
  verify: async (button) => {
    await post('/api/account/sessions/verify', await show());
    return button.dataset.next;
  },
  add: async (form) => {
    await add(form.elements.namedItem('passkey_name').value);
    return '/dashboard/settings/security';
  },
};

for (const control of document.querySelectorAll('[data-passkey]')) {
  const away = passkeyControls[control.dataset.passkey];
  control.addEventListener(control.matches('form') ? 'submit' : 'click', (event) => {
    event.preventDefault();
    lead(control, () => away(control));
  });
}
