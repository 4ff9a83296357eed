/* What is changed on the way: the request for the back, the response for the front. Pure: heads in,
 * heads out, everything in the exchange's arena. RFC 9110 7.6, RFC 7239, W3C Trace Context, W3C
 * Baggage; DESIGN's "What is forwarded". */
#pragma once

#include "core/addr.h"
#include "proxy/head/message.h"
#include "sessions/router.h"

struct forward_facts {
    const struct addr *client;
    const struct config *config;
    struct span host;     /* the public host, normalised */
    uint16_t public_port; /* where the client came in, as the world sees it */
    bool secure;          /* the front is TLS */
    bool peer_trusted;    /* client is one of trusted_proxies: its forwarded fields are kept and
                                appended to */
    const struct route_result *route;
    struct span via_name; /* "2.0 linkup" or "1.1 linkup": by what it came in */
};

enum forward_outcome {
    FORWARD_OK,
    FORWARD_LOOP,      /* 508 */
    FORWARD_TOO_LARGE, /* 431 */
    FORWARD_LAST,      /* OPTIONS with max-forwards: 0: the edge answers (RFC 9110 7.6.2) */
};

/* Changes H in place: hop-by-hop fields and those named by connection out, `linkup-*` out (*EXPLAIN
 * tells whether linkup-explain: 1 was asked), cookies rejoined, x-forwarded-*, forwarded, x-request-id,
 * traceparent, tracestate, baggage, via. TE is kept only as "trailers". Host is not in the fields: see
 * forward_host. Of OPTIONS, max-forwards is counted down. */
enum forward_outcome forward_request(struct request_head *h, const struct forward_facts *facts,
                                     struct arena *arena, bool *explain) MUST_USE;
/* Trailers of a request or a response, before they go on: what may not stand there goes. */
void forward_trailers(struct fields *trailers);
/* The Host for the back: the backend's (with a port unless it is the scheme's own), or the client's. p is
 * NULL when the arena is full. */
struct span forward_host(const struct request_head *h, const struct route_result *r,
                         struct arena *arena);

/* Changes H in place: hop-by-hop fields out (but upgrade of a 101), location and cookie domains that name
 * the backend's host turned to the public one, via and a missing date added, explain fields when asked,
 * CORS answers (cors: same-session) when the back gave none, cache-control with no_cache. ERR_FULL: over
 * the limits: 502. */
enum err forward_response(struct response_head *h, const struct request_head *request,
                          const struct forward_facts *facts, const struct route_table *table,
                          bool explain, struct arena *arena) MUST_USE;
/* At the agent's end of a tunnel: hop-by-hop fields and linkup-* out, location and cookie domains turned. The
 * edge does the rest. */
enum err forward_local_response(struct response_head *h, const struct forward_facts *facts,
                                struct arena *arena) MUST_USE;
/* An interim response (1xx): hop-by-hop fields out. */
enum err forward_interim(struct response_head *h, struct arena *arena) MUST_USE;
/* The same for an answer of the edge itself: date, explain fields and CORS only. */
enum err forward_own_response(struct response_head *h, const struct request_head *request,
                              const struct forward_facts *facts, const struct route_table *table,
                              bool explain, struct arena *arena) MUST_USE;
/* Whether this request is a CORS preflight: OPTIONS with origin and access-control-request-method. */
bool forward_is_preflight(const struct request_head *h);
/* Whether the edge answers a preflight in the back's stead (forward_own_response then says what is
 * allowed): its origin is of the same session, and RESPONSE says nothing of CORS. */
bool forward_answers_preflight(const struct request_head *h, const struct response_head *response,
                               const struct route_result *route, const struct route_table *table,
                               const struct config *config);
