// A server whose answers are right and whose handler forgets a connection each time: leaky.js BACKEND_PORT.
const http = require('http');
const net = require('net');
const forgotten = [];

function askBackend(then) {
  const connection = net.connect({port: Number(process.argv[2]), host: '127.0.0.1', allowHalfOpen: true});
  connection.on('data', () => {});
  connection.on('end', () => {
    forgotten.push(connection);  // never ended
    then();
  });
}

const server = http.createServer((request, response) => {
  const answer = () => response.end(request.url);
  if (request.url.startsWith('/leak')) askBackend(answer);
  else answer();
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
