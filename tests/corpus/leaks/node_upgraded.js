'use strict';
// A raw net server hands sockets that it detached from http (upgrade) to a table; the end is not listened to.
const http = require('http');
const net = require('net');
const corpus = require('../common/corpus.js');

const table = [];
const server = http.createServer();
server.on('upgrade', (request, socket) => {
  socket.write('HTTP/1.1 101 Switching\r\n\r\n');
  table.push(socket);
  if (table.length === 4) setTimeout(() => corpus.outliveGrace(corpus.done), 50);
});
server.listen(0, '127.0.0.1', () => {
  for (let i = 0; i < 4; i++) {
    const client = net.connect(server.address().port, '127.0.0.1');
    client.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    client.once('data', () => client.destroy());
  }
});
