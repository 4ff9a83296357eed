#include "proxy/front/front_h1.h"

#include "proxy/h1/parse.h"
#include "proxy/head/websocket.h"

/* How often it is looked whether a client that is not read is still there. */
#define LOOK_MS 2000

static void process(struct front *f);

/* --- closing ------------------------------------------------------------------------------------- */

void front_h1_wait_ms(struct front *f, uint64_t ms)
{
    f->h1.looking = false;
    conn_deadline_ms(&f->conn, ms);
}

void front_h1_wait_idle(struct front *f)
{
    front_h1_wait_ms(f, f->proxy->config->limits.idle_timeout_ms);
}

void front_h1_wait_no_more(struct front *f)
{
    f->h1.looking = false;
    conn_deadline_off(&f->conn);
}

void front_h1_finish(struct front *f)
{
    f->h1.finishing = true;
    conn_want_drained(&f->conn);
    front_h1_wait_idle(f);
}

static void h1_drained(struct conn *c)
{
    struct front *f = front_of(c);
    if (f->h1.x) { /* a WebSocket whose backend has ended; the client goes on until it ends, too */
        conn_shutdown_write(c);
        return;
    }
    if (f->h1.cut)
        c->broken = ERR_CLOSED; /* no close_notify: the response must look cut */
    if (f->h1.cut || c->eof || (f->h1.body_ended && buf_len(&c->in) == 0)) {
        front_close(f);
        return;
    }
    front_linger(f);
}

void front_h1_give_up(struct front *f, enum story_end why)
{
    struct exchange *x = f->h1.x;
    f->h1.x = NULL;
    if (x) {
        story_ends(&x->story, why);
        exchange_done(x);
    }
    front_close(f);
}

/* --- the request's body -------------------------------------------------------------------------- */

static struct span peek_chunked(struct front *f, bool *end)
{
    struct exchange *x = f->h1.x;
    size_t skip = 0;
    struct span data = {NULL, 0};
    enum err e = chunked_next(&f->h1.chunked, buf_span(&f->conn.in), &x->arena, &skip, &data);
    conn_consume(&f->conn, skip);
    if (e == ERR_OK && chunked_done(&f->h1.chunked)) {
        x->request_trailers = f->h1.chunked.trailers;
        f->h1.body_ended = *end = true;
        return span_of(NULL, 0);
    }
    if (e != ERR_OK && e != ERR_AGAIN) {
        f->h1.body_broken = true; /* outside of the back's call, whoever asked */
        conn_flush_later(&f->conn);
    }
    return e == ERR_OK ? data : span_of(NULL, 0);
}

static struct span h1_peek(struct exchange *x, bool *end)
{
    struct front *f = x->front;
    *end = f->h1.body_ended;
    if (f->h1.body_ended || f->h1.finishing || f->h1.body_broken)
        return span_of(NULL, 0);
    if (x->upgrade == UPGRADE_DONE) {
        *end = f->conn.eof;
        return buf_span(&f->conn.in);
    }
    struct span s;
    if (f->h1.body == BODY_CHUNKED) {
        s = peek_chunked(f, end);
    } else {
        s = buf_span(&f->conn.in);
        if (s.len > f->h1.left)
            s.len = (size_t)f->h1.left;
        *end = s.len == f->h1.left;
    }
    if (s.len == 0 && !*end && !f->conn.starved)
        front_h1_wait_ms(f, front_pace_await_body(f, x));
    return s;
}

static void h1_consume(struct exchange *x, size_t n)
{
    struct front *f = x->front;
    if (x->upgrade != UPGRADE_DONE)
        front_pace_took(f, n);
    if (f->h1.body == BODY_CHUNKED) {
        chunked_data_consumed(&f->h1.chunked, n);
    } else if (x->upgrade != UPGRADE_DONE) {
        f->h1.left -= n;
        f->h1.body_ended = f->h1.left == 0;
    }
    conn_consume(&f->conn, n);
}

static const struct front_ops h1_front_ops = {
    .head = front_h1_head,
    .interim = front_h1_interim,
    .response_body = front_h1_response_body,
    .abort = front_h1_abort,
    .peek = h1_peek,
    .consume = h1_consume,
    .local = front_exchange_local,
    .hand_over = front_h1_hand_over,
};

/* --- the request's head -------------------------------------------------------------------------- */

