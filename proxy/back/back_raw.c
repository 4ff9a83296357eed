#include "proxy/back/back_raw.h"

#include "core/mem.h"
#include "proxy/back/outcome.h"
#include "proxy/back/pool.h"

struct back_raw {
    struct conn conn;
    struct dial dial; /* holds the endpoint, to the end */
    struct turn_item reap;
    struct pool *pool; /* for what is known of the backend's addresses */
    struct exchange *x;
    bool open, heard, ended; /* ended: the backend was told that the client has ended */
};

static struct back_raw *back_of(struct conn *c)
{
    return CONTAINER_OF(c, struct back_raw, conn);
}

static void free_back(struct turn_item *i)
{
    mem_free(CONTAINER_OF(i, struct back_raw, reap));
}

static void close_back(struct back_raw *b)
{
    struct turn *turn = &b->x->proxy->conns.turn;
    if (b->open)
        conn_close(&b->conn);
    dial_end(&b->dial);
    pool_leave(b->pool);
    b->reap.run = free_back;
    turn_reap(turn, &b->reap);
}

static void fail(struct back_raw *b, enum page_reason why)
{
    struct exchange *x = b->x;
    close_back(b);
    exchange_back_failed(x, why);
}

/* --- bytes --------------------------------------------------------------------------------------- */

static void raw_request_body(struct exchange *x)
{
    struct back_raw *b = x->back;
    while (b->open && !b->ended) {
        bool end = false;
        struct span s = exchange_request_peek(x, &end);
        if (s.len == 0 && end) {
            b->ended = true;
            conn_want_drained(&b->conn);
        }
        size_t room = s.len > 0 ? conn_room(&b->conn) : 0;
        if (room == 0)
            return;
        s = span_sub(s, 0, room);
        conn_write(&b->conn, s);
        exchange_request_consume(x, s.len);
    }
}

static struct span raw_peek(struct exchange *x, bool *end)
{
    struct back_raw *b = x->back;
    *end = b->open && b->conn.eof;
    return b->open ? buf_span(&b->conn.in) : span_of(NULL, 0);
}

static void raw_consume(struct exchange *x, size_t n)
{
    struct back_raw *b = x->back;
    conn_consume(&b->conn, n);
}

static void raw_release(struct exchange *x)
{
    close_back(x->back);
}

static const struct back_ops raw_back_ops = {
    .request_body = raw_request_body,
    .peek = raw_peek,
    .consume = raw_consume,
    .release = raw_release,
};

/* --- events -------------------------------------------------------------------------------------- */

static void on_input(struct conn *c)
{
    struct back_raw *b = back_of(c);
    if (!b->heard && buf_len(&c->in) > 0) {
        b->heard = true;
        outcome_answered(b->pool, b->dial.endpoint);
        story_mark(&b->x->story, MOMENT_HEAD);
    }
    exchange_response_body(b->x);
}

static void on_room(struct conn *c)
{
    raw_request_body(back_of(c)->x);
}

/* All that the client had to say has gone. */
static void on_drained(struct conn *c)
{
    struct exchange *x = back_of(c)->x;
    conn_shutdown_write(c);
    x->request_ended = true;
    exchange_response_body(x);
}

static void on_deadline(struct conn *c)
{
    (void)c; /* none is set: the exchange's own counts */
}

static void on_broken(struct conn *c, enum err why)
{
    struct back_raw *b = back_of(c);
    (void)why;
    metrics_add(b->x->proxy->metrics, METRIC_BACK_FAILURES, 1);
    if (!b->heard)
        outcome_broke(b->pool, b->dial.endpoint);
    fail(b, PAGE_BACK_BROKE);
}

static const struct conn_ops raw_conn_ops = {
    .on_input = on_input,
    .on_room = on_room,
    .on_drained = on_drained,
    .on_deadline = on_deadline,
    .on_broken = on_broken,
};

/* --- start --------------------------------------------------------------------------------------- */

static void on_opened(struct dial *d, enum back_protocol spoken)
{
    struct back_raw *b = CONTAINER_OF(d, struct back_raw, dial);
    (void)spoken;
    story_join(&b->x->story, &d->story);
    story_mark(&b->x->story, MOMENT_SENT);
    conn_move(&b->conn, &d->conn, &raw_conn_ops);
    b->open = true;
    raw_request_body(b->x);
}

static void on_failed(struct dial *d, enum page_reason why)
{
    struct back_raw *b = CONTAINER_OF(d, struct back_raw, dial);
    story_join(&b->x->story, &d->story);
    fail(b, why);
}

static const struct dial_ops dial_ops = {.opened = on_opened, .failed = on_failed};

void back_raw_start(struct exchange *x)
{
    struct back_raw *b = NEW(struct back_raw);
    b->x = x;
    b->pool = pool_join(x->proxy->pools, x);
    x->back = b;
    x->back_ops = &raw_back_ops;
    x->story.protocol = PROTOCOL_RAW;
    story_attempt(&x->story, false);
    b->dial.raw = true;
    b->dial.client = b->pool->client;
    b->dial.local = b->pool->local;
    dial_start(&b->dial, x->proxy, &dial_ops, &b->pool->to, &b->pool->endpoints, NULL);
}
