// Clients of a server that says goodbye: their half stays open, 4 of them; or none with "fixed".
'use strict';
const fs = require('fs');
const net = require('net');
const os = require('os');
const path = require('path');

const fixed = process.argv[2] === 'fixed';
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'node-unix-'));
const address = path.join(directory, 'server');
const count = 4;
const clients = [];
let awaited = fixed ? 3 * count : 2 * count;

function openOne() {
  const client = net.connect({ path: address, allowHalfOpen: true });
  client.resume();
  client.on('end', () => endOne(client));
  client.on('close', happened);
  clients.push(client);
}

function endOne(client) {
  if (fixed) client.destroy();
  happened();
}

function happened() {
  if (--awaited > 0) return;
  fs.rmSync(directory, { recursive: true });
  process.stdout.write('done\n', () => setImmediate(() => process.exit(0)));
}

const server = net.createServer((connection) => {
  connection.on('close', happened);
  connection.end('bye', () => connection.destroy());
});
server.listen(address, () => {
  for (let i = 0; i < count; i++) openOne();
});
