/* An exchange: one request and its response, between a front and a back that need not know each other.
 *
 * A front (h1 or h2) fills in `request` and calls exchange_begin. The exchange routes, changes the head
 * for the way, and starts a back (HTTP/1 connection, or the edge itself). Bodies are pulled: who has
 * bytes says so, who can take them peeks and consumes, so that they are copied once and back-pressure
 * needs no code of its own. `request` bytes flow from front to back, `response` bytes the other way.
 *
 * An upgrade (RFC 9110 7.8) has HTTP/1.1's form in here, whatever front and back speak: a GET with
 * request.upgrade, and a 101 that takes it up. From then on both bodies are raw bytes without framing,
 * by the same calls, and each direction ends by itself (upgrade.h).
 *
 * What is passed through (TLS that is not ours) is an exchange of such bytes from the start, without heads
 * (front/front_raw.c, back/back_raw.c).
 *
 * Life: exchange_new by the front; exchange_done by the front, once, when its side has ended; memory
 * goes at the end of the turn. One worker's thread only. */
#pragma once

#include "core/addr.h"
#include "core/arena.h"
#include "core/loop.h"
#include "proxy/front/rate.h"
#include "proxy/head/forward.h"
#include "proxy/net/conn_taker.h"
#include "proxy/net/turn.h"
#include "proxy/page/page.h"
#include "proxy/story.h"
#include "proxy/worker.h"

struct exchange;
struct sighting;

struct front_ops {
    /* `response` is ready (final); body bytes follow by `response_body`. */
    void (*head)(struct exchange *x);
    /* An interim response (1xx but 101), its fields valid during the call. */
    void (*interim)(struct exchange *x, const struct response_head *h);
    /* More of the response can be pulled with exchange_peek, or its end. Upgraded: or the back has taken
     * the request's end. */
    void (*response_body)(struct exchange *x);
    /* The response breaks off after its head. The front resets or closes; it then calls exchange_done. */
    void (*abort)(struct exchange *x);
    /* There will be no response, because of WHY; the back has let go. NULL: the client gets a page. */
    void (*failed)(struct exchange *x, enum page_reason why);
    /* The request's body: what can be taken now; *END when nothing follows it (then
     * request_trailers is complete). */
    struct span (*peek)(struct exchange *x, bool *end);
    void (*consume)(struct exchange *x, size_t n);
    /* Where the client connected to. */
    const struct addr *(*local)(struct exchange *x);
    /* `response` is a 101 behind which the client's connection is somebody else's: sends it, ends X and the
     * front, and gives the connection to TAKE, which moves it (conn_move). False: nothing may stand behind
     * this request, or something does; X is still there. NULL: connections of this kind are not given away. */
    bool (*hand_over)(struct exchange *x, conn_taker *take, void *ctx);
};

struct back_ops {
    /* More of the request can be pulled with exchange_request_peek, or its end. */
    void (*request_body)(struct exchange *x);
    struct span (*peek)(struct exchange *x, bool *end);
    void (*consume)(struct exchange *x, size_t n);
    /* The exchange lets go: the client has gone, or all was said. No call comes after it. */
    void (*release)(struct exchange *x);
};

enum exchange_upgrade {
    UPGRADE_NONE,  /* not asked for, or not taken up: an ordinary exchange */
    UPGRADE_ASKED, /* the request's body is held back (exchange_request_peek says "none yet") */
    UPGRADE_DONE,
};

#define EXCHANGE_FIRST (4 * 1024)
/* Heads in both directions, rewritten, with everything added. */
#define EXCHANGE_ARENA_MAX (512 * 1024)

struct exchange {
    struct proxy *proxy;
    struct turn_item reap;
    struct exchange *next_free;
    struct arena arena;

    const struct front_ops *front_ops;
    void *front;
    const struct back_ops *back_ops; /* NULL: no back yet, or no more */
    void *back;
    struct adopted *adopted; /* what it goes to is brought, not dialled (back/adopted.h) */

    enum listen_kind kind;
    struct addr client;
    const struct cert *cert; /* of the front connection, NULL: none */
    bool secure, http2;
    const char *tls; /* the version (static), NULL: in clear */
    bool tls_resumed;
    uint16_t port; /* where the client came in */

    struct request_head request;
    struct fields request_trailers;
    struct response_head response;
    struct fields response_trailers;

    char host_storage[256];
    struct span host; /* normalised */
    struct route_context context;
    struct route_result route;
    struct session_entry *session; /* pinned, or NULL */
    struct edge_pin *edge;         /* pinned */
    struct span target;            /* for the back */
    struct span back_host;         /* the Host for the back */
    bool explain, routed;
    bool passed; /* through: raw bytes, nothing of HTTP */
    bool
        uncounted; /* a health check, which nobody asked for, or an inner one, which was counted where
                      * it came in: not logged either */
    bool close_front; /* HTTP/1: what comes after a request that could not be read is not trusted */

