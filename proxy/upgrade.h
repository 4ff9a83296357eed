/* Exchanges that have become a WebSocket: what is answered to who asks for one, and the life of an open
 * one. RFC 9110 7.8, RFC 6455, RFC 8441.
 *
 * An open one has no deadline of HTTP's: either side may be silent, or not read, for
 * `limits.upgrade_idle`. Each direction ends by itself: the back passes the client's end on, sets
 * request_ended once all has left, and calls exchange_response_body; the front passes the backend's end on
 * and sets response_ended. The front ends the exchange when both are set. Where one side has ended and nothing moves, the other is waited for only for
 * `limits.idle_timeout`. */
#pragma once

#include "proxy/exchange.h"

/* The answer to a request for an upgrade is there: opens the WebSocket, or makes X an ordinary exchange. False
 * when the answer may not go to this front, and X got another one instead. */
bool upgrade_answered(struct exchange *x);
/* X is passed through: it is open from its first byte on, by the same rules. */
void upgrade_begin(struct exchange *x);
/* X is over, upgraded or not. */
void upgrade_end(struct exchange *x);
