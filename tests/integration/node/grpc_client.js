// grpc_client.js HOST PORT CA: every kind of call through the edge at 127.0.0.1:PORT. Prints a line of JSON, what
// came of each.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const grpc = require('@grpc/grpc-js');
const service = require('./grpc_service.js');

const [host, port, ca] = process.argv.slice(2);
const Client = grpc.makeGenericClientConstructor(service, 'test.Service');
const client = new Client(`127.0.0.1:${port}`, grpc.credentials.createSsl(fs.readFileSync(ca)), {
  'grpc.ssl_target_name_override': host, 'grpc.default_authority': host,
  'grpc.max_receive_message_length': 64 << 20, 'grpc.max_send_message_length': 64 << 20,
});

function unary(name, message, metadata = new grpc.Metadata(), options = {}) {
  return new Promise((resolve) => {
    const told = {};
    const call = client[name](message, metadata, options, (e, b) => {
      Object.assign(told, e ? { code: e.code, details: e.details, trail: e.metadata.get('x-trail') }
                            : { body: b });
    });
    call.on('metadata', (m) => { told.head = m.get('x-head'); });
    call.on('status', (s) => {
      told.status = s.code;
      told.bin = s.metadata.get('x-trail-bin').map((b) => b.toString('hex'));
      resolve(told);
    });
    told.call = call;
    if (options.then)
      options.then(call);
  });
}

/* Everything of a stream: its messages, and how it ended. */
function all(call) {
  return new Promise((resolve) => {
    const told = { messages: [] };
    call.on('data', (b) => told.messages.push(b.toString('latin1')));
    call.on('error', (e) => {
      told.details = e.details;
      told.trail = e.metadata.get('x-trail');
    });
    call.on('status', (s) => resolve({ ...told, status: s.code }));
  });
}

async function ask() {
  const told = {};
  const asked = new grpc.Metadata();
  asked.set('x-ask', 'hello');
  asked.add('x-ask-bin', Buffer.from([0, 255]));
  asked.add('x-ask-bin', Buffer.from([1]));
  let a = await unary('Unary', Buffer.from('x'), asked);
  told.unary = { body: a.body.toString(), head: a.head, bin: a.bin, status: a.status };

  a = await unary('Unary', Buffer.alloc(0));
  told.empty = a.body.length;
  const big = crypto.randomBytes(20 << 20);
  a = await unary('Unary', big);
  told.big = a.body.equals(big);
  told.many = (await Promise.all(Array.from({ length: 300 }, (_, i) =>
    unary('Unary', Buffer.from(String(i)))))).every((r, i) => r.body.toString() === String(i));

  told.collect = await new Promise((resolve, reject) => {
    const call = client.Collect((e, b) => e ? reject(e) : resolve(b.toString()));
    for (let i = 0; i < 500; i++)
      call.write(Buffer.alloc(1000));
    call.end();
  });
  const counted = await all(client.Count(Buffer.from('2000')));
  told.count = { n: counted.messages.length, status: counted.status,
                 ordered: counted.messages.every((m, i) => m === String(i)) };

  const talk = client.Talk(), heard = [];
  told.talk = await new Promise((resolve, reject) => {
    // Each is said only after the one before was heard: nothing may wait in a buffer.
    talk.on('data', (b) => {
      heard.push(b.toString());
      heard.length < 100 ? talk.write(Buffer.from(`m${heard.length}`)) : talk.end();
    });
    talk.on('error', reject);
    talk.on('end', () => resolve(heard.length));
    talk.write(Buffer.from('m0'));
  });

  a = await unary('Fail', Buffer.alloc(0));
  told.fail = { code: a.code, details: a.details, trail: a.trail };
  a = await all(client.FailLate(Buffer.alloc(0)));
  told.failLate = { messages: a.messages, status: a.status, details: a.details, trail: a.trail };
  a = await unary('Silent', Buffer.alloc(0), new grpc.Metadata(), { deadline: Date.now() + 300 });
  told.deadline = a.code;
  told.cancelled = (await unary('Silent', Buffer.alloc(0), new grpc.Metadata(),
                                { then: (call) => setTimeout(() => call.cancel(), 100) })).code;
  const endless = client.Endless(Buffer.alloc(0));
  endless.once('data', () => endless.cancel());
  told.endless = (await all(endless)).status;
  a = await new Promise((resolve) => client.makeUnaryRequest('/test.Service/None', (b) => b, (b) => b,
    Buffer.alloc(0), (e) => resolve(e.code)));
  told.unimplemented = a;
  return told;
}

ask().then((told) => {
  console.log(JSON.stringify(told));
  client.close();
}, (e) => {
  console.error(e);
  process.exit(1);
});
