/* A request that the edge answers itself: the API, health, metrics. The proxy collects the whole body
 * (at most LOCAL_BODY_MAX, else 413), hands the call to the server's hook, and streams the answer. */
#pragma once

#include "core/addr.h"
#include "core/buf.h"
#include "proxy/head/message.h"
#include "proxy/net/conn_taker.h"

#define LOCAL_BODY_MAX (1024 * 1024)
#define LOCAL_ANSWER_MAX (4 * 1024 * 1024)

struct local_call {
    const struct request_head *request; /* lives until the call has ended or was cancelled */
    struct buf body;                    /* the request's, whole */
    struct addr client;
    void *state; /* the server's own */
};

struct local_field {
    struct span name; /* lower case */
    struct span value;
};

/* The answer: head once, data any number of times, end. On the worker's thread; spans are copied.
 * local_call_data gives ERR_FULL when the client does not take what it asked for: then the server
 * should break it off. After local_call_end, local_call_abort, or the cancel hook, the call is gone. */
void local_call_head(struct local_call *c, int status, const struct local_field *fields, size_t n);
/* In the place of head, data and end: 101 with FIELDS, and the client's connection is TAKE's. False: it
 * cannot be; the call is still to be answered. */
bool local_call_hand_over(struct local_call *c, const struct local_field *fields, size_t n,
                          conn_taker *take, void *ctx) MUST_USE;
enum err local_call_data(struct local_call *c, struct span bytes) MUST_USE;
void local_call_end(struct local_call *c);
/* Breaks the answer off: the client sees that it is not whole. No cancel hook follows. */
void local_call_abort(struct local_call *c);
