#include "core/log.h"
#include "proxy/back/back_h1.h"
#include "proxy/back/back_head.h"
#include "proxy/back/outcome.h"
#include "proxy/h1/parse.h"
#include "proxy/head/websocket.h"

/* Interim responses that a backend may send before the final one. */
#define INTERIMS_MAX 16

/* --- the body ------------------------------------------------------------------------------------ */

/* The response has been taken whole. */
static void finish(struct back_h1 *b)
{
    struct exchange *x = b->x;
    b->complete = true;
    exchange_back_finished(x);
    back_h1_recycle(b);
}

/* The connection has broken, or has ended without TLS's close_notify: where the response ends by the end
 * of the connection, it is not complete (RFC 9112 9.8). */
static bool is_lost(const struct back_h1 *b)
{
    return b->conn.broken != ERR_OK || (b->conn.cut && b->x->upgrade != UPGRADE_DONE);
}

/* No more will come, and there should: told when the front's call is over. */
static void cut_short(struct back_h1 *b, enum err why)
{
    b->spent = true;
    if (b->conn.broken != ERR_OK)
        conn_flush_later(&b->conn);
    else
        conn_fail(&b->conn, why);
}

static struct span peek_chunked(struct back_h1 *b, bool *end)
{
    struct exchange *x = b->x;
    size_t skip = 0;
    struct span data = {NULL, 0};
    enum err e = chunked_next(&b->chunked, buf_span(&b->conn.in), &x->arena, &skip, &data);
    conn_consume(&b->conn, skip);
    if (e == ERR_AGAIN && !b->conn.eof)
        return span_of(NULL, 0);
    if (e != ERR_OK) {
        cut_short(b, ERR_SYNTAX);
        return span_of(NULL, 0);
    }
    if (!chunked_done(&b->chunked))
        return data;
    x->response_trailers = b->chunked.trailers;
    forward_trailers(&x->response_trailers);
    *end = true;
    finish(b);
    return span_of(NULL, 0);
}

static struct span back_peek(struct exchange *x, bool *end)
{
    struct back_h1 *b = x->back;
    *end = false;
    if (!b->head_done)
        return span_of(NULL, 0);
    if (b->body == BODY_CHUNKED)
        return peek_chunked(b, end);
    struct span s = buf_span(&b->conn.in);
    if (b->body == BODY_STREAM) {
        *end = b->conn.eof && !is_lost(b);
        return s;
    }
    if (s.len > b->left)
        s.len = (size_t)b->left;
    *end = s.len == b->left;
    return s;
}

static void back_consume(struct exchange *x, size_t n)
{
    struct back_h1 *b = x->back;
    conn_consume(&b->conn, n);
    switch (b->body) {
    case BODY_CHUNKED:
        chunked_data_consumed(&b->chunked, n);
        return;
    case BODY_STREAM:
        if (!b->conn.eof || buf_len(&b->conn.in) > 0)
            return;
        if (is_lost(b))
            cut_short(b, ERR_CLOSED);
        else if (x->upgrade != UPGRADE_DONE)
            finish(b);
        return;
    case BODY_LENGTH:
        b->left -= n;
        if (b->left == 0)
            finish(b);
        else if (b->conn.eof && buf_len(&b->conn.in) == 0)
            cut_short(b, ERR_CLOSED);
        return;
    case BODY_NONE:
        return;
    }
}

static void back_release(struct exchange *x)
{
    struct back_h1 *b = x->back;
    b->complete = b->head_done &&
                  (b->body == BODY_NONE || (b->body == BODY_LENGTH && b->left == 0));
    back_h1_recycle(b);
}

const struct back_ops back_h1_ops = {
    .request_body = back_h1_request_body,
    .peek = back_peek,
    .consume = back_consume,
    .release = back_release,
};

/* --- the head ------------------------------------------------------------------------------------ */

