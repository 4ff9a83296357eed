// The service that grpc_server.js offers and grpc_client.js asks. Messages are bytes: what is under test is the
// transport, not a schema.
'use strict';
const bytes = { requestSerialize: (b) => b, requestDeserialize: (b) => b,
                responseSerialize: (b) => b, responseDeserialize: (b) => b };

module.exports = {
  Unary: { path: '/test.Service/Unary', requestStream: false, responseStream: false, ...bytes },
  Collect: { path: '/test.Service/Collect', requestStream: true, responseStream: false, ...bytes },
  Count: { path: '/test.Service/Count', requestStream: false, responseStream: true, ...bytes },
  Talk: { path: '/test.Service/Talk', requestStream: true, responseStream: true, ...bytes },
  Fail: { path: '/test.Service/Fail', requestStream: false, responseStream: false, ...bytes },
  FailLate: { path: '/test.Service/FailLate', requestStream: false, responseStream: true, ...bytes },
  Silent: { path: '/test.Service/Silent', requestStream: false, responseStream: false, ...bytes },
  Endless: { path: '/test.Service/Endless', requestStream: false, responseStream: true, ...bytes },
};
