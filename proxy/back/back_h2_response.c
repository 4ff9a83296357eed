#include "core/log.h"
#include "proxy/back/back.h"
#include "proxy/back/back_h2.h"
#include "proxy/back/back_head.h"
#include "proxy/back/outcome.h"
#include "proxy/h2/h2_field.h"

/* Interim responses that a backend may send before the final one. */
#define INTERIMS_MAX 16

/* --- letting go ---------------------------------------------------------------------------------- */

size_t back_h2_unread(const struct back_stream *s)
{
    return buf_len(&s->body) + s->fresh.len;
}

/* The stream is closed, or nobody is interested in it any more. What was received and is not read does not
 * count against the connection any longer. */
static void leave_connection(struct back_stream *s)
{
    struct back_h2 *b = s->b;
    if (!b)
        return;
    s->b = NULL;
    b->endpoint->busy--;
    *s->prev = s->next;
    if (s->next)
        s->next->prev = s->prev;
    if (s->held) {
        s->held = false;
        b->n_open--;
        conn_flush_later(&b->conn);
    }
    if (s->id == 0)
        return;
    nghttp2_session_set_stream_user_data(b->session, s->id, NULL);
    if (back_h2_unread(s) > 0)
        nghttp2_session_consume_connection(b->session, back_h2_unread(s));
    conn_flush_later(&b->conn);
}

static void drop_body(struct back_stream *s)
{
    s->fresh = span_of(NULL, 0);
    buf_clear(&s->body);
    spare_return(&s->x->proxy->conns.spare, &s->body, SPARE_OF_SMALL);
}

void back_h2_detach(struct back_stream *s)
{
    bool over = s->closed || (s->ended && s->x->request_ended && !s->open_end);
    if (s->b && s->id != 0 && !over)
        nghttp2_submit_rst_stream(s->b->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_CANCEL);
    leave_connection(s);
}

static void let_go(struct back_stream *s)
{
    back_h2_detach(s);
    drop_body(s);
    buf_deinit(&s->body);
    s->x = NULL;
}

void back_h2_stream_fail(struct back_stream *s, enum page_reason why, enum back_h2_loss loss)
{
    struct exchange *x = s->x;
    struct addr at = s->b->endpoint->addr;
    struct retry_facts what = {
        .why = why,
        .at = &at,
        .reused = s->reused && loss == LOST_WITH_ALL,
        .answered = s->head_done || s->interims > 0,
        .untouched = loss == LOST_UNTOUCHED,
    };
    let_go(s);
    back_failed(x, &what);
}

/* The response has been taken whole. Of an upgraded exchange the front says when it is over. */
static void finish(struct back_stream *s)
{
    struct exchange *x = s->x;
    if (x->upgrade == UPGRADE_DONE)
        return;
    let_go(s);
    exchange_back_finished(x);
}

static void release(struct exchange *x)
{
    let_go(x->back);
}

/* --- the body ------------------------------------------------------------------------------------ */

/* What was received first, and then what just comes. */
static struct span peek(struct exchange *x, bool *end)
{
    struct back_stream *s = x->back;
    struct span piece = buf_len(&s->body) > 0 ? buf_span(&s->body) : s->fresh;
    *end = s->ended && piece.len == back_h2_unread(s);
    return piece;
}

/* As front_h2_window.c has it: who keeps up holds nothing here, however wide the window is. */
static void widen(struct back_stream *s, size_t n)
{
    struct back_h2 *b = s->b;
    size_t window = s->body.ceiling;
    s->kept_up = back_h2_unread(s) > TLS_RECORD_MAX ? 0 : s->kept_up + n;
    if (!b->pool->adopted || s->kept_up < window || window >= BACK_H2_WINDOW_MOST || s->ended)
        return;
    if (nghttp2_session_set_local_window_size(b->session, NGHTTP2_FLAG_NONE, s->id,
                                              (int32_t)(2 * window)) != 0)
        return;
    s->body.ceiling = 2 * window;
    s->kept_up = 0;
}

/* The backend may send as much again (RFC 9113 5.2): only what the front has taken is given back. */
static void consume(struct exchange *x, size_t n)
{
    struct back_stream *s = x->back;
    if (buf_len(&s->body) > 0) {
        buf_consume(&s->body, n);
        spare_return(&x->proxy->conns.spare, &s->body, SPARE_OF_SMALL);
    } else {
        s->fresh = span_from(s->fresh, n);
    }
    if (s->b) {
        nghttp2_session_consume(s->b->session, s->id, n);
        widen(s, n);
        conn_flush_later(&s->b->conn);
    }
    if (s->ended && back_h2_unread(s) == 0)
        finish(s);
}

const struct back_ops back_h2_ops = {
    .request_body = back_h2_request_body,
    .peek = peek,
    .consume = consume,
    .release = release,
};

/* What the front does not take at once is kept. False: the backend has sent more than its window, which
 * nghttp2 does not let happen. */
