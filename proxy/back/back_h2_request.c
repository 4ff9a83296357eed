#include "proxy/back/back.h"
#include "proxy/back/back_h2.h"
#include "proxy/h2/h2_field.h"

/* --- the body ------------------------------------------------------------------------------------ */

static void submit_trailers(struct back_stream *s, uint32_t *flags)
{
    struct exchange *x = s->x;
    forward_trailers(&x->request_trailers);
    const struct fields *t = &x->request_trailers;
    nghttp2_nv *nva = t->n > 0 ? arena_alloc(&x->arena, t->n * sizeof *nva) : NULL;
    if (!nva)
        return;
    for (size_t i = 0; i < t->n; i++)
        nva[i] = h2_field_nv(t->v[i].name, t->v[i].value, NGHTTP2_NV_FLAG_NONE);
    if (nghttp2_submit_trailer(s->b->session, s->id, nva, t->n) == 0)
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
}

static ssize_t data_ready(nghttp2_session *session, int32_t id, uint8_t *buf, size_t length,
                          uint32_t *flags, nghttp2_data_source *source, void *user)
{
    (void)session;
    (void)buf;
    (void)source;
    struct back_stream *s = back_h2_stream(user, id);
    bool end = false;
    if (!s)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    struct span piece = exchange_request_peek(s->x, &end);
    if (piece.len == 0 && !end) {
        s->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    size_t n = piece.len < length ? piece.len : length;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (end && n == piece.len) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        s->open_end = false;
        if (s->x->upgrade == UPGRADE_DONE) /* told when it has left: back_h2_tell_ends */
            return (ssize_t)n;
        s->x->request_ended = true;
        submit_trailers(s, flags);
    }
    return (ssize_t)n;
}

int back_h2_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *header,
                      size_t length, nghttp2_data_source *source, void *user)
{
    (void)session;
    (void)source;
    struct back_h2 *b = user;
    /* A frame for which there was no room is offered again when there is, even if its exchange has been
     * let go of meanwhile and its reset waits behind it. */
    struct back_stream *s = back_h2_stream(b, frame->hd.stream_id);
    if (!s)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (conn_room(&b->conn) == 0)
        return NGHTTP2_ERR_WOULDBLOCK;
    bool end;
    struct span piece = exchange_request_peek(s->x, &end);
    CHECK(piece.len >= length);
    if (buf_len(&b->pool->pools->h2_staging) + 9 + length > conn_batch(&b->conn))
        back_h2_write_staged(b);
    back_h2_stage(b, span_of(header, 9));
    back_h2_stage(b, span_sub(piece, 0, length));
    if (!s->head_done)
        back_h2_await(s);
    if (length > 0)
        exchange_request_consume(s->x, length);
    return 0;
}

void back_h2_request_body(struct exchange *x)
{
    struct back_stream *s = x->back;
    if (!s->b || !s->deferred)
        return;
    s->deferred = false;
    nghttp2_session_resume_data(s->b->session, s->id);
    conn_flush_later(&s->b->conn);
}

/* --- the head ------------------------------------------------------------------------------------ */

/* The pairs point to the request's strings, which live as long as the exchange: should it end before they
 * have left, the stream is called off (back_h2_detach), and nghttp2 does not look at them. */
#define KEPT (NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE)

