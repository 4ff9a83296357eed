/* The back that is an HTTP/1.1 connection to a backend: pooled, or resolved and dialled. RFC 9112. */
#pragma once

#include "core/mem.h"
#include "proxy/back/pool.h"
#include "proxy/exchange.h"
#include "proxy/h1/chunked.h"
#include "proxy/net/resolver.h"

/* Private to back_h1*.c. */
struct back_h1 {
    struct conn conn;
    struct turn_item reap;
    struct proxy *proxy;
    struct pool *pool;
    struct back_h1 *idle_next, **idle_prev; /* while idle */
    char host[256];                         /* whom it is connected to */
    enum backend_scheme scheme;
    uint16_t port;
    struct exchange *x; /* NULL: idle */

    struct resolve_wait resolve;
    struct addr addrs[RESOLVED_MAX];
    size_t n_addrs, next_addr;
    bool dialling, reused;

    bool chunked_request;
    bool head_done;  /* the response's */
    bool keep_alive; /* the backend's word */
    bool complete;   /* the response has been received and taken whole */
    unsigned interims;
    size_t scanned;
    enum body_kind body;
    uint64_t left;
    struct chunked chunked;
};

/* Starts X's way to the backend of its route. */
void back_h1_start(struct exchange *x);

/* back_h1_dial.c: resolves and connects; then back_h1_send, or fails. */
void back_h1_dial(struct back_h1 *b);
/* The connection attempt failed: the next address, or the end. */
void back_h1_dial_failed(struct back_h1 *b, enum page_reason why);

/* back_h1.c */
/* Takes up X on the open connection: sends its request. */
void back_h1_send(struct back_h1 *b);
/* B fails its exchange (if any) and closes. */
void back_h1_fail(struct back_h1 *b, enum page_reason why);
void back_h1_close(struct back_h1 *b);
extern const struct conn_ops back_h1_conn_ops;

/* back_h1_response.c */
extern const struct back_ops back_h1_ops;
void back_h1_input(struct conn *c);
/* The exchange is over for this connection: it goes to the pool, or closes. */
void back_h1_recycle(struct back_h1 *b);
void back_h1_request_body(struct exchange *x);
void back_h1_deadline_for_response(struct back_h1 *b);
