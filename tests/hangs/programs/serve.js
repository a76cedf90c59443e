// An HTTP server and the requests that it answers, each with some work.
const http = require('http');
const end = Date.now() + 1000 * Number(process.env.WORK);
const server = http.createServer((request, response) => {
  let sum = 0;
  for (let i = 0; i < 2e6; ++i) sum += i;
  response.end(`${sum}\n`.repeat(1000));
});
function next() {
  if (Date.now() > end) return server.close();
  http.get({port: server.address().port, agent: false}, (response) => {
    response.resume();
    response.on('end', () => setTimeout(next, 100));
  });
}
server.listen(0, '127.0.0.1', next);
