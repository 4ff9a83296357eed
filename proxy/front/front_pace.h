/* Clients that are slow with what is due: the rest of a request's body that a back wants, and a response
 * that waits for them to take it. limits.min_request_rate, min_response_rate, rate_grace (rate.h), and
 * limits.idle_timeout for those that do nothing at all.
 *
 * Only a client's own part counts. Nothing is due while a back has not taken what came, while a backend
 * is silent (long polls, event streams), in WebSockets and TLS that is passed through, in calls of
 * streams (gRPC), which may rest as they like, and once a response has begun beside a body of unknown
 * length. Private to the folder. */
#pragma once

#include "proxy/exchange.h"

struct front;

/* Whether the part of X's request that has not come is the client's to send now. The front knows that
 * there is one, and that what came has been taken. */
bool front_pace_owes_body(const struct exchange *x);
struct rate_limit front_pace_request(const struct proxy *p);
struct rate_limit front_pace_response(const struct proxy *p);

/* For a connection: a new request has begun. */
void front_pace_begin(struct front *f);
/* The client of F owes X's body: how long it is waited for it. */
uint64_t front_pace_await_body(struct front *f, const struct exchange *x);
/* Something came; N bytes of the body are taken. */
void front_pace_came(struct front *f);
void front_pace_took(struct front *f, size_t n);
/* F has more to write than its client takes: how long it is waited for room. */
uint64_t front_pace_await_room(struct front *f);
/* There is room again. */
void front_pace_has_room(struct front *f);
/* The time of front_pace_await_room is over: how much longer it is waited, for the client has taken
 * something in it; 0: it is too slow. */
uint64_t front_pace_await_longer(struct front *f);
/* A client was too slow, and pays with its request. */
void front_pace_count(const struct proxy *p);
