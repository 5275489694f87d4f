'use strict';

// Proves a farm with a browser wallet: what a page cannot do without a script. Wallets for the
// chain, such as the polkadot.js extension, share one interface, `injectedWeb3`. The key never
// leaves the wallet; the server checks the signature like any other.

{
  /** How often, and with which pause in milliseconds, a wallet is looked for: some come late. */
  const LOOKS = 8;
  const LOOK_WAIT = 250;
  /** How long a wallet may take to say which accounts it has, in milliseconds. */
  const ENABLE_WAIT = 120_000;

  const part = document.querySelector('[data-wallet]');
  const button = part?.querySelector('button');
  const message = part?.querySelector('[data-wallet-message]');
  const form = document.querySelector('form[data-signature]');

  /** The wallets of this browser: their names and what they offer. */
  function wallets() {
    return Object.entries(window.injectedWeb3 ?? {})
      .filter(([, wallet]) => typeof wallet?.enable === 'function');
  }

  /** Says what to do now, in words of ours: those of wallets are for developers. */
  class Advice extends Error {}

  /** The public key of an address, so that one account is the same in every network's format. */
  function key(address) {
    const letters = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
    let number = 0n;
    for (const letter of address) {
      const value = letters.indexOf(letter);
      if (value < 0) return address;
      number = number * 58n + BigInt(value);
    }
    // The key is the 32 bytes before the two of the checksum.
    return ((number >> 16n) & ((1n << 256n) - 1n)).toString(16);
  }

  /** Text as wallets take bytes. */
  function hex(text) {
    const bytes = new TextEncoder().encode(text);
    return `0x${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  }

  function within(promise, wait) {
    const late = new Promise((_, reject) => { setTimeout(() => reject(new Error('late')), wait); });
    return Promise.race([promise, late]);
  }

  /** The wallet that has the account, and the address by which it knows it. */
  async function holder(signer) {
    let refused = 0;
    for (const [, wallet] of wallets()) {
      try {
        const injected = await within(wallet.enable('Mycelium'), ENABLE_WAIT);
        const accounts = await injected.accounts.get();
        const own = accounts.find(({ address }) => key(address) === key(signer));
        if (own && injected.signer?.signRaw) return { injected, address: own.address };
      } catch {
        refused += 1;
      }
    }
    throw new Advice(refused > 0
      ? 'Your wallet did not share its accounts. Allow this site in the wallet, and try again.'
      : `Your wallet lacks the account ${signer}. Add it there, or use another way.`);
  }

  async function sign() {
    const { injected, address } = await holder(part.dataset.wallet);
    const data = hex(document.getElementById('message').textContent);
    try {
      const { signature } = await injected.signer.signRaw({ address, data, type: 'bytes' });
      return { address, signature };
    } catch {
      throw new Advice('The message was not signed. Try again, or use another way.');
    }
  }

  async function prove() {
    button.disabled = true;
    message.hidden = true;
    try {
      const { address, signature } = await sign();
      form.elements.namedItem('signature').value = signature;
      form.elements.namedItem('signed_as').value = address;
      form.requestSubmit();
    } catch (error) {
      message.textContent = error instanceof Advice
        ? error.message : 'The wallet gave no usable answer. Use another way.';
      message.hidden = false;
      button.disabled = false;
    }
  }

  /** Offers the wallet, once there is one, and puts the other ways behind it. */
  function look(left) {
    if (wallets().length > 0) {
      part.hidden = false;
      const others = document.querySelector('details[data-other-ways]');
      if (others && !('keeps' in others.dataset)) others.open = false;
    } else if (left > 0) {
      setTimeout(() => look(left - 1), LOOK_WAIT);
    }
  }

  if (part && form) {
    button.addEventListener('click', prove);
    look(LOOKS);
  }
}
