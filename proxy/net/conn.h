/* One TCP connection, in clear or under TLS, towards the client or towards the backend.
 *
 * Input is read into `in` (decrypted) and announced; the owner consumes it. Output is given to
 * conn_write, held in `out` and sent at the end of the turn. Both are capped: a full `in` pauses
 * reading, and conn_room tells how much may be written. Callbacks never run inside conn_write or
 * conn_flush_later: they come from the loop or from the end of the turn. A conn is embedded in its
 * owner and used by one worker's thread only. */
#pragma once

#include <openssl/ssl.h>

#include "core/addr.h"
#include "core/loop.h"
#include "proxy/net/spare.h"
#include "proxy/net/turn.h"

#define CONN_IN_MAX SPARE_LARGE
#define CONN_IN_BULK SPARE_BULK         /* the same for who keeps emptying a full one */
#define CONN_OUT_HIGH (64 * 1024)       /* conn_room is 0 from here on */
#define CONN_OUT_HIGH_BULK (240 * 1024) /* the same for who takes all that fits, time and again */
#define CONN_OUT_MAX (512 * 1024)       /* never more, with all framing */
#define TLS_RECORD_MAX (16 * 1024)      /* RFC 8446 5.1 */
#define CONN_BATCH_CLEAR (128 * 1024)

struct conn;

struct conn_ops {
    /* TCP is connected; the TLS handshake (if any) begins. May be NULL. */
    void (*on_connected)(struct conn *c);
    /* Connected, and the TLS handshake (if any) is done. */
    void (*on_open)(struct conn *c);
    /* `in` has new bytes, or the peer has ended its side (`eof`). */
    void (*on_input)(struct conn *c);
    /* The end of the turn after conn_flush_later: the last chance to conn_write before sending. May be
     * NULL. */
    void (*on_flush)(struct conn *c);
    /* There is room again after conn_room had been 0. */
    void (*on_room)(struct conn *c);
    /* All output has been taken by the kernel, after conn_want_drained. May be NULL. */
    void (*on_drained)(struct conn *c);
    /* The handshake of an accepted connection waits for its certificate, or for good. May be NULL. */
    void (*on_suspended)(struct conn *c);
    /* `deadline` has passed. */
    void (*on_deadline)(struct conn *c);
    /* Broken: ERR_CLOSED, ERR_CRYPTO, ERR_IO, ERR_FULL. The owner closes it. */
    void (*on_broken)(struct conn *c, enum err why);
};

/* What all connections of a worker share. */
struct conn_shared {
    struct ev_loop *loop;
    struct turn turn;
    struct spare spare;
    struct conn *scratch_owner; /* whose ciphertext is in scratch */
    struct span scratch_rest;
    char *scratch; /* CONN_SCRATCH bytes */
    BIO_METHOD *bio_method;
};

#define CONN_SCRATCH (64 * 1024)

struct conn {
    struct conn_shared *shared;
    const struct conn_ops *ops;
    int fd;
    ev_io reader, writer;
    struct turn_item flush;
    struct turn_item reread; /* TLS: takes up what was read off the socket while `in` was full */
    struct deadline deadline;
    SSL *ssl;
    struct buf in;
    struct buf out;
    struct buf cipher; /* TLS: received, not yet decrypted; only while `in` is full */
    enum err broken;   /* to be told at the end of the turn */
    bool connecting, handshaking, open;
    bool eof; /* the peer has ended its side */
    bool cut; /* ... and TLS's close_notify did not come before: it has vanished (RFC 8446 6.1) */
    bool paused;  /* `in` is full: not reading */
    bool deaf;    /* and never again */
    bool starved; /* the owner found no room */
    bool want_drained;
    bool timed;    /* `deadline` counts: it is left running when it does not, which costs less */
    bool may_recv; /* TLS: the socket has not said EAGAIN in this event */
    bool keeps;    /* `in` keeps the ciphertext that the handshake has read */
    bool flushing; /* in on_flush: what is written there is sent after it */
    /* What storage each buffer has now, and what it will be lent next: by the traffic there is. */
    enum spare_kind in_kind, out_kind, in_next, out_next;
    bool closed;
};

void conn_shared_init(struct conn_shared *s, struct ev_loop *loop);
void conn_shared_deinit(struct conn_shared *s);

