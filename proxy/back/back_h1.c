#include "proxy/back/back_h1.h"

#include "proxy/back/back.h"
#include "proxy/back/outcome.h"
#include "proxy/h1/write.h"

/* --- life of a connection ------------------------------------------------------------------------ */

static void send_request(struct back_h1 *b);

static void free_back(struct turn_item *i)
{
    mem_free(CONTAINER_OF(i, struct back_h1, reap));
}

static void leave_idle(struct back_h1 *b)
{
    if (!b->idle_prev)
        return;
    *b->idle_prev = b->idle_next;
    if (b->idle_next)
        b->idle_next->idle_prev = b->idle_prev;
    b->idle_prev = NULL;
    b->pool->n_idle--;
}

static void set_exchange(struct back_h1 *b, struct exchange *x)
{
    b->endpoint->busy += x != NULL;
    b->endpoint->busy -= b->x != NULL;
    b->x = x;
}

void back_h1_close(struct back_h1 *b)
{
    leave_idle(b);
    conn_close(&b->conn);
    set_exchange(b, NULL);
    endpoint_drop(&b->pool->endpoints, b->endpoint);
    pool_leave(b->pool);
    b->reap.run = free_back;
    turn_reap(&b->proxy->conns.turn, &b->reap);
}

static void enter_idle(struct back_h1 *b)
{
    set_exchange(b, NULL);
    b->idle_next = b->pool->idle;
    b->idle_prev = &b->pool->idle;
    if (b->idle_next)
        b->idle_next->idle_prev = &b->idle_next;
    b->pool->idle = b;
    b->pool->n_idle++;
    conn_deadline_ms(&b->conn, b->proxy->config->limits.pool_idle_ms);
}

static void take(struct back_h1 *b, struct exchange *x)
{
    set_exchange(b, x);
    x->back = b;
    x->back_ops = &back_h1_ops;
    x->story.protocol = PROTOCOL_H1;
    x->story.secured = b->conn.ssl != NULL;
    x->story.pooled = b->reused;
    if (b->reused)
        metrics_add(b->proxy->metrics, METRIC_BACK_REUSED, 1);
    send_request(b);
}

/* B is free for who waits, or for later. */
static void offer(struct back_h1 *b)
{
    struct exchange *next = b->pool->waiting;
    if (next) {
        pool_unwait(b->pool, next);
        take(b, next);
    } else if (b->pool->n_idle < b->proxy->config->limits.pool_per_backend && !b->proxy->draining) {
        enter_idle(b);
    } else {
        back_h1_close(b);
    }
}

void back_h1_recycle(struct back_h1 *b)
{
    bool reusable = b->complete && b->keep_alive && b->x->request_ended && !b->conn.eof &&
                    b->conn.broken == ERR_OK && buf_len(&b->conn.in) == 0 &&
                    conn_pending(&b->conn) == 0;
    b->reused = true;
    if (reusable)
        offer(b);
    else
        back_h1_close(b);
}

void back_h1_fail(struct back_h1 *b, enum page_reason why)
{
    struct exchange *x = b->x;
    bool answered = b->head_done || b->interims > 0;
    struct retry_facts what = {
        .why = why,
        .reused = b->reused,
        .answered = answered || buf_len(&b->conn.in) > 0,
    };
    struct addr at = b->endpoint->addr;
    metrics_add(b->proxy->metrics, METRIC_BACK_FAILURES, 1);
    /* That an idle connection is closed at its end of life says nothing of the address. */
    if (x && why == PAGE_BACK_BROKE && !what.reused && !answered)
        outcome_broke(b->pool, b->endpoint);
    what.at = &at;
    back_h1_close(b);
    if (x)
        back_failed(x, &what);
}

/* --- the request --------------------------------------------------------------------------------- */

static struct span frame_request(struct back_h1 *b)
{
    struct request_head *h = &b->x->request;
    bool expects_body = h->method == METHOD_POST || h->method == METHOD_PUT ||
                        h->method == METHOD_PATCH;
    if (h->body == BODY_NONE && expects_body) {
        h->body = BODY_LENGTH; /* RFC 9110 8.6: says that there is none */
        h->content_length = 0;
    }
    b->chunked_request = h->body == BODY_CHUNKED || h->body == BODY_STREAM;
    return b->x->upgrade == UPGRADE_ASKED ? SPAN_LIT("upgrade") : span_of(NULL, 0);
}

void back_h1_deadline_for_response(struct back_h1 *b)
{
    conn_deadline_ms(&b->conn, b->proxy->config->limits.response_timeout_ms);
}

static void send_request(struct back_h1 *b)
{
    struct exchange *x = b->x;
    struct buf *staging = &b->proxy->back_staging;
    struct span connection = frame_request(b);
    b->head_done = b->complete = b->spent = false;
    b->keep_alive = true;
    b->interims = 0;
    b->scanned = 0;
    CHECK(buf_len(staging) == 0); /* what is in it would be another exchange's */
    if (h1_write_request(staging, &x->request, x->target, x->back_host, connection) != ERR_OK) {
        buf_clear(staging);
        back_h1_close(b);
        exchange_back_failed(x, PAGE_FIELDS_TOO_LARGE);
        return;
    }
    bool whole = x->request.body == BODY_NONE ||
                 (x->request.body == BODY_LENGTH && x->request.content_length == 0);
    if (whole)
        conn_write_now(&b->conn, buf_span(staging));
    else
        conn_write(&b->conn, buf_span(staging)); /* the body's beginning may go with it */
    buf_clear(staging);
    story_mark(&x->story, MOMENT_SENT);
    back_h1_deadline_for_response(b);
    back_h1_request_body(x);
}

