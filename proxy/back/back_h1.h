/* The back that is an HTTP/1.1 connection to a backend. RFC 9112. Private to the folder. */
#pragma once

#include "core/mem.h"
#include "proxy/back/pool.h"
#include "proxy/exchange.h"
#include "proxy/h1/chunked.h"

struct back_h1 {
    struct conn conn;
    struct turn_item reap;
    struct proxy *proxy;
    struct pool *pool;
    struct back_h1 *idle_next, **idle_prev; /* while idle */
    struct exchange *x;                     /* NULL: idle */
    struct endpoint *endpoint;              /* held */

    bool reused; /* X is not its first */
    bool chunked_request;
    bool head_done;  /* the response's */
    bool keep_alive; /* the backend's word */
    bool complete;   /* the response has been received and taken whole */
    bool spent;      /* what arrived before the connection broke has been taken */
    unsigned interims;
    size_t scanned;
    enum body_kind body;
    uint64_t left;
    struct chunked chunked;
};

/* Takes over FROM, open to AT; who waits in P is served, else it idles. */
void back_h1_open(struct pool *p, struct conn *from, struct endpoint *at);
/* The newest idle connection to an address that is well takes up X; false: there is none. */
bool back_h1_take_idle(struct pool *p, struct exchange *x);
void back_h1_close(struct back_h1 *b);
extern const struct back_ops back_h1_ops;

/* Between back_h1.c and back_h1_response.c. */

/* B fails its exchange (if any) and closes. */
void back_h1_fail(struct back_h1 *b, enum page_reason why);
void back_h1_input(struct conn *c);
/* The exchange is over for this connection: it takes up the next, idles, or closes. */
void back_h1_recycle(struct back_h1 *b);
void back_h1_request_body(struct exchange *x);
void back_h1_deadline_for_response(struct back_h1 *b);