/* Takes over the connected socket FD, and SSL when not NULL (accept or connect state, no BIO yet). */
void conn_init_accepted(struct conn *c, struct conn_shared *s, const struct conn_ops *ops, int fd,
                        SSL *ssl);
/* Starts to connect to TO; on_open (after the handshake, with SSL not NULL) or on_broken follows, never
 * before this returns. SSL is taken over. */
void conn_init_connect(struct conn *c, struct conn_shared *s, const struct conn_ops *ops,
                       const struct addr *to, SSL *ssl);
/* The open FROM goes on as TO, with callbacks of its own; FROM counts as closed. To be called in FROM's
 * on_open, and input that has come by then is announced at the end of the turn; or in its on_input, and what `in`
 * still holds then, and an end, are not announced again. */
void conn_move(struct conn *to, struct conn *from, const struct conn_ops *ops);
/* Starts the handshake (or announces the open connection) of an accepted one. */
void conn_start(struct conn *c);
/* The same for a connection that was started in clear, perhaps, and is to be taken up as a new one: under
 * TLS with SSL, which is taken over. What `in` holds are its first bytes. */
void conn_begin(struct conn *c, SSL *ssl);
/* Before conn_begin with TLS: what the client sends is kept, so that conn_shed_tls can be called later;
 * until it is known that it will not be. */
void conn_keep_hello(struct conn *c);
void conn_forget_hello(struct conn *c);
/* In on_suspended, before TLS has said anything: takes it off. The connection is open and in clear, and
 * `in` holds all that has come so far. */
void conn_shed_tls(struct conn *c);
/* Tries a suspended handshake again. */
void conn_resume_handshake(struct conn *c);
/* Breaks C: on_broken follows at the end of the turn. */
void conn_fail(struct conn *c, enum err why);
/* Closes at once: no callback comes any more. The memory is the owner's, to be freed at the end of the
 * turn (turn_reap). With a TLS session in order, close_notify is sent if it fits. */
void conn_close(struct conn *c);
/* Reads no more, for good: what the peer still sends stays in the kernel, and its end is not seen. */
void conn_stop_reading(struct conn *c);
/* Ends our side: what is in `out` is not waited for. */
void conn_shutdown_write(struct conn *c);

/* How many bytes may be written now; 0: on_room will come. */
size_t conn_room(struct conn *c);
/* Broken: no event comes any more, but what is in `in` can still be taken. */
void conn_stop(struct conn *c);
/* Whether the peer has ended its side or reset the connection; for when it is not read, and so not told. */
bool conn_peer_has_ended(const struct conn *c);
/* Adds S to what leaves at the end of the turn; large spans may leave at once. At most conn_room
 * bytes at a time (asserted against the hard ceiling). Failures are told later by on_broken. */
void conn_write(struct conn *c, struct span s);
/* In on_connected: what goes out in clear before TLS, or anything else, begins. Little. */
void conn_write_first(struct conn *c, struct span s);
/* As conn_write, but what goes out in clear, with nothing waiting before it, goes at once: for a message that
 * is whole, to which this turn will add nothing. */
void conn_write_now(struct conn *c, struct span s);
/* Calls on_flush at the end of the turn, then sends. */
void conn_flush_later(struct conn *c);
/* The same, behind all others that have asked for it so far. */
void conn_flush_last(struct conn *c);
/* Calls on_drained once, at the end of a turn, when nothing waits to be sent. */
void conn_want_drained(struct conn *c);
/* Sets, moves and stops the connection's one deadline. */
void conn_deadline_ms(struct conn *c, uint64_t ms);
void conn_deadline_off(struct conn *c);
/* N bytes of `in` are done with. Reading goes on if it had been paused. */
void conn_consume(struct conn *c, size_t n);
/* Has the kernel probe a silent peer: one that has vanished breaks the connection within minutes. */
void conn_keep_alive(struct conn *c);
/* Bytes that the peer has not acknowledged, the kernel's included. A system call. */
size_t conn_undelivered(const struct conn *c);
/* How much is best written at once: what fills a record; in clear, where a write may be a system call, more. */
static inline size_t conn_batch(const struct conn *c)
{
    return c->ssl ? TLS_RECORD_MAX : CONN_BATCH_CLEAR;
}
/* Bytes that wait to be sent. */
static inline size_t conn_pending(const struct conn *c)
{
    return buf_len(&c->out);
}
