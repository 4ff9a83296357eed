/* A front connection: accepted, perhaps TLS, then HTTP/1 or HTTP/2 by ALPN. Private to the folder. */
#pragma once

#include <nghttp2/nghttp2.h>

#include "certs/server_tls.h"
#include "core/mem.h"
#include "proxy/exchange.h"
#include "proxy/front/front_h2_mem.h"
#include "proxy/front/front_h2_meter.h"
#include "proxy/front/front_h2_past.h"
#include "proxy/front/front_pace.h"
#include "proxy/h1/chunked.h"

/* After our last byte a client is listened to for a while, and what it says thrown away: closing with
 * its bytes unread would send a reset, and the reset could overtake our answer (RFC 9112 9.6). */
#define LINGER_BYTES ((size_t)1024 * 1024)
#define LINGER_MS 5000 /* of silence */
#define LINGER_MOST_MS 30000
/* Who sends more is not read any more, and has so long to read what was said. */
#define LINGER_UNREAD_MS 1000

struct front_h1 {
    struct exchange *x;
    size_t scanned;      /* of the head so far */
    enum body_kind body; /* of the request, as framed on this connection */
    uint64_t left;
    struct chunked chunked;
    bool body_ended;  /* the request has been received whole */
    bool framed;      /* the response goes out in chunks */
    bool close;       /* after this response */
    bool finishing;   /* nothing more is read as a request */
    bool cut;         /* the last response was: what is held goes, and then no good-bye */
    bool looking;     /* the deadline is for a look at a client that is not read */
    bool body_broken; /* it is no chunked coding: to be told at the end of the turn */
    bool vanished;    /* a WebSocket's client: what it still said leaves first */
};

struct front_raw {
    struct exchange *x; /* NULL: it is not passed through, or no more */
};

/* What the deadline of an HTTP/2 connection is for. */
enum front_h2_wait {
    WAIT_FOR_REQUEST, /* there is no stream */
    WAIT_FOR_HEAD,    /* the rest of a header block; nothing else may come before it */
    WAIT_FOR_NOTICE,  /* the client is to hear that we go */
    WAIT_FOR_ROOM,    /* the client takes nothing */
    WAIT_FOR_ROUND,   /* it is looked whether each stream's client does its part */
};

/* How far we have told the client that we go. */
enum front_h2_drain {
    DRAIN_NOT,
    DRAIN_NOTICED, /* that we will */
    DRAIN_TOLD,    /* which stream is the last */
};

struct front_h2 {
    nghttp2_session *session;
    struct front_h2_mem mem;
    struct front_h2_rest rest;
    struct exchange *exchanges;
    struct exchange *last; /* the one that was asked for last, of an open stream; NULL: none */
    size_t streams;
    struct front_h2_meter meter;
    struct front_h2_past past;
    uint32_t overflows; /* resets owed for windows that were opened too far */
    uint32_t too_late;  /* a stream above the last that GOAWAY promised, to be refused */
    bool ended;         /* for an error: what still comes is not looked at */
    bool calmed;        /* that error is ENHANCE_YOUR_CALM */
    enum front_h2_drain drain;
    enum front_h2_wait wait;
    uint64_t round_ms;      /* when it is looked at the streams next; 0: there is none */
    uint32_t waited_blocks; /* which header block it is that is waited for */
};

/* For who has brought a front's connection (front_adopt). */
struct front_watch {
    /* The peer gives it nothing new: GOAWAY. */
    void (*leaving)(struct front_watch *w);
    /* It is closed, and the front will be gone at the end of the turn. */
    void (*closed)(struct front_watch *w);
};

struct front {
    struct conn conn;
    struct front_link link;
    struct turn_item reap;
    struct proxy *proxy;
    enum listen_kind kind;
    uint16_t port;
    struct addr client;  /* a PROXY header's word, where one is believed */
    struct addr local;   /* where it connected to: front_local */
    struct rate in, out; /* front_pace.h */
    size_t undelivered;
    struct peer *peer; /* with the client's other connections; NULL: not admitted yet, or private */
    struct front *handshake_next, **handshake_prev; /* while it is in flight */
    struct cert_waiter waiter;                      /* TLS */
    struct front_watch *watch;                      /* NULL: nobody */
    bool lingering;                                 /* what still comes is thrown away */
    size_t lingered;                                /* bytes of it */
    uint64_t linger_until_ms;
    union {
        struct front_raw raw;
        struct front_h1 h1;
        struct front_h2 h2;
    };
};

static inline struct front *front_of(struct conn *c)
{
    return CONTAINER_OF(c, struct front, conn);
}

/* Takes over FD, on which CLIENT is to speak HTTP/2 or HTTP/1 in clear, as if it had come in at a
 * listener of KIND: the way in behind TLS and ALPN, for tests. */
void front_open(struct proxy *p, int fd, enum listen_kind kind, const struct addr *client,
                bool http2);
/* The open FROM, on which CLIENT is to speak HTTP/2, and may have begun to, goes on as a front of KIND, an inner
 * one. *OUT is set before WATCH is told of anything. */
void front_adopt(struct proxy *p, struct conn *from, enum listen_kind kind,
                 const struct addr *client, struct front_watch *watch, struct front **out);
/* Where the client connected to. */
const struct addr *front_local(struct front *f);
/* The same as front_ops.local. */
const struct addr *front_exchange_local(struct exchange *x);
/* front_proxied.c: whether F's peer says in a PROXY header for whom it connects; waits for that header,
 * then front_begin. */
bool front_is_proxied(const struct front *f);
void front_await_header(struct front *f);
/* Who the client is, is known: TLS, where the listener asks for it, and the protocol. */
void front_begin(struct front *f);
/* front_admit.c: false when the client has too many connections already. */
bool front_admit(struct front *f);
/* What front_admit and front_handshake_begins have counted ends. */
void front_dismiss(struct front *f);
/* May close the one that began first. */
void front_handshake_begins(struct front *f);
void front_handshake_ends(struct front *f);
/* What is in the worker's staging buffer is written to F, and the buffer empty. */
void front_write_staged(struct front *f);
/* Closes and frees (at the end of the turn). The protocol has let go of its exchanges. */
void front_close(struct front *f);
/* The same, but the connection goes on with TAKE. */
void front_hand_over(struct front *f, conn_taker *take, void *ctx);
/* Everything has been sent: ends our side, and closes when the client has ended its own. */
void front_linger(struct front *f);
/* Takes input while lingering; true when it is time to close. */
bool front_lingers_out(struct front *f);
/* Fills in what every exchange of this connection has in common. */
struct exchange *front_new_exchange(struct front *f, const struct front_ops *ops);

void front_h1_open(struct front *f);
/* front_raw.c: whether a connection for HOST is passed through; then front_raw_open takes it up. */
enum cert_claim front_raw_claims(struct cert_waiter *w, struct span host);
void front_raw_open(struct front *f);
void front_h2_open(struct front *f);
