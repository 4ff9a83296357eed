/* The session a request's context names: W3C baggage, W3C tracestate, Referer, Origin. Pure.
 *
 * Fields are fed one by one, in the order received; keys are matched whole; what is malformed or over
 * the W3C limits (64 members and 8192 bytes of baggage, 32 members of tracestate) is passed over. */
#pragma once

#include "core/span.h"

/* Zeroed before the first field. All spans point into what was fed, so a copy is as good. Empty: not
 * there. */
struct route_context {
    struct span baggage_session; /* as written: may be percent-encoded (context_decode) */
    struct span tracestate_session;
    struct span referer_host, origin_host; /* as written: case and port not yet normalised */
    /* What was seen, towards the limits. */
    unsigned baggage_members, tracestate_members;
    size_t baggage_bytes;
};

void context_feed_baggage(struct route_context *c, struct span value);
void context_feed_tracestate(struct route_context *c, struct span value);
void context_feed_referer(struct route_context *c, struct span value);
void context_feed_origin(struct route_context *c, struct span value);

/* VALUE with its %xx decoded: itself when there are none, else in OUT. ERR_SYNTAX, ERR_FULL. */
enum err context_decode(struct span value, char *out, size_t cap, struct span *decoded) MUST_USE;

/* The host of a Host or :authority value: without port and final dot, lower-cased into OUT.
 * An IPv6 literal keeps its brackets. ERR_SYNTAX for what is no host (RFC 3986 3.2.2, user info
 * refused); RFC 9110 7.2. */
enum err host_normalise(struct span authority, char out[256], struct span *host) MUST_USE;
