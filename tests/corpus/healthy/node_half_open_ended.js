'use strict';
// allowHalfOpen used right: after the client's end the server goes on answering, then ends.
const net = require('net');
const { done, outliveGrace } = require('../common/corpus.js');

let ended = 0;
const grace = Number(process.env.CORPUS_GRACE_MS || 300);
const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  socket.resume();
  socket.on('end', () => {
    let ticks = 0;
    const timer = setInterval(() => {
      socket.write('tick');
      if (++ticks < 40) return;
      clearInterval(timer);
      socket.end();
      if (++ended === 3) outliveGrace(done);
    }, grace / 15);
  });
});
server.listen(0, '127.0.0.1', () => {
  for (let i = 0; i < 3; i++) {
    const client = net.connect({ port: server.address().port, host: '127.0.0.1' });
    client.end('hello');
    client.resume();
  }
});
