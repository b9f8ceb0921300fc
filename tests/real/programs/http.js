// An HTTP server and its clients in one node: 30 requests that close, 30 over kept connections.
'use strict';
const http = require('http');

function get(port, agent, i) {
  return new Promise((resolve, reject) => {
    http.get({ host: '127.0.0.1', port, path: `/${i}`, agent }, (response) => {
      let body = '';
      response.on('data', (chunk) => { body += chunk; });
      response.on('end', () => resolve(body));
    }).on('error', reject);
  });
}

async function main() {
  const server = http.createServer((request, response) => response.end(`answer to ${request.url}\n`));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  const closing = new http.Agent({ keepAlive: false });
  const keeping = new http.Agent({ keepAlive: true, maxSockets: 5 });
  const numbers = [...Array(30).keys()];
  const closed = await Promise.all(numbers.map((i) => get(port, closing, i)));
  const kept = await Promise.all(numbers.map((i) => get(port, keeping, i)));
  keeping.destroy();
  await new Promise((resolve) => server.close(resolve));
  const right = [...closed, ...kept].filter((body, i) => body === `answer to /${i % 30}\n`);
  console.log('done', right.length);
}

main();
