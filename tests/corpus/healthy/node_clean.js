'use strict';
// An HTTP server and a keep-alive agent; sockets idle in the agent's pool at the end.
const http = require('http');
const { done, outliveGrace } = require('../common/corpus.js');

const server = http.createServer((request, response) => response.end('hi'));
const agent = new http.Agent({ keepAlive: true, maxSockets: 5 });
server.listen(0, '127.0.0.1', () => {
  let left = 30;
  for (let i = 0; i < 30; i++) {
    http.get({ port: server.address().port, host: '127.0.0.1', agent }, (response) => {
      response.resume();
      response.on('end', () => {
        if (--left === 0) outliveGrace(done);
      });
    });
  }
});