static bool keep_fresh(struct back_stream *s)
{
    struct span rest = s->fresh;
    s->fresh = span_of(NULL, 0);
    if (rest.len == 0)
        return true;
    if (!s->body.base)
        spare_lend(&s->x->proxy->conns.spare, &s->body, SPARE_OF_SMALL);
    return buf_append(&s->body, rest) == ERR_OK;
}

int back_h2_on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                    size_t len, void *user)
{
    (void)flags;
    struct back_stream *s = back_h2_stream(user, id);
    if (!s) {
        nghttp2_session_consume(session, id, len);
        return 0;
    }
    if (s->due_ms > 0)
        back_h2_await(s);
    s->fresh = span_of(data, len);
    if (buf_len(&s->body) == 0)
        exchange_response_body(s->x);
    if (s->x && !keep_fresh(s))
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    return 0;
}

/* Everything has come. What was said of the body before had no end; who waits for it is told. */
static void ended(struct back_stream *s)
{
    exchange_response_body(s->x);
    if (s->x && back_h2_unread(s) == 0)
        finish(s);
}

/* --- the head ------------------------------------------------------------------------------------ */

int back_h2_on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    (void)session;
    struct back_stream *s = back_h2_stream(user, frame->hd.stream_id);
    if (s && !s->head_done)
        memset(&s->head, 0, sizeof s->head);
    return 0;
}

/* nghttp2 has checked the message's form (RFC 9113 8): :status once, first and no 101, names lower case,
 * values without control characters, no connection-specific fields, no trailers without an end. */
int back_h2_on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                      size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                      void *user)
{
    (void)session;
    (void)flags;
    struct back_stream *s = back_h2_stream(user, frame->hd.stream_id);
    if (!s || s->refused)
        return 0;
    struct span n = span_of(name, name_len), v = span_of(value, value_len);
    struct fields *to = s->head_done ? &s->x->response_trailers : &s->head.fields;
    if (n.len > 0 && n.p[0] == ':') {
        for (size_t i = 0; i < v.len; i++)
            s->head.status = s->head.status * 10 + (v.p[i] - '0');
        return 0;
    }
    /* Told when the head has come whole: HPACK's state must see all of it. */
    s->refused = h2_field_take(to, &s->x->arena, n, v) != ERR_OK;
    return 0;
}

static void malformed(struct back_stream *s, const char *why)
{
    LOG(LOG_WARN, "back_malformed", LOG_S("host", s->b->pool->to.host),
        LOG_U("port", s->b->pool->to.port), LOG_S("why", why));
    back_h2_stream_fail(s, PAGE_BACK_BROKE, LOST_STREAM);
}

/* RFC 9110 8.6: in an answer to HEAD, and in a 304, the field tells of a body that does not come. */
static void frame_body(struct back_stream *s)
{
    struct response_head *h = &s->head;
    const struct field *length = fields_find(&h->fields, FIELD_CONTENT_LENGTH);
    h->keep_alive = true;
    if (s->x->request.method == METHOD_HEAD || h->status == 304) {
        h->body = BODY_NONE;
        return;
    }
    if (length && span_to_u64(length->value, &h->content_length) == ERR_OK)
        h->body = BODY_LENGTH;
    else
        h->body = s->ended ? BODY_NONE : BODY_STREAM;
    if (h->status == 204)
        h->body = BODY_NONE;
    fields_remove(&h->fields, FIELD_CONTENT_LENGTH);
}

static void take_final(struct back_stream *s)
{
    struct exchange *x = s->x;
    frame_body(s);
    s->head_done = s->b->answered = true;
    outcome_answered(s->b->pool, s->b->endpoint);
    if (back_h2_take_upgrade(s) != ERR_OK) {
        back_h2_stream_fail(s, PAGE_BACK_BROKE, LOST_STREAM);
        return;
    }
    x->response = s->head;
    /* Bodies of a known length must keep coming; streams may be silent for as long as they like. */
    if (s->head.body == BODY_LENGTH && !s->ended)
        back_h2_await(s);
    else
        s->due_ms = 0;
    if (back_head_pass(x, SPAN_LIT("2.0 linkup")) != ERR_OK) {
        if (s->x)
            back_h2_stream_fail(s, PAGE_BACK_BROKE, LOST_STREAM);
        return;
    }
    if (s->x && s->x->upgrade == UPGRADE_DONE)
        back_h2_request_body(s->x); /* what came before the answer */
    if (s->x && s->ended)
        ended(s);
}

static void take_head(struct back_stream *s)
{
    if (s->refused) {
        malformed(s, "The header section is too large.");
        return;
    }
    if (s->head.status >= 200) {
        take_final(s);
        return;
    }
    if (s->ended || s->interims++ >= INTERIMS_MAX) {
        malformed(s, "unexpected interim response");
        return;
    }
    exchange_interim(s->x, &s->head);
}

void back_h2_received(struct back_stream *s, const nghttp2_frame *frame)
{
    s->ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_HEADERS && !s->head_done) {
        take_head(s);
        return;
    }
    if (!s->ended)
        return;
    s->due_ms = 0;
    if (s->refused) {
        malformed(s, "The trailer section is too large.");
        return;
    }
    forward_trailers(&s->x->response_trailers);
    ended(s);
}
