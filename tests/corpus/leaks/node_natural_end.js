'use strict';
// A server whose sockets stay half-open in a list and unref'ed: the program ends by itself while they are there.
const net = require('net');
const corpus = require('../common/corpus.js');

const kept = [];
const server = net.createServer({allowHalfOpen: true}, (socket) => {
  kept.push(socket);
  socket.on('end', () => {
    socket.unref();
    if (kept.filter((each) => each.readableEnded).length === 4) {
      server.close();
      server.unref();
      corpus.outliveGrace(() => require('fs').writeSync(1, 'done\n'));
    }
  });
  socket.resume();
});
server.listen(0, '127.0.0.1', () => {
  for (let i = 0; i < 4; i++) {
    const client = net.connect(server.address().port, '127.0.0.1', () => {
      client.end('hello');
      client.on('finish', () => setTimeout(() => client.destroy(), 100));
    });
  }
});
