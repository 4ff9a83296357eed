/* The back that is an HTTP/2 connection to a backend, with an exchange on each of its streams. RFC 9113.
 *
 * The connection (back_h2.c), requests out (back_h2_request.c), responses in (back_h2_response.c),
 * WebSockets (back_h2_upgrade.c), who is waited for how long (back_h2_deadline.c). A backend is not trusted: what it may make us hold is bounded by
 * windows and limits, and what it may make us do by a count of frames that bring nothing. Private to the
 * folder. */
#pragma once

#include <nghttp2/nghttp2.h>

#include "core/mem.h"
#include "proxy/back/pool.h"
#include "proxy/exchange.h"

/* How much of one response waits in memory for a slow client. The connection's window is that for every
 * stream it may have, so that one client which does not read stops nobody else. */
#define BACK_H2_WINDOW (256 * 1024)
/* The same of a response whose client takes all that comes, over a connection that was brought: it may have
 * come a long way. */
#define BACK_H2_WINDOW_MOST (1024 * 1024)

/* How a stream is lost. */
enum back_h2_loss {
    LOST_STREAM,    /* by itself */
    LOST_UNTOUCHED, /* the backend has done nothing with the request */
    LOST_WITH_ALL,  /* with its connection */
};

/* What the connection's deadline is for. */
enum back_h2_wait {
    BACK_H2_IDLE,    /* it closes when nobody needs it */
    BACK_H2_LOOK,    /* it is looked who has been silent for too long */
    BACK_H2_GOODBYE, /* what there is to say leaves, or not */
};

struct back_h2 {
    struct conn conn;
    struct turn_item reap;
    struct proxy *proxy;
    struct pool *pool;
    struct endpoint *endpoint;    /* held */
    struct back_h2 *next, **prev; /* in the pool */
    nghttp2_session *session;
    struct back_stream *streams; /* that have an exchange */
    size_t n_open;               /* streams, with an exchange or (while they are reset) without */
    enum back_h2_wait wait;
    bool going;    /* takes no new ones: GOAWAY, or it is at its end */
    bool refusing; /* said that it has enough; until one of its streams ends */
    bool settled;  /* its SETTINGS have come */
    bool served;   /* it has had a stream */
    bool answered; /* a response's head has come */
    bool flooded;
    bool end_left;    /* some stream's, to be told */
    unsigned chatter; /* frames that brought nothing, less those that did */
    int64_t unknown;  /* bytes of frames of which nghttp2 does not tell */
    uint64_t chatter_since_ms;
    uint64_t heard_ms;    /* when something came last */
    uint64_t ping_ms;     /* when it is looked whether a PING is due, or was answered */
    uint64_t answered_ms; /* when the last PING had its answer */
    bool pinged;          /* one is under way */
};

/* In the exchange's arena; x->back. It outlives its stream as long as there is something to be taken. */
struct back_stream {
    struct exchange *x; /* NULL: it has let go */
    struct back_h2 *b;  /* NULL: the stream is closed */
    struct back_stream *next, **prev;
    int32_t id;
    struct buf body;   /* received, and not yet taken by the front */
    struct span fresh; /* the same, behind it, but still where nghttp2 has it */
    size_t kept_up;    /* bytes for which the front has left nothing */
    struct response_head head;
    unsigned interims;
    uint64_t due_ms; /* the backend's next word; 0: it may take its time */
    bool sent;       /* the request's head has left */
    bool reused;     /* the connection had answered others before */
    bool deferred;   /* waits for more of the request's body */
    bool head_done;
    bool ended;    /* the response has come whole */
    bool closed;   /* nothing more can be said on the stream */
    bool held;     /* asks for an upgrade: whether it is offered, SETTINGS will tell */
    bool open_end; /* the same: the request's end has not left */
    bool end_left; /* an upgraded one's: it has, to be told */
    bool refused;  /* its fields are beyond the limits */
};

/* What the connections of a worker share. */
nghttp2_session_callbacks *back_h2_callbacks(void);
nghttp2_option *back_h2_options(void);

/* Takes over the open FROM; those who wait in P are served. */
void back_h2_open(struct pool *p, struct conn *from, struct endpoint *at);
/* A connection with room takes up X; false: there is none. */
bool back_h2_take_up(struct pool *p, struct exchange *x);
/* No exchange is on it any more. */
void back_h2_close(struct back_h2 *b);
extern const struct back_ops back_h2_ops;

/* back.c: a connection that had served takes no more streams; who waits may need another. */
void back_h2_lost(struct pool *p);

/* --- between back_h2*.c -------------------------------------------------------------------------- */

bool back_h2_has_room(const struct back_h2 *b);
/* X's request begins. */
void back_h2_take(struct back_h2 *b, struct exchange *x);
/* Every exchange fails, and the connection closes. */
void back_h2_fail(struct back_h2 *b, enum page_reason why);
/* Takes no new streams, says so, and closes when the last has ended. */
void back_h2_retire(struct back_h2 *b);
/* The same, but it is said already, or need not be. */
void back_h2_leave_service(struct back_h2 *b);
/* Everything has been said. */
bool back_h2_is_over(const struct back_h2 *b);
/* What was received of S and is not read. */
size_t back_h2_unread(const struct back_stream *s);
/* Appends what leaves to a staging buffer, and that to the connection. The buffer is that of the flush at hand
 * alone: in the middle of it an exchange may end, and others begin to write. */
void back_h2_stage(struct back_h2 *b, struct span s);
void back_h2_write_staged(struct back_h2 *b);

/* Lets S go: its exchange is the caller's. A stream that is not over is reset. */
void back_h2_detach(struct back_stream *s);
/* S fails its exchange. */
void back_h2_stream_fail(struct back_stream *s, enum page_reason why, enum back_h2_loss loss);
struct back_stream *back_h2_stream(struct back_h2 *b, int32_t id);

/* Sends S's head. */
void back_h2_submit(struct back_stream *s);
void back_h2_request_body(struct exchange *x);
int back_h2_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *header,
                      size_t length, nghttp2_data_source *source, void *user);

int back_h2_on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user);
int back_h2_on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                      size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                      void *user);
int back_h2_on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                    size_t len, void *user);
/* The response's head, trailers or end have come. */
void back_h2_received(struct back_stream *s, const nghttp2_frame *frame);

/* Whether S, which asks for an upgrade, may be submitted now. If not it is held, or has gone elsewhere. */
bool back_h2_may_upgrade(struct back_stream *s);
/* SETTINGS have come: those that were held go on, or elsewhere. */
void back_h2_settle(struct back_h2 *b);
/* The response's head is there: where it opens what was asked for, makes it the 101 that says so. */
enum err back_h2_take_upgrade(struct back_stream *s) MUST_USE;
/* Ends of clients have left: tells their exchanges. Nothing is in the worker's staging buffer. */
void back_h2_tell_ends(struct back_h2 *b);
/* The stream of an upgraded exchange, whose response has ended, is closed. */
void back_h2_upgraded_closed(struct back_stream *s);

/* At the end of a turn: sets the connection's deadline to what is waited for now. */
void back_h2_arm(struct back_h2 *b);
void back_h2_on_deadline(struct conn *c);
/* S's backend has its full time again. */
void back_h2_await(struct back_stream *s);
