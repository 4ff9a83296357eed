// An echo server: prints its port, then a line of JSON for each WebSocket that closes.
'use strict';
const { WebSocketServer } = require('ws');

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: true,
                                     maxPayload: 64 << 20 },
  () => console.log(server.address().port));

server.on('connection', (ws, request) => {
  let messages = 0;
  ws.on('message', (data, binary) => {
    messages++;
    ws.send(data, { binary });
  });
  ws.on('close', (code, reason) => console.log(JSON.stringify(
    { url: request.url, via: request.headers.via, extensions: ws.extensions, messages, code,
      reason: reason.toString() })));
});