    bool head_sent;      /* front_ops->head has been called */
    bool response_ended; /* the back has given everything; upgraded: the front has said so */
    bool request_ended;  /* the back has taken the whole request */
    bool collects;       /* the back waits for the whole request before it does anything */
    bool done;
    enum exchange_upgrade upgrade;
    bool h1_only; /* the backend's HTTP/2 does not offer the upgrade */
    bool
        side_ended; /* upgraded: one has, it is known, though what came before has not been taken */

    uint32_t back_reset; /* the code with which an HTTP/2 backend reset its stream; 0: it did not */
    struct {             /* its backend is out of reach */
        int64_t since_ms; /* wall clock; 0: it is not, or only just */
        const char *why;  /* what health checks say; NULL: nothing */
    } down;

    struct story story;
    struct sighting *sighting; /* watch.h; NULL: nobody watches it */
    uint64_t request_bytes, response_bytes;
    int answered; /* status given to the client, 0: none */

    struct {               /* for a tunnel (tunnel/edge/) */
        uint64_t until_ms; /* it waits until then at most; 0: it has not waited */
        uint64_t missed;   /* the tunnel that was not where it was said to be */
    } tunnel;
    struct { /* while it waits for a connection to its backend (back/pool.h) */
        struct exchange *next, **prev;
        uint64_t since_ms;
    } wait;

    struct {
        struct buf body; /* of an answer of our own: pages, redirects */
    } own;

    struct {                   /* an upgraded one's: who is silent for how long */
        struct deadline round; /* the next look */
        uint64_t had_moved;    /* bytes, at the last one */
        uint64_t since_ms;     /* nothing has moved since */
    } quiet;

    struct { /* an HTTP/2 front's */
        int32_t stream;
        struct buf body; /* of the request, received and not yet taken by the back */
        size_t kept_up;  /* bytes for which the back has left nothing of it */
        bool body_ended, refused, refused_target, refused_trailers, deferred;
        bool closed;                   /* the stream is; the back still takes the body */
        bool rounded;                  /* a round of the connection's deadline has seen it */
        unsigned still;                /* rounds in which nothing has moved */
        uint64_t had_in, had_out;      /* bytes, in that round */
        struct rate in, out;           /* front/front_pace.h */
        struct exchange *next, **prev; /* in the connection's list */
    } h2;
};

/* Never NULL. FRONT is the front's own. */
struct exchange *exchange_new(struct proxy *p, const struct front_ops *ops, void *front);
/* Frees those kept for reuse. */
void exchange_free_spare(struct proxy *p);
/* `request`, client, kind, cert, secure, http2 are set. With request.upgrade the upgrade is asked for:
 * "websocket" is the only one there is, and its sec-websocket-key is among the fields. */
void exchange_begin(struct exchange *x);
/* The request could not be parsed, or broke a limit: answers at once, nothing is routed. */
void exchange_refuse(struct exchange *x, enum page_reason why, const char *detail);
/* From the front: more request body can be pulled. */
void exchange_request_body(struct exchange *x);
/* Lets go of the back, if there is one: what it still has to say is not wanted. */
void exchange_drop_back(struct exchange *x);
/* From the front: its side has ended (response sent, or client gone). */
void exchange_done(struct exchange *x);

/* What is known of X, for changing heads on the way (head/forward.h). */
struct forward_facts exchange_facts(const struct exchange *x, struct span via_name);

/* For backs. */
struct span exchange_request_peek(struct exchange *x, bool *end);
void exchange_request_consume(struct exchange *x, size_t n);
/* `response` is parsed: passes the head on. A 101 takes up the upgrade that was asked for, and the back has
 * made sure that it does (websocket_is_answer, websocket_make_answer); anything else refuses it. Afterwards
 * a back looks whether the exchange is still its own, and pulls the request again. */
void exchange_head(struct exchange *x);
void exchange_interim(struct exchange *x, struct response_head *h);
void exchange_response_body(struct exchange *x);
/* The back has given everything, request and response, and lets go of the exchange. */
void exchange_back_finished(struct exchange *x);
/* The back failed and lets go: a page when nothing was sent yet, else the response is broken off. */
void exchange_back_failed(struct exchange *x, enum page_reason why);

/* For fronts: response bytes. */
struct span exchange_peek(struct exchange *x, bool *end);
void exchange_consume(struct exchange *x, size_t n);
/* Whether the client was given the whole response. */
bool exchange_is_complete(const struct exchange *x);
/* Whether the response has no body by its nature (HEAD, 204, 304). */
bool exchange_bodyless(const struct exchange *x);
