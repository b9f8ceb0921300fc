'use strict';
// allowHalfOpen: the server hears 'end' and never ends its own side (websockets/ws#180).
const net = require('net');
const { done, outliveGrace } = require('../common/corpus.js');

const LEAKS = 5;
const sockets = [];
let ended = 0;

const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  sockets.push(socket);
  socket.on('error', () => {});
  socket.on('end', () => {
    if (++ended === LEAKS) outliveGrace(done);
  });
  socket.resume();
});
server.listen(0, '127.0.0.1', () => {
  for (let i = 0; i < LEAKS; i++) {
    const client = net.connect(server.address().port, '127.0.0.1', () => client.end('hello'));
  }
});