static nghttp2_nv *make_head(struct exchange *x, bool tls, size_t *n)
{
    const struct request_head *h = &x->request;
    bool upgrades = x->upgrade == UPGRADE_ASKED; /* RFC 8441 4, 5 */
    nghttp2_nv *nva = arena_alloc(&x->arena, (h->fields.n + 6) * sizeof *nva);
    if (!nva)
        return NULL;
    size_t k = 0;
    nva[k++] = h2_field_nv(SPAN_LIT(":method"), upgrades ? SPAN_LIT("CONNECT") : h->method_text,
                           KEPT);
    if (upgrades)
        nva[k++] = h2_field_nv(SPAN_LIT(":protocol"), h->upgrade, KEPT);
    nva[k++] = h2_field_nv(SPAN_LIT(":scheme"), tls ? SPAN_LIT("https") : SPAN_LIT("http"), KEPT);
    nva[k++] = h2_field_nv(SPAN_LIT(":authority"), x->back_host, KEPT);
    nva[k++] = h2_field_nv(SPAN_LIT(":path"), x->target, KEPT);
    for (size_t i = 0; i < h->fields.n; i++)
        if (!upgrades || h->fields.v[i].id != FIELD_SEC_WEBSOCKET_KEY)
            nva[k++] = h2_field_nv(h->fields.v[i].name, h->fields.v[i].value, KEPT);
    if (h->body == BODY_LENGTH) {
        struct span length = arena_printf(&x->arena, "%llu", (unsigned long long)h->content_length);
        if (!length.p)
            return NULL;
        nva[k++] = h2_field_nv(SPAN_LIT("content-length"), length, KEPT);
    }
    *n = k;
    return nva;
}

static const nghttp2_data_provider *provider_for(struct back_stream *s, nghttp2_data_provider *p)
{
    struct exchange *x = s->x;
    const struct request_head *h = &x->request;
    bool empty = h->body == BODY_NONE || (h->body == BODY_LENGTH && h->content_length == 0);
    s->open_end = x->upgrade == UPGRADE_ASKED;
    if (empty && !s->open_end) {
        x->request_ended = true;
        return NULL;
    }
    p->source.ptr = NULL; /* the stream knows its exchange, or that it has none any more */
    p->read_callback = data_ready;
    return p;
}

static int32_t submit(struct back_stream *s)
{
    struct back_h2 *b = s->b;
    nghttp2_data_provider provider;
    size_t n;
    nghttp2_nv *nva = make_head(s->x, b->conn.ssl != NULL, &n);
    if (!nva)
        return NGHTTP2_ERR_NOMEM;
    return nghttp2_submit_request(b->session, NULL, nva, n, provider_for(s, &provider), s);
}

static void link_stream(struct back_h2 *b, struct back_stream *s)
{
    s->b = b;
    s->next = b->streams;
    s->prev = &b->streams;
    if (s->next)
        s->next->prev = &s->next;
    b->streams = s;
    b->endpoint->busy++;
}

static struct back_stream *new_stream(struct back_h2 *b, struct exchange *x)
{
    struct back_stream *s = arena_alloc(&x->arena, sizeof *s);
    if (!s)
        return NULL;
    memset(s, 0, sizeof *s);
    buf_init(&s->body, BACK_H2_WINDOW);
    s->x = x;
    s->reused = b->answered;
    link_stream(b, s);
    return s;
}

static void note(struct back_h2 *b, struct exchange *x)
{
    x->story.protocol = PROTOCOL_H2;
    x->story.secured = b->conn.ssl != NULL;
    x->story.pooled = b->served;
    if (b->served)
        metrics_add(b->proxy->metrics, METRIC_BACK_REUSED, 1);
    b->served = true;
}

void back_h2_take(struct back_h2 *b, struct exchange *x)
{
    struct back_stream *s = new_stream(b, x);
    x->back = s;
    x->back_ops = s ? &back_h2_ops : NULL;
    if (!s) {
        exchange_back_failed(x, PAGE_FIELDS_TOO_LARGE);
        return;
    }
    note(b, x);
    if (x->upgrade != UPGRADE_ASKED || back_h2_may_upgrade(s))
        back_h2_submit(s);
}

void back_h2_submit(struct back_stream *s)
{
    struct back_h2 *b = s->b;
    s->id = submit(s);
    if (s->id < 0) {
        /* Stream numbers have run out (RFC 9113 5.1.1), or the head is too large to be kept. */
        bool spent = s->id == NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE;
        s->id = 0;
        if (spent)
            back_h2_retire(b);
        back_h2_stream_fail(s, spent ? PAGE_BACK_BROKE : PAGE_FIELDS_TOO_LARGE,
                            spent ? LOST_UNTOUCHED : LOST_STREAM);
        return;
    }
    b->n_open++;
    story_mark(&s->x->story, MOMENT_SENT);
    back_h2_await(s);
    conn_flush_later(&b->conn);
}
