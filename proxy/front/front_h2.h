/* The pieces of an HTTP/2 front: the session's callbacks (front_h2.c), heads in (front_h2_request.c) and
 * out (front_h2_response.c), and who is waited for how long (front_h2_deadline.c). Private to the folder.
 * RFC 9113. */
#pragma once

#include <nghttp2/nghttp2.h>

#include "proxy/exchange.h"

struct conn;
struct front;

/* How much of one request's body, and of all of a connection's, waits in memory for slow backs. */
#define STREAM_WINDOW (128 * 1024)
#define STREAM_WINDOW_MOST (768 * 1024)
#define CONNECTION_WINDOW (1024 * 1024)

extern const struct front_ops front_h2_ops;

/* The exchange of an open stream, or NULL. */
struct exchange *front_h2_exchange(struct front *f, int32_t stream);
/* The stream has no exchange any more; X ends. */
void front_h2_let_go(struct front *f, struct exchange *x);
/* The same for every stream. */
void front_h2_end_all(struct front *f, enum story_end why);
/* Going in peace, in two steps, so that no request is lost that is on its way (RFC 9113 6.8): a notice that
 * there will be an end, and when the client has heard of it, or had the time to, the last stream that is
 * served. What comes behind that is refused (front_h2_guard.c). */
void front_h2_goaway(struct front *f);
/* How long the client may take to hear of the notice. */
uint64_t front_h2_drain_ms(const struct front *f);
void front_h2_drain_last(struct front *f);
/* GOAWAY was sent, PING came. */
void front_h2_drain_sent(struct front *f, const nghttp2_goaway *frame);
void front_h2_drain_heard(struct front *f, const nghttp2_ping *frame);
/* The stream is reset; its exchange ends. */
void front_h2_reset(struct front *f, struct exchange *x, uint32_t why);
/* Ends all exchanges and closes at once. */
void front_h2_give_up(struct front *f, enum story_end why);

/* Writes what the session has to say, as far as there is room; false when it is broken. Not from its
 * callbacks. */
bool front_h2_send(struct front *f);

/* X's back has taken N bytes of its body: a wider window, when it takes all that comes. */
void front_h2_widen(struct front *f, struct exchange *x, size_t n);

/* After each turn: sets the connection's deadline to what is waited for now. */
void front_h2_arm_deadline(struct front *f);
/* The client takes what there is to send again. */
void front_h2_has_room(struct front *f);
/* conn_ops.on_deadline. */
void front_h2_deadline(struct conn *c);

int front_h2_on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                       size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                       void *user);
/* X's trailers are more than a request may have. */
void front_h2_refuse_trailers(struct exchange *x);
/* The request's head is complete. */
void front_h2_begin(struct exchange *x);

/* H as name-value pairs in the arena, NULL when it is full. With KEEP the pairs point to H's strings, which
 * must then live as long as the exchange; else nghttp2 copies them. */
nghttp2_nv *front_h2_head_nva(struct exchange *x, const struct response_head *h, bool keep,
                              size_t *n);
/* Whether the trailers were handed over. */
bool front_h2_submit_trailers(struct exchange *x);
