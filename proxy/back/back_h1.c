#include "proxy/back/back_h1.h"

#include "proxy/h1/write.h"

/* --- life of a connection ------------------------------------------------------------------------ */

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

void back_h1_close(struct back_h1 *b)
{
    leave_idle(b);
    resolve_cancel(&b->resolve);
    if (b->conn.shared)
        conn_close(&b->conn);
    pool_leave(b->pool);
    b->x = NULL;
    b->reap.run = free_back;
    turn_reap(&b->proxy->conns.turn, &b->reap);
}

static void enter_idle(struct back_h1 *b)
{
    b->x = NULL;
    b->idle_next = b->pool->idle;
    b->idle_prev = &b->pool->idle;
    if (b->idle_next)
        b->idle_next->idle_prev = &b->idle_next;
    b->pool->idle = b;
    b->pool->n_idle++;
    conn_deadline_ms(&b->conn, b->proxy->config->limits.pool_idle_ms);
}

void back_h1_recycle(struct back_h1 *b)
{
    bool reusable = b->complete && b->keep_alive && b->x->request_ended && !b->conn.eof &&
                    b->conn.broken == ERR_OK && buf_len(&b->conn.in) == 0 &&
                    conn_pending(&b->conn) == 0;
    if (reusable && b->pool->n_idle < b->proxy->config->limits.pool_per_backend &&
        !b->proxy->draining)
        enter_idle(b);
    else
        back_h1_close(b);
}

/* Nothing of the request can have taken effect, or doing it twice does no harm (RFC 9110 9.2.2), and
 * the body can be sent again because none of it was. */
static bool may_retry(const struct back_h1 *b, enum page_reason why)
{
    const struct exchange *x = b->x;
    return why != PAGE_BACK_SILENT && b->reused && !b->head_done && b->interims == 0 &&
           x->request_bytes == 0 && method_is_idempotent(x->request.method);
}

static struct back_h1 *new_back(struct exchange *x)
{
    struct back_h1 *b = NEW(struct back_h1);
    const struct config_backend *to = &x->route.backend->to;
    b->proxy = x->proxy;
    b->pool = pool_join(x->proxy->pools, x->route.backend);
    enum err e = span_copy_z(span_str(to->host), b->host, sizeof b->host);
    CHECK(e == ERR_OK); /* the configuration's hosts are at most 253 bytes */
    b->port = to->port;
    b->scheme = to->scheme;
    b->x = x;
    x->back = b;
    x->back_ops = &back_h1_ops;
    x->story.protocol = PROTOCOL_H1;
    x->story.secured = b->scheme == BACKEND_HTTPS;
    return b;
}

void back_h1_fail(struct back_h1 *b, enum page_reason why)
{
    struct exchange *x = b->x;
    metrics_add(b->proxy->metrics, METRIC_BACK_FAILURES, 1);
    bool retry = x && may_retry(b, why);
    back_h1_close(b);
    if (!x)
        return;
    if (retry) {
        x->request_ended = false; /* the end of an empty body is said again, too */
        back_h1_dial(new_back(x));
    } else {
        exchange_back_failed(x, why);
    }
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
    return span_of(NULL, 0);
}

void back_h1_deadline_for_response(struct back_h1 *b)
{
    conn_deadline_ms(&b->conn, b->proxy->config->limits.response_timeout_ms);
}

void back_h1_send(struct back_h1 *b)
{
    struct exchange *x = b->x;
    struct buf *staging = &b->proxy->staging;
    struct span connection = frame_request(b);
    b->dialling = false;
    b->head_done = b->complete = false;
    b->interims = 0;
    b->scanned = 0;
    if (h1_write_request(staging, &x->request, x->target, x->back_host, connection) != ERR_OK) {
        buf_clear(staging);
        back_h1_close(b);
        exchange_back_failed(x, PAGE_FIELDS_TOO_LARGE);
        return;
    }
    conn_write(&b->conn, buf_span(staging));
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
    x->request_ended = true;
    if (b->chunked_request) {
        forward_trailers(&x->request_trailers);
        struct buf *staging = &b->proxy->staging;
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
    if (b->dialling || x->request_ended)
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

static void on_open(struct conn *c)
{
    struct back_h1 *b = CONTAINER_OF(c, struct back_h1, conn);
    int one = 1;
    /* A backend that vanished while it streams is noticed by the kernel. */
    (void)setsockopt(c->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    if (c->ssl)
        story_mark(&b->x->story, MOMENT_SECURED);
    back_h1_send(b);
}

static void on_connected(struct conn *c)
{
    struct back_h1 *b = CONTAINER_OF(c, struct back_h1, conn);
    story_mark(&b->x->story, MOMENT_CONNECTED);
}

static void on_room(struct conn *c)
{
    struct back_h1 *b = CONTAINER_OF(c, struct back_h1, conn);
    if (b->x)
        exchange_request_body(b->x);
}

static void on_deadline(struct conn *c)
{
    struct back_h1 *b = CONTAINER_OF(c, struct back_h1, conn);
    if (b->dialling)
        back_h1_dial_failed(b, PAGE_BACK_SILENT);
    else if (!b->x)
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
    if (b->dialling)
        back_h1_dial_failed(b, why == ERR_CRYPTO ? PAGE_BACK_UNTRUSTED : PAGE_BACK_REFUSED);
    else
        back_h1_fail(b, PAGE_BACK_BROKE);
}

const struct conn_ops back_h1_conn_ops = {
    .on_connected = on_connected,
    .on_open = on_open,
    .on_input = back_h1_input,
    .on_room = on_room,
    .on_deadline = on_deadline,
    .on_broken = on_broken,
};

/* --- start --------------------------------------------------------------------------------------- */

/* The newest idle connection to exactly this backend. */
static struct back_h1 *take_idle(struct exchange *x)
{
    struct pool *pool = pool_find(x->proxy->pools, x->route.backend);
    struct back_h1 *b = pool ? pool->idle : NULL;
    while (b && (b->conn.eof || b->conn.broken != ERR_OK))
        b = b->idle_next; /* about to be closed in this turn */
    const struct config_backend *to = &x->route.backend->to;
    if (!b || b->scheme != to->scheme || b->port != to->port || strcmp(b->host, to->host) != 0)
        return NULL;
    leave_idle(b);
    return b;
}

void back_h1_start(struct exchange *x)
{
    struct back_h1 *b = take_idle(x);
    if (!b) {
        back_h1_dial(new_back(x));
        return;
    }
    metrics_add(x->proxy->metrics, METRIC_BACK_REUSED, 1);
    b->x = x;
    b->reused = true;
    x->story.protocol = PROTOCOL_H1;
    x->story.secured = b->scheme == BACKEND_HTTPS;
    story_attempt(&x->story, true);
    x->back = b;
    x->back_ops = &back_h1_ops;
    back_h1_send(b);
}