static enum page_reason reason_of_status(int status)
{
    switch (status) {
    case 405:
    case 501:
        return PAGE_METHOD_UNSUPPORTED;
    case 414:
        return PAGE_TARGET_TOO_LONG;
    case 417:
        return PAGE_EXPECTATION_FAILED;
    case 431:
        return PAGE_FIELDS_TOO_LARGE;
    case 505:
        return PAGE_VERSION_UNSUPPORTED;
    default:
        return PAGE_BAD_REQUEST;
    }
}

/* Answers what is no request, and closes: where the next one would begin cannot be known. */
static void refuse(struct front *f, enum page_reason why, const char *text)
{
    if (!f->h1.x)
        f->h1.x = front_new_exchange(f, &h1_front_ops);
    f->h1.close = true;
    f->h1.body_ended = false;
    f->h1.body = BODY_NONE;
    f->h1.finishing = true;
    exchange_refuse(f->h1.x, why, text);
}

static void begin(struct front *f, size_t head_len)
{
    struct exchange *x = front_new_exchange(f, &h1_front_ops);
    struct h1_fault fault = {0};
    f->h1.x = x;
    enum err e = h1_parse_request(span_sub(buf_span(&f->conn.in), 0, head_len), &x->arena,
                                  &x->request, &fault);
    if (e != ERR_OK) {
        refuse(f, reason_of_status(fault.status), fault.text);
        return;
    }
    conn_consume(&f->conn, head_len);
    f->h1.body = x->request.body;
    f->h1.left = x->request.content_length;
    f->h1.body_ended = x->request.body == BODY_NONE ||
                       (x->request.body == BODY_LENGTH && x->request.content_length == 0);
    chunked_init(&f->h1.chunked);
    if (x->request.upgrade.len > 0 && !websocket_has_key(&x->request)) { /* RFC 6455 4.2.1 */
        refuse(f, PAGE_BAD_REQUEST,
               "A WebSocket is asked for without one valid Sec-WebSocket-Key.");
        return;
    }
    front_h1_wait_no_more(f);
    front_pace_begin(f);
    exchange_begin(x);
}

/* Takes up requests as long as whole heads are there, and room for what answers them. */
static void process(struct front *f)
{
    while (!f->h1.x && !f->h1.finishing && !f->conn.closed && conn_room(&f->conn) > 0) {
        size_t skip = f->h1.scanned == 0 ? h1_skip_empty_line(buf_span(&f->conn.in)) : 0;
        conn_consume(&f->conn, skip);
        if (buf_len(&f->conn.in) == 0)
            return;
        size_t len = 0;
        struct h1_fault fault = {0};
        size_t before = f->h1.scanned;
        enum err e = h1_find_head(buf_span(&f->conn.in), &f->h1.scanned, &len, &fault);
        if (e == ERR_AGAIN) {
            if (before == 0) /* the first bytes of a head: the whole of it has this long */
                front_h1_wait_ms(f, f->proxy->config->limits.header_timeout_ms);
            return;
        }
        f->h1.scanned = 0;
        if (e != ERR_OK) {
            refuse(f, reason_of_status(fault.status), fault.text);
            return;
        }
        begin(f, len);
    }
}

/* --- events -------------------------------------------------------------------------------------- */

/* What the edge answers by itself it also gives to who has ended its side, as scripts do (`nc -N`). For a
 * backend's answer that will not do: a FIN may be all that is ever seen of a client that has gone, and the
 * backend must not work for it. */
static bool may_answer(const struct front *f)
{
    return (f->kind == LISTEN_ADMIN || f->kind == LISTEN_METRICS) && f->h1.x && f->h1.body_ended &&
           (!f->h1.x->head_sent || f->h1.x->response.body == BODY_LENGTH);
}

/* A client whose bytes are not taken is not read, and its end not told: it is looked for. */
static void look_later(struct front *f)
{
    struct conn *c = &f->conn;
    if (buf_room(&c->in) > 0 || f->h1.finishing || !f->h1.x)
        return;
    if (c->starved && f->h1.x->upgrade != UPGRADE_DONE)
        return; /* the deadline is for what the client does not take */
    conn_deadline_ms(c, LOOK_MS);
    f->h1.looking = true;
}

static void look(struct front *f)
{
    f->h1.looking = false;
    if (!f->conn.paused)
        return;
    if (!conn_peer_has_ended(&f->conn))
        look_later(f);
    else if (f->h1.x->upgrade == UPGRADE_DONE)
        f->h1.x->side_ended = true; /* what it said before still has its time */
    else
        front_h1_give_up(f, END_CLIENT_GONE);
}