static void pass_head(struct back_h1 *b)
{
    struct exchange *x = b->x;
    /* Bodies of a known length must keep coming; streams may be silent for as long as they like. */
    if (b->body == BODY_LENGTH && b->left > 0)
        back_h1_deadline_for_response(b);
    else
        conn_deadline_off(&b->conn);
    if (back_head_pass(x, SPAN_LIT("1.1 linkup")) != ERR_OK) {
        back_h1_fail(b, PAGE_BACK_BROKE);
        return;
    }
    if (x->done || x->back != b)
        return;
    exchange_response_body(x);
    if (!x->done && x->back == b && x->upgrade == UPGRADE_DONE)
        back_h1_request_body(x); /* what came before the answer */
    if (!x->done && x->back == b &&
        (b->body == BODY_NONE || (b->body == BODY_LENGTH && b->left == 0)))
        finish(b);
}

static void take_final(struct back_h1 *b, const struct response_head *h)
{
    struct exchange *x = b->x;
    x->response = *h;
    b->head_done = true;
    b->keep_alive = b->keep_alive && h->keep_alive;
    b->body = h->body;
    b->left = h->content_length;
    chunked_init(&b->chunked);
    outcome_answered(b->pool, b->endpoint);
    if (h->status == 101) {
        b->keep_alive = false;
        b->body = BODY_STREAM;
        conn_keep_alive(&b->conn);
    }
    pass_head(b);
}

/* Why H is not passed on, NULL: it is. A 101 that was not asked for, or answers something else, would have
 * us take for raw bytes what others read as HTTP. */
static const char *objection(struct back_h1 *b, const struct response_head *h)
{
    struct exchange *x = b->x;
    if (h->status == 101)
        return x->upgrade == UPGRADE_ASKED && websocket_is_answer(h, &x->request)
                   ? NULL
                   : "a 101 that does not answer what was asked";
    return h->status < 200 && b->interims++ >= INTERIMS_MAX ? "too many interim responses" : NULL;
}

/* Takes one head off the input; false when there is none (or the connection has gone). */
static bool take_head(struct back_h1 *b)
{
    struct exchange *x = b->x;
    size_t len = 0;
    struct h1_fault fault = {0};
    struct span in = buf_span(&b->conn.in);
    enum err e = h1_find_head(in, &b->scanned, &len, &fault);
    if (e == ERR_AGAIN) {
        if (b->conn.eof)
            back_h1_fail(b, PAGE_BACK_BROKE);
        return false;
    }
    struct response_head head = {0};
    if (e == ERR_OK)
        e = h1_parse_response(span_sub(in, 0, len), x->request.method, &x->arena, &head, &fault);
    if (e == ERR_OK)
        fault.text = objection(b, &head);
    if (e != ERR_OK || fault.text) {
        LOG(LOG_WARN, "back_malformed", LOG_S("host", b->pool->to.host),
            LOG_U("port", b->pool->to.port), LOG_S("why", fault.text));
        back_h1_fail(b, PAGE_BACK_BROKE);
        return false;
    }
    conn_consume(&b->conn, len);
    b->scanned = 0;
    if (head.status < 200 && head.status != 101) /* one that says it has a body may also send it */
        b->keep_alive = b->keep_alive && head.keep_alive;
    if (head.status >= 200 || head.status == 101) {
        take_final(b, &head);
        return false;
    }
    if (forward_interim(&head, &x->arena) == ERR_OK)
        exchange_interim(x, &head);
    return b->x == x;
}

static void body_input(struct back_h1 *b)
{
    struct exchange *x = b->x;
    if (b->body == BODY_LENGTH)
        back_h1_deadline_for_response(b);
    /* Cut short: framing says there is more, the connection says there is not. What did arrive has to
     * reach the client before the cut. */
    exchange_response_body(x);
    if (b->x != x || !b->conn.eof || b->complete)
        return;
    bool cut = b->body != BODY_STREAM || is_lost(b);
    if (cut && buf_len(&b->conn.in) == 0)
        back_h1_fail(b, PAGE_BACK_BROKE);
}

void back_h1_input(struct conn *c)
{
    struct back_h1 *b = CONTAINER_OF(c, struct back_h1, conn);
    if (!b->x) {
        back_h1_close(b); /* idle: the backend closes, or speaks unasked */
        return;
    }
    if (b->head_done) {
        body_input(b);
        return;
    }
    while (take_head(b))
        ;
}
