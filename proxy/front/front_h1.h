/* The pieces of an HTTP/1.1 front: requests in, and what happens on the connection (front_h1.c), responses
 * out (front_h1_response.c). Private to the folder. RFC 9112. */
#pragma once

#include "proxy/front/front.h"

/* --- front_h1.c ---------------------------------------------------------------------------------- */

/* The connection's deadline, and what was looked for is not looked for any more. */
void front_h1_wait_ms(struct front *f, uint64_t ms);
void front_h1_wait_idle(struct front *f);
void front_h1_wait_no_more(struct front *f);
/* Sends what is held, then closes; a body not read to its end is thrown away first, or the reset would
 * reach the client before our answer (RFC 9112 9.6). */
void front_h1_finish(struct front *f);
/* Ends the exchange, if there is one, and closes at once. */
void front_h1_give_up(struct front *f, enum story_end why);

/* --- front_h1_response.c ------------------------------------------------------------------------- */

/* As much of the response's body as there is, and room for. */
void front_h1_move_body(struct front *f);
/* front_ops */
void front_h1_head(struct exchange *x);
void front_h1_interim(struct exchange *x, const struct response_head *h);
void front_h1_response_body(struct exchange *x);
void front_h1_abort(struct exchange *x);
bool front_h1_hand_over(struct exchange *x, conn_taker *take, void *ctx);
