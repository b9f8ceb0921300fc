'use strict';
// The sockets are paused and nobody resumes them: neither data nor end is ever read.
const net = require('net');
const { done, outliveGrace, visit } = require('../common/corpus.js');

const LEAKS = 4;
const sockets = [];
const server = net.createServer({ pauseOnConnect: true }, (socket) => {
  sockets.push(socket);
  if (sockets.length === LEAKS) outliveGrace(done);
});
server.listen(0, '127.0.0.1', () => {
  for (let i = 0; i < LEAKS; i++) visit(server.address().port, 'nobody reads this');
});
