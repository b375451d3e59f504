// WeCom's own @wecom/crypto as a program: one JSON line in, one out. NODE_PATH says where the package is installed.
'use strict';

const readline = require('readline');
const wecom = require('@wecom/crypto');

// A callback as WeCom would send it: the cipher text and the signature over it. `random` (hex) for a repeatable one.
function seal({ token, key, receiver, timestamp, nonce, message, random }) {
  const salt = random ? [Buffer.from(random, 'hex')] : [];
  const encrypt = wecom.encrypt(key, message, receiver, ...salt);
  return { encrypt, signature: wecom.getSignature(token, timestamp, nonce, encrypt) };
}

// What is inside, for whom, and which signature it should have carried.
function open({ token, key, timestamp, nonce, encrypt }) {
  const { message, id } = wecom.decrypt(key, encrypt);
  return { message, receiver: id, signature: wecom.getSignature(token, timestamp, nonce, encrypt) };
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const asked = JSON.parse(line);
  let told;
  try {
    told = { seal, open }[asked.do](asked);
  } catch (error) {
    told = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(told)}\n`);
});
