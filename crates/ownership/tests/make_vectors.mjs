// Makes vectors.json with an implementation that is not ours:
//
//   npm install --prefix target/vectors @polkadot/keyring@13 @polkadot/util-crypto@13
//   NODE_PATH=target/vectors/node_modules node crates/ownership/tests/make_vectors.mjs > \
//       crates/ownership/tests/vectors.json
//
// Signatures by sr25519 are other ones each time, and as good. The phrases are public: the first
// is the one that every Substrate chain has for development.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { Keyring } = require('@polkadot/keyring');
const { cryptoWaitReady } = require('@polkadot/util-crypto');
const { stringToU8a, u8aToHex, u8aWrapBytes } = require('@polkadot/util');

const PHRASES = [
  'bottom drive obey lake curtain smoke basket hold race lonely fit walk',
  'legal winner thank year wave sausage worth useful legal winner thank yellow',
];
const MESSAGES = [
  'Mycelium at http://127.0.0.1:3000: as 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY, which '
    + 'owns farm 50 of the ThreeFold Grid, I give that farm to account '
    + '0190163d-8694-739b-aea5-966c26f8ad91. Nonce abc. Good until 2026-11-23T12:00:00Z.',
  'short',
];
const FORMS = {
  plain: (text) => stringToU8a(text),
  line: (text) => stringToU8a(`${text}\n`),
  wrapped: (text) => u8aWrapBytes(stringToU8a(text)),
};

await cryptoWaitReady();
const vectors = [];
for (const scheme of ['sr25519', 'ed25519']) {
  for (const mnemonic of PHRASES) {
    const pair = new Keyring({ type: scheme }).addFromUri(mnemonic);
    for (const message of MESSAGES) {
      for (const [form, bytes] of Object.entries(FORMS)) {
        for (const withType of [false, true]) {
          const signature = u8aToHex(pair.sign(bytes(message), { withType }));
          vectors.push({ scheme, form, mnemonic, address: pair.address, message, signature });
        }
      }
    }
  }
}
const made = 'by make_vectors.mjs, with @polkadot/keyring';
console.log(JSON.stringify({ made, version: require('@polkadot/keyring/package.json').version,
  vectors }, null, 1));
