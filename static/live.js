'use strict';

// Keeps a page as it is on the server: on an event of the account it gets the page again, and
// puts what has changed in place. What somebody is busy with stays until they are done.

{
  /** What is kept up to date: the page itself, and the balance above it. */
  const PARTS = ['main[data-live]', '.site-nav'];
  /** How long a stream may take until it says that it has begun, in milliseconds. */
  const BEGIN_WAIT = 8_000;
  /** The pause before a stream is tried once more. */
  const RETRY_WAIT = 3_000;
  /** How often is asked where streams do not get through. */
  const POLL_WAIT = 10_000;
  /** The pause until what somebody was busy with is tried again. */
  const BUSY_WAIT = 2_000;
  /** Streams that fail one after the other, before we ask instead. */
  const FAILURES_MAX = 2;

  const main = document.querySelector('main[data-live]');
  let after = main?.dataset.live;
  let source = null;
  let timer = 0;
  let failures = 0;
  /** Counts up whenever what runs is stopped, so that an answer that comes later knows. */
  let turn = 0;
  let refreshing = false;
  let refreshTimer = 0;

  // Says that something has changed, once it is there, to those who do not see it.
  const status = document.createElement('p');
  status.className = 'unseen';
  status.setAttribute('role', 'status');

  function stop() {
    turn += 1;
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  function start() {
    stop();
    if (document.hidden) return;
    if (failures >= FAILURES_MAX) {
      poll();
      return;
    }
    source = new EventSource(`/api/events?after=${after}`);
    timer = setTimeout(fail, BEGIN_WAIT);
    source.addEventListener('begun', () => {
      clearTimeout(timer);
      failures = 0;
    });
    source.addEventListener('message', (event) => happened(event.lastEventId));
    source.addEventListener('error', () => {
      clearTimeout(timer);
      if (source.readyState === EventSource.CLOSED) fail();
      // A stream ends now and then, and the browser reopens it automatically.
      else timer = setTimeout(fail, BEGIN_WAIT);
    });
  }

  function fail() {
    stop();
    failures += 1;
    timer = setTimeout(start, RETRY_WAIT);
  }

  async function poll() {
    const mine = turn;
    try {
      const headers = { accept: 'application/json' };
      const answer = await fetch(`/api/events?after=${after}`, { headers });
      if (turn !== mine) return;
      // Whoever has signed out need not ask.
      if (answer.status === 401 || answer.status === 403) return;
      if (answer.ok) {
        const { items, next_after: last } = await answer.json();
        if (items.length > 0) happened(last);
      }
    } catch {
      // The network may be back next time.
    }
    if (turn === mine) timer = setTimeout(poll, POLL_WAIT);
  }

  function happened(last) {
    after = last;
    refresh();
  }

  async function refresh() {
    clearTimeout(refreshTimer);
    if (refreshing) {
      refreshTimer = setTimeout(refresh, BUSY_WAIT);
      return;
    }
    refreshing = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
      // Where this page is no more, or is for nobody who is signed out, it stays as it was.
      if (answer.ok && !answer.redirected) settle(await answer.text());
    } catch {
      refreshTimer = setTimeout(refresh, POLL_WAIT);
    }
    refreshing = false;
  }

  /** Shows a page, and what had to wait of it as soon as nobody is busy with that. */
  function settle(text) {
    if (!show(text)) refreshTimer = setTimeout(() => settle(text), BUSY_WAIT);
  }

  /** Puts a page in place of the one that is open; false if a part of it has to wait. */
  function show(text) {
    const page = new DOMParser().parseFromString(text, 'text/html');
    enhance(page);
    // What the last form did is said once, and stays until the page is left.
    const notice = main.querySelector('[data-notice]');
    if (notice) page.querySelector('main')?.prepend(notice.cloneNode(true));
    const before = main.textContent;
    let isWhole = true;
    for (const part of PARTS) {
      const old = document.querySelector(part);
      const fresh = page.querySelector(part);
      if (old && fresh && !morph(old, fresh)) isWhole = false;
    }
    if (main.textContent !== before) {
      status.textContent = '';
      setTimeout(() => { status.textContent = 'This page was updated.'; }, 100);
    }
    return isWhole;
  }

  /** Makes a node like another, changing as little as can be; false if a part was left alone. */
  function morph(old, fresh) {
    if (old.isEqualNode(fresh)) return true;
    if (isInUse(old)) return false;
    const isAlike = old.nodeName === fresh.nodeName && old.id === fresh.id;
    if (isAlike && old.nodeType === Node.TEXT_NODE) {
      old.data = fresh.data;
      return true;
    }
    if (isAlike && old.childNodes.length === fresh.childNodes.length) {
      matchAttributes(old, fresh);
      const pairs = [...old.childNodes].map((child, index) => [child, fresh.childNodes[index]]);
      return pairs.map(([child, next]) => morph(child, next)).every(Boolean);
    }
    if (holdsUse(old)) return false;
    if (isAlike) {
      matchAttributes(old, fresh);
      old.replaceChildren(...fresh.childNodes);
    } else {
      old.replaceWith(fresh);
    }
    return true;
  }

  function matchAttributes(old, fresh) {
    for (const name of old.getAttributeNames()) {
      if (!fresh.hasAttribute(name)) old.removeAttribute(name);
    }
    for (const name of fresh.getAttributeNames()) {
      const value = fresh.getAttribute(name);
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
  }

  /** An open dialog, or a form that somebody fills in or has sent. */
  function isInUse(node) {
    if (node instanceof HTMLDialogElement) return node.open;
    if (!(node instanceof HTMLFormElement)) return false;
    return Boolean(node.dataset.sent) || node.contains(document.activeElement) ||
      [...node.elements].some(isChanged);
  }

  function isChanged(field) {
    if (field.type === 'hidden') return false;
    if (field.type === 'checkbox' || field.type === 'radio') {
      return field.checked !== field.defaultChecked;
    }
    if (field instanceof HTMLSelectElement) {
      return [...field.options].some((option) => option.selected !== option.defaultSelected);
    }
    return 'defaultValue' in field && field.value !== field.defaultValue;
  }

  /** Whether replacing what is in a node would take something out of somebody's hands. */
  function holdsUse(node) {
    if (!(node instanceof Element)) return false;
    const focused = document.activeElement;
    if (focused !== node && focused !== document.body && node.contains(focused)) return true;
    if (!getSelection().isCollapsed && getSelection().containsNode(node, true)) return true;
    return [...node.querySelectorAll('dialog, form')].some(isInUse);
  }

  if (main) {
    document.body.append(status);
    start();
    // A browser opens few connections to one site: a tab that nobody sees needs none.
    document.addEventListener('visibilitychange', () => {
      failures = 0;
      start();
    });
    addEventListener('pagehide', stop);
    addEventListener('pageshow', (event) => {
      if (event.persisted) start();
    });
  }
}
