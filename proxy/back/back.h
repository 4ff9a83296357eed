/* The way to a backend: the one entrance for exchanges, whatever is spoken behind it.
 *
 * An exchange gets an idle HTTP/1 connection, or a stream of an HTTP/2 connection that has room, or it
 * waits: for a connection that is being opened, or one that becomes free meanwhile; who has waited
 * longest is served first. One worker's thread only. */
#pragma once

#include "proxy/back/pool.h"
#include "proxy/back/retry.h"
#include "proxy/exchange.h"

/* Starts X's way to the backend of its route. */
void back_start(struct exchange *x);
/* A connection that had X lets go of it because of WHAT: X is tried once more where that is safe
 * (retry.h), or gets the page for it, or breaks off. */
void back_failed(struct exchange *x, const struct retry_facts *what);
/* A connection of HTTP/2 has let go of X, which asks for an upgrade that is not offered there: another way,
 * or the page for it. */
void back_detour(struct exchange *x);
/* back_ops of whoever waits: nothing is taken of the request, and there is no response yet. */
void back_wait_request_body(struct exchange *x);
struct span back_wait_peek(struct exchange *x, bool *end);
void back_wait_consume(struct exchange *x, size_t n);
/* Those of an exchange that waits; its `back` is the pool. */
extern const struct back_ops back_waiting_ops;
/* X's way to the connections that were brought to P (adopted.h). */
void back_start_adopted(struct pool *p, struct exchange *x);
/* Those who wait in P go elsewhere: it takes no more. */
void back_send_away(struct pool *p);
/* X is done: connections that others could use after it are closed, once nobody uses them. */
void back_forget(struct exchange *x);
/* Closes what no exchange uses: idle connections and dials. All exchanges have gone. */
void back_close_all(struct pools *p);
