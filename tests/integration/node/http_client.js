// http_client.js HOST PORT CA: node's own clients, http2 and https with a keep-alive agent. A line of JSON.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const http2 = require('http2');
const https = require('https');

const [host, port, file] = process.argv.slice(2);
const ca = fs.readFileSync(file);
const body = crypto.randomBytes(3 << 20);
const digest = (b) => crypto.createHash('sha256').update(b).digest('hex');

function collect(stream) {
  return new Promise((resolve, reject) => {
    const pieces = [];
    stream.on('data', (b) => pieces.push(b));
    stream.on('end', () => resolve(Buffer.concat(pieces)));
    stream.on('error', reject);
  });
}

async function overHttp2() {
  const told = {};
  const session = http2.connect(`https://${host}:${port}`, { ca, host: '127.0.0.1', servername: host,
    lookup: (_, o, done) => o.all ? done(null, [{ address: '127.0.0.1', family: 4 }])
                                  : done(null, '127.0.0.1', 4) });
  const ask = (fields, payload) => {
    const s = session.request(fields, { endStream: payload === undefined });
    const answer = { trailers: null };
    s.on('response', (h) => { answer.status = h[':status']; });
    s.on('trailers', (t) => { answer.trailers = { ...t }; });
    if (payload !== undefined)
      s.end(payload);
    return collect(s).then((b) => ({ ...answer, body: b }));
  };
  let a = await ask({ ':path': '/plain' });
  told.get = [a.status, JSON.parse(a.body).target];
  a = await ask({ ':path': '/sum', ':method': 'POST' }, body);
  told.post = a.body.toString() === digest(body);
  a = await ask({ ':path': '/trailers' });
  told.trailers = a.trailers && a.trailers['x-trailer'];
  const many = await Promise.all(Array.from({ length: 200 }, (_, i) => ask({ ':path': `/m${i}` })));
  told.many = many.every((r, i) => r.status === 200 && JSON.parse(r.body).target === `/m${i}`);
  told.ping = await new Promise((resolve) => session.ping((e) => resolve(!e)));
  session.close();
  return told;
}

async function overHttps() {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 2, ca, servername: host });
  const told = { reused: 0 };
  const ask = (path, options = {}, payload) => new Promise((resolve, reject) => {
    const r = https.request({ host: '127.0.0.1', port, path, agent, ...options,
                              headers: { host: `${host}:${port}`, ...options.headers } },
      (answer) => collect(answer).then((b) => {
        told.reused += r.reusedSocket;
        resolve({ status: answer.statusCode, body: b, trailers: answer.trailers, version: answer.httpVersion });
      }, reject));
    r.on('error', reject);
    if (options.headers && options.headers.expect)
      r.on('continue', () => { told.continued = true; r.end(payload); });
    else
      r.end(payload);
  });
  let a = await ask('/plain');
  told.get = [a.status, a.version, JSON.parse(a.body).target];
  a = await ask('/sum', { method: 'POST', headers: { expect: '100-continue', 'content-length': body.length } }, body);
  told.post = a.body.toString() === digest(body);
  told.trailers = (await ask('/trailers')).trailers['x-trailer'];
  const many = await Promise.all(Array.from({ length: 50 }, (_, i) => ask(`/m${i}`)));
  told.many = many.every((r, i) => r.status === 200 && JSON.parse(r.body).target === `/m${i}`);
  agent.destroy();
  return told;
}

(async () => console.log(JSON.stringify({ http2: await overHttp2(), https: await overHttps() })))()
  .catch((e) => { console.error(e); process.exit(1); });
