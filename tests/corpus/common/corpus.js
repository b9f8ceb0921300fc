'use strict';
// What the node programs of the corpus share: see corpus.h.
const net = require('net');

exports.outliveGrace = (then) => setTimeout(then, 3 * Number(process.env.CORPUS_GRACE_MS || 300) + 300);
exports.done = () => {
  require('fs').writeSync(1, 'done\n');
  process.exit(0);
};
// A client that comes, says something and goes.
exports.visit = (port, text, then) => {
  const client = net.connect(port, '127.0.0.1', () => client.end(text));
  client.resume();
  client.on('error', () => {});
  if (then) client.on('close', then);
};
