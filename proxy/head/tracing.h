/* The context that services pass on, so that a call of a call still finds its session: x-request-id,
 * W3C Trace Context (traceparent, tracestate) and W3C Baggage. Identifiers come from a generator of the
 * thread's own: no system call, no lock. They are names, not secrets. */
#pragma once

#include "proxy/head/field.h"

/* Makes x-request-id where there is none (or one that is unreasonably long). */
enum err tracing_request_id(struct fields *f, struct arena *a) MUST_USE;
/* Makes traceparent where there is none, several, or one that is malformed (Trace Context 3.2). */
enum err tracing_traceparent(struct fields *f, struct arena *a) MUST_USE;
/* Puts linkup-session=SESSION to the front of tracestate and drops members that repeat a key or come
 * after the 32nd (Trace Context 3.3.1). Without SESSION (empty) a member linkup-session goes, for it names
 * a session that does not live; everything else stays as it is. */
enum err tracing_tracestate(struct fields *f, struct span session, struct arena *a) MUST_USE;
/* The same for baggage: 64 members and 8192 bytes (Baggage 3.3.2), ours first. */
enum err tracing_baggage(struct fields *f, struct span session, struct arena *a) MUST_USE;

/* What a watched request (proxy/watch.h) has in tracestate and baggage, so that calls made because of it
 * say whose they are. */
#define TRACING_HOP SPAN_LIT("linkup-hop")
/* Puts linkup-hop=HOP to the front of both. */
enum err tracing_hop(struct fields *f, struct span hop, struct arena *a) MUST_USE;
/* A new name for a span: 16 hexadecimal digits, not all zero (Trace Context 3.2.2.4). */
#define TRACING_SPAN_LEN 16
void tracing_span_id(char out[TRACING_SPAN_LEN + 1]);
bool tracing_is_span_id(struct span s);
/* The trace-id and parent-id of the one traceparent there is; false for none, several, a malformed one. */
bool tracing_parse(const struct fields *f, struct span *trace, struct span *parent);
