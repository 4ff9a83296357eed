// Prints its port, then a line for each call that was cancelled.
'use strict';
const grpc = require('@grpc/grpc-js');
const service = require('./grpc_service.js');

const LIMIT = { 'grpc.max_receive_message_length': 64 << 20, 'grpc.max_send_message_length': 64 << 20 };
const said = (call, what) => call.on('cancelled', () => console.log(what));

function failure(code, details) {
  const metadata = new grpc.Metadata();
  metadata.set('x-trail', 'told');
  return { code, details, metadata };
}

const calls = {
  Unary(call, done) {
    const head = new grpc.Metadata(), trail = new grpc.Metadata();
    head.set('x-head', call.metadata.get('x-ask')[0] || 'none');
    for (const b of call.metadata.get('x-ask-bin'))
      trail.add('x-trail-bin', b);
    call.sendMetadata(head);
    done(null, call.request, trail);
  },
  Collect(call, done) {
    let n = 0, size = 0;
    call.on('data', (b) => { n++; size += b.length; });
    call.on('end', () => done(null, Buffer.from(`${n} ${size}`)));
  },
  Count(call) {
    const n = Number(call.request.toString());
    let i = 0;
    const more = () => {
      while (i < n)
        if (!call.write(Buffer.from(String(i++))))
          return call.once('drain', more);
      call.end();
    };
    more();
  },
  Talk(call) {
    call.on('data', (b) => call.write(b));
    call.on('end', () => call.end());
  },
  Fail(call, done) {
    done(failure(grpc.status.FAILED_PRECONDITION, 'not so: 50% \u00e4'));
  },
  FailLate(call) {
    call.write(Buffer.from('first'));
    call.emit('error', failure(grpc.status.DATA_LOSS, 'then no more'));
  },
  Silent(call) {
    said(call, 'silent cancelled');
  },
  Endless(call) {
    said(call, 'endless cancelled');
    const timer = setInterval(() => call.write(Buffer.from('tick')), 5);
    call.on('cancelled', () => clearInterval(timer));
  },
};

const server = new grpc.Server(LIMIT);
server.addService(service, calls);
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (e, port) => {
  if (e)
    throw e;
  console.log(port);
});