/* A WebSocket's bytes, or its client's end. Who ended properly may still read; who vanished does not, but
 * what it said before reaches the backend. */
static void upgraded_input(struct front *f)
{
    exchange_request_body(f->h1.x);
    if (f->h1.x && f->conn.cut) {
        f->h1.vanished = true;
        conn_flush_last(&f->conn);
    }
    look_later(f);
}

static void h1_input(struct conn *c)
{
    struct front *f = front_of(c);
    if (f->lingering) {
        if (front_lingers_out(f))
            front_h1_give_up(f, END_CLIENT_GONE);
        return;
    }
    if (f->h1.x && f->h1.x->upgrade == UPGRADE_DONE) {
        upgraded_input(f);
        return;
    }
    if (c->eof) {
        if (!f->h1.x && !f->h1.finishing && conn_pending(c) > 0)
            front_h1_finish(f);
        else if (!f->h1.finishing && !may_answer(f)) /* else our last answer is on its way */
            front_h1_give_up(f, END_CLIENT_GONE);
        return;
    }
    if (!f->h1.x) {
        process(f);
        return;
    }
    if (!f->h1.body_ended && !f->h1.finishing && !f->h1.body_broken) {
        front_pace_came(f);
        if (!c->starved) /* else it is for what the client does not take */
            front_h1_wait_no_more(f);
        exchange_request_body(f->h1.x);
    }
    /* Pipelined bytes wait in `in`, too; the reading pauses when it is full. */
    look_later(f);
}

static void refuse_body(struct front *f)
{
    if (f->h1.x->head_sent) {
        story_ends(&f->h1.x->story, END_CLIENT_BAD);
        front_h1_abort(f->h1.x);
    } else {
        refuse(f, PAGE_BAD_REQUEST, "The body is not valid chunked coding.");
    }
}

static void h1_flush(struct conn *c)
{
    struct front *f = front_of(c);
    if (f->h1.vanished && f->h1.x) {
        front_h1_give_up(f, END_CLIENT_GONE);
        return;
    }
    if (f->h1.body_broken && f->h1.x)
        refuse_body(f);
    process(f);
}

static void h1_room(struct conn *c)
{
    struct front *f = front_of(c);
    if (!f->h1.x) {
        process(f);
    } else if (f->h1.x->head_sent) {
        front_pace_has_room(f);
        front_h1_wait_no_more(f);
        front_h1_move_body(f);
        if (f->h1.x && f->h1.x->upgrade == UPGRADE_DONE)
            look_later(f);
    }
}

static void h1_deadline(struct conn *c)
{
    struct front *f = front_of(c);
    if (f->h1.looking) {
        look(f);
        return;
    }
    uint64_t longer = f->out.due && f->h1.x ? front_pace_await_longer(f) : 0;
    if (longer > 0) {
        front_h1_wait_ms(f, longer);
        return;
    }
    if (f->h1.x)
        front_pace_count(f->proxy);
    bool head_late = !f->h1.x && buf_len(&c->in) > 0;
    bool body_late = f->h1.x && !f->h1.x->head_sent;
    if (!f->h1.finishing && (head_late || body_late)) {
        refuse(f, PAGE_HEADER_TIMEOUT, NULL);
        return;
    }
    front_h1_give_up(f, END_CLIENT_SLOW);
}

static void h1_broken(struct conn *c, enum err why)
{
    (void)why;
    front_h1_give_up(front_of(c), END_CLIENT_GONE);
}

static const struct conn_ops h1_conn_ops = {
    .on_input = h1_input,
    .on_flush = h1_flush,
    .on_room = h1_room,
    .on_drained = h1_drained,
    .on_deadline = h1_deadline,
    .on_broken = h1_broken,
};

static void h1_drain(struct front_link *l)
{
    struct front *f = CONTAINER_OF(l, struct front, link);
    f->h1.close = true;
    if (!f->h1.x && !f->h1.finishing)
        front_h1_finish(f); /* the last answer may still be on its way */
}

static void h1_kill(struct front_link *l)
{
    front_h1_give_up(CONTAINER_OF(l, struct front, link), END_DRAIN);
}

void front_h1_open(struct front *f)
{
    memset(&f->h1, 0, sizeof f->h1);
    f->h1.body_ended = true;
    f->conn.ops = &h1_conn_ops;
    f->link.drain = h1_drain;
    f->link.kill = h1_kill;
    front_h1_wait_ms(f, f->proxy->config->limits.header_timeout_ms);
}