static void write_piece(struct back_h1 *b, struct span s)
{
    if (!b->chunked_request) {
        conn_write(&b->conn, s);
        return;
    }
    char header[18];
    conn_write(&b->conn, span_of(header, h1_chunk_header(header, s.len)));
    conn_write(&b->conn, s);
    conn_write(&b->conn, SPAN_LIT("\r\n"));
}

static void end_request(struct back_h1 *b)
{
    struct exchange *x = b->x;
    if (x->upgrade == UPGRADE_DONE) {
        conn_want_drained(&b->conn);
        return;
    }
    x->request_ended = true;
    if (b->chunked_request) {
        forward_trailers(&x->request_trailers);
        struct buf *staging = &b->proxy->back_staging;
        if (h1_write_last_chunk(staging, &x->request_trailers) == ERR_OK)
            conn_write(&b->conn, buf_span(staging));
        buf_clear(staging);
    }
    if (!b->head_done)
        back_h1_deadline_for_response(b);
}

void back_h1_request_body(struct exchange *x)
{
    struct back_h1 *b = x->back;
    if (x->request_ended)
        return;
    for (;;) {
        bool end = false;
        struct span s = exchange_request_peek(x, &end);
        if (s.len == 0) {
            if (end)
                end_request(b);
            return;
        }
        size_t room = conn_room(&b->conn);
        if (room == 0)
            return;
        s = span_sub(s, 0, room);
        write_piece(b, s);
        if (!b->head_done)
            back_h1_deadline_for_response(b);
        exchange_request_consume(x, s.len);
    }
}

/* --- events -------------------------------------------------------------------------------------- */

static void on_room(struct conn *c)
{
    struct back_h1 *b = CONTAINER_OF(c, struct back_h1, conn);
    if (b->x)
        exchange_request_body(b->x);
}

/* A WebSocket's client has ended; the backend goes on until it ends, too. That the client's last words have
 * left counts, not that they were taken: the end of both ends the connection. */
static void on_drained(struct conn *c)
{
    struct back_h1 *b = CONTAINER_OF(c, struct back_h1, conn);
    conn_shutdown_write(c);
    b->x->request_ended = true;
    exchange_response_body(b->x);
}

static void on_deadline(struct conn *c)
{
    struct back_h1 *b = CONTAINER_OF(c, struct back_h1, conn);
    if (!b->x)
        back_h1_close(b); /* idle for long enough */
    else if (b->head_done && buf_len(&c->in) > 0)
        back_h1_deadline_for_response(
            b); /* it is the client that takes nothing: the front's affair */
    else
        back_h1_fail(b, PAGE_BACK_SILENT);
}

static void on_broken(struct conn *c, enum err why)
{
    struct back_h1 *b = CONTAINER_OF(c, struct back_h1, conn);
    /* What arrived before still reaches the client; then the cut. */
    if (b->x && b->head_done && !b->spent && why == ERR_CLOSED && buf_len(&c->in) > 0) {
        conn_stop(c);
        b->x->side_ended = true;
        exchange_response_body(b->x);
        return;
    }
    back_h1_fail(b, PAGE_BACK_BROKE);
}

static const struct conn_ops h1_conn_ops = {
    .on_input = back_h1_input,
    .on_room = on_room,
    .on_drained = on_drained,
    .on_deadline = on_deadline,
    .on_broken = on_broken,
};

/* --- start --------------------------------------------------------------------------------------- */

void back_h1_open(struct pool *p, struct conn *from, struct endpoint *at)
{
    struct back_h1 *b = NEW(struct back_h1);
    b->proxy = p->pools->proxy;
    b->pool = p;
    b->endpoint = at;
    endpoint_hold(at);
    pool_use(p);
    conn_move(&b->conn, from, &h1_conn_ops);
    offer(b);
}

static bool is_ending(const struct back_h1 *b)
{
    return b->conn.eof || b->conn.broken != ERR_OK; /* it is closed in this turn */
}

/* The newest one; with several addresses, of the one whose turn it is. Those to an address that is not
 * well are not used any more, unless there is no other. */
static struct back_h1 *find_idle(struct pool *p)
{
    struct endpoints *e = &p->endpoints;
    struct endpoint_choice c = {.now_ms = loop_now_ms(p->pools->proxy->conns.loop)};
    struct endpoint *want = NULL;
    struct back_h1 *next;
    if (e->n_listed > 1) {
        c.chance = pools_chance(p->pools);
        want = endpoints_pick(e, &c);
    }
    bool all_out = endpoints_all_out(e, c.now_ms);
    for (struct back_h1 *b = p->idle; b; b = next) {
        next = b->idle_next;
        if (is_ending(b))
            continue;
        if (!all_out && !endpoint_is_well(e, b->endpoint, c.now_ms))
            back_h1_close(b);
        else if (!want || b->endpoint == want)
            return b;
    }
    return NULL;
}

bool back_h1_take_idle(struct pool *p, struct exchange *x)
{
    struct back_h1 *b = p->idle ? find_idle(p) : NULL;
    if (!b)
        return false;
    leave_idle(b);
    story_attempt(&x->story, true);
    take(b, x);
    return true;
}
