// ws_client.js URL PORT CA: messages of all sizes to an echo server that listens, whatever the URL's host, on
// 127.0.0.1:PORT. Prints a line of JSON.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const tls = require('tls');
const { WebSocket } = require('ws');

const [url, port, ca] = process.argv.slice(2);
const sizes = [0, 1, 125, 126, 65535, 65536, 1 << 20];
const sent = sizes.map((n) => crypto.randomBytes(n));
const ws = new WebSocket(url, ['other', 'chat'], {
  createConnection: (options) => tls.connect({ host: '127.0.0.1', port: Number(port),
    servername: new URL(url).hostname, ca: fs.readFileSync(ca), ALPNProtocols: ['http/1.1'] }),
});
let echoed = 0, pongs = 0;

ws.on('open', () => {
  ws.ping('are you there');
  sent.forEach((data) => ws.send(data));
});
ws.on('pong', (data) => { pongs += data.toString() === 'are you there'; });
ws.on('message', (data) => {
  if (!data.equals(sent[echoed++]))
    throw new Error(`message ${echoed} differs`);
  if (echoed === sent.length)
    ws.close(4321, 'that is all');
});
ws.on('close', (code, reason) => console.log(JSON.stringify(
  { echoed, pongs, code, reason: reason.toString(), extensions: ws.extensions,
    protocol: ws.protocol })));
