#include "proxy/front/front_h2.h"

#include "proxy/front/front.h"
#include "proxy/front/front_h2_guard.h"
#include "proxy/front/front_h2_inner.h"

/* Of a DATA frame: it fills a TLS record with its header, and not one and nine bytes of the next. */
#define FRAME_HEADER 9
#define DATA_MAX (TLS_RECORD_MAX - FRAME_HEADER)

/* A stream's callbacks come several in a row. */
struct exchange *front_h2_exchange(struct front *f, int32_t stream)
{
    if (!f->h2.last || f->h2.last->h2.stream != stream)
        f->h2.last = nghttp2_session_get_stream_user_data(f->h2.session, stream);
    return f->h2.last;
}

static void link_exchange(struct front *f, struct exchange *x)
{
    x->h2.next = f->h2.exchanges;
    x->h2.prev = &f->h2.exchanges;
    if (x->h2.next)
        x->h2.next->h2.prev = &x->h2.next;
    f->h2.exchanges = x;
    f->h2.streams++;
}

static void unlink_exchange(struct front *f, struct exchange *x)
{
    f->h2.last = NULL;
    *x->h2.prev = x->h2.next;
    if (x->h2.next)
        x->h2.next->h2.prev = x->h2.prev;
    f->h2.streams--;
}

void front_h2_give_up(struct front *f, enum story_end why)
{
    if (f->conn.closed)
        return;
    /* Streams close without callbacks: their exchanges are ended one by one. */
    front_h2_end_all(f, why);
    front_h2_rest_leave(f);
    nghttp2_session_del(f->h2.session);
    front_h2_mem_deinit(&f->h2.mem);
    f->h2.session = NULL;
    front_close(f);
}

/* --- sending ------------------------------------------------------------------------------------- */

static void stage(struct front *f, const void *p, size_t n)
{
    struct buf *s = &f->proxy->staging;
    if (buf_len(s) + n > conn_batch(&f->conn))
        front_write_staged(f);
    enum err e = buf_append(s, span_of(p, n));
    CHECK(e == ERR_OK); /* a frame is at most 16 KiB and nine bytes; the buffer holds more */
}

static ssize_t data_ready(nghttp2_session *session, int32_t stream, uint8_t *buf, size_t length,
                          uint32_t *flags, nghttp2_data_source *source, void *user)
{
    (void)session;
    (void)buf;
    (void)source;
    struct exchange *x = front_h2_exchange(user, stream);
    bool end = false;
    if (!x)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    struct span s = exchange_peek(x, &end);
    if (s.len == 0 && !end) {
        x->h2.deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    length = length < DATA_MAX ? length : DATA_MAX;
    size_t n = s.len < length ? s.len : length;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (end && n == s.len) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (x->upgrade == UPGRADE_DONE)
            x->response_ended = true;
        if (x->response_trailers.n > 0 && front_h2_submit_trailers(x))
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    }
    return (ssize_t)n;
}

static int send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *header,
                     size_t length, nghttp2_data_source *source, void *user)
{
    (void)session;
    (void)source;
    struct front *f = user;
    /* A frame for which there was no room is offered again when there is, even if its exchange has been
     * let go of meanwhile and its reset waits behind it. */
    struct exchange *x = front_h2_exchange(f, frame->hd.stream_id);
    if (!x)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (conn_room(&f->conn) == 0)
        return NGHTTP2_ERR_WOULDBLOCK;
    bool end;
    struct span s = exchange_peek(x, &end);
    CHECK(s.len >= length);
    struct buf *staging = &f->proxy->staging;
    if (buf_len(staging) + 9 + length > conn_batch(&f->conn))
        front_write_staged(f);
    enum err e = buf_append(staging, span_of(header, 9));
    CHECK(e == ERR_OK);
    e = buf_append(staging, span_of(s.p, length));
    CHECK(e == ERR_OK);
    if (length > 0)
        exchange_consume(x, length);
    return 0;
}

bool front_h2_send(struct front *f)
{
    ssize_t n = 0;
    while (conn_room(&f->conn) > 0) {
        const uint8_t *p;
        n = nghttp2_session_mem_send(f->h2.session, &p);
        if (n <= 0)
            break;
        stage(f, p, (size_t)n);
    }
    front_write_staged(f);
    return n >= 0;
}

static void h2_flush(struct conn *c)
{
    struct front *f = front_of(c);
    CHECK(buf_len(&f->proxy->staging) == 0); /* what is in it would be another client's */
    if (f->lingering)
        return;
    if (!front_h2_send(f)) {
        front_h2_give_up(f, END_LIMIT);
        return;
    }
    bool alive = nghttp2_session_want_read(f->h2.session) ||
                 nghttp2_session_want_write(f->h2.session);
    if (!alive) {
        front_h2_end_all(f, END_CLIENT_BAD); /* nothing will be said of them any more */
        conn_want_drained(c);
    }
    front_h2_arm_deadline(f);
    front_h2_rest_later(f);
}

static void h2_drained(struct conn *c)
{
    if (c->eof)
        front_h2_give_up(front_of(c), END_CLIENT_GONE);
    else if (front_of(c)->h2.calmed)
        front_h2_calm_drained(front_of(c));
    else
        front_linger(front_of(c));
}

static void h2_room(struct conn *c)
{
    front_h2_has_room(front_of(c));
    conn_flush_later(c);
}

/* --- front interface ----------------------------------------------------------------------------- */

static const nghttp2_data_provider *provider_for(struct exchange *x, nghttp2_data_provider *p)
{
    if (exchange_bodyless(x) || x->response.body == BODY_NONE ||
        (x->response.body == BODY_LENGTH && x->response.content_length == 0 &&
         x->response_trailers.n == 0))
        return NULL;
    p->source.ptr = NULL; /* the stream knows its exchange, or that it has none any more */
    p->read_callback = data_ready;
    return p;
}

static void h2_head(struct exchange *x)
{
    struct front *f = x->front;
    size_t n;
    nghttp2_nv *nva = front_h2_head_nva(x, &x->response, true, &n);
    nghttp2_data_provider provider;
    const nghttp2_data_provider *p = provider_for(x, &provider);
    if (x->upgrade == UPGRADE_DONE)
        conn_keep_alive(&f->conn);
    if (!nva || nghttp2_submit_response(f->h2.session, x->h2.stream, nva, n, p) != 0)
        nghttp2_submit_rst_stream(f->h2.session, NGHTTP2_FLAG_NONE, x->h2.stream,
                                  NGHTTP2_INTERNAL_ERROR);
    conn_flush_later(&f->conn);
}

static void h2_interim(struct exchange *x, const struct response_head *h)
{
    struct front *f = x->front;
    size_t n;
    nghttp2_nv *nva = front_h2_head_nva(x, h, false, &n);
    if (nva)
        nghttp2_submit_headers(f->h2.session, NGHTTP2_FLAG_NONE, x->h2.stream, NULL, nva, n, NULL);
    conn_flush_later(&f->conn);
}

static void h2_response_body(struct exchange *x)
{
    struct front *f = x->front;
    if (x->h2.closed && x->request_ended) {
        front_h2_let_go(f, x);
        return;
    }
    if (!x->h2.deferred)
        return;
    x->h2.deferred = false;
    nghttp2_session_resume_data(f->h2.session, x->h2.stream);
    conn_flush_later(&f->conn);
}

void front_h2_reset(struct front *f, struct exchange *x, uint32_t why)
{
    if (!x->h2.closed)
        nghttp2_submit_rst_stream(f->h2.session, NGHTTP2_FLAG_NONE, x->h2.stream, why);
    front_h2_let_go(f, x);
    conn_flush_later(&f->conn);
}

/* gRPC tells CANCELLED and RESOURCE_EXHAUSTED by the code of a reset; of others only the backend's side
 * would be right. */
static uint32_t reset_code(const struct exchange *x)
{
    switch (x->back_reset) {
    case NGHTTP2_CANCEL:
    case NGHTTP2_ENHANCE_YOUR_CALM:
    case NGHTTP2_INADEQUATE_SECURITY:
        return x->back_reset;
    default:
        return NGHTTP2_INTERNAL_ERROR;
    }
}

static void h2_abort(struct exchange *x)
{
    bool upgraded = x->upgrade == UPGRADE_DONE; /* RFC 8441 5: what a reset is for TCP */
    front_h2_reset(x->front, x, upgraded ? NGHTTP2_CANCEL : reset_code(x));
}

static struct span h2_peek(struct exchange *x, bool *end)
{
    *end = x->h2.body_ended;
    return buf_span(&x->h2.body);
}

/* The peer may send as much again (RFC 9113 5.2): only what a back has taken is given back. */
static void h2_consume(struct exchange *x, size_t n)
{
    struct front *f = x->front;
    buf_consume(&x->h2.body, n);
    spare_return(&f->proxy->conns.spare, &x->h2.body, SPARE_OF_SMALL);
    nghttp2_session_consume(f->h2.session, x->h2.stream, n);
    front_h2_meter_earn_body(&f->h2.meter, n);
    front_h2_widen(f, x, n);
    conn_flush_later(&f->conn);
}

const struct front_ops front_h2_ops = {
    .head = h2_head,
    .interim = h2_interim,
    .response_body = h2_response_body,
    .abort = h2_abort,
    .peek = h2_peek,
    .consume = h2_consume,
    .local = front_exchange_local,
};

/* --- receiving ----------------------------------------------------------------------------------- */

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t stream,
                         const uint8_t *data, size_t len, void *user)
{
    (void)flags;
    struct front *f = user;
    struct exchange *x = front_h2_exchange(f, stream);
    if (!x) {
        nghttp2_session_consume(session, stream, len);
        return 0;
    }
    if (!x->h2.body.base)
        spare_lend(&f->proxy->conns.spare, &x->h2.body, SPARE_OF_SMALL);
    /* Beyond its window nghttp2 has the stream's reset ready, and tells of the bytes all the same. */
    enum err e = buf_append(&x->h2.body, span_of(data, len));
    if (e == ERR_FULL) {
        nghttp2_session_consume_connection(session, len);
        return 0;
    }
    if (e != ERR_OK)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    exchange_request_body(x);
    return 0;
}

/* The stream's close follows. */
static void note_reset(struct front *f, const nghttp2_rst_stream *frame)
{
    struct exchange *x = front_h2_exchange(f, frame->hd.stream_id);
    if (!x)
        return;
    x->story.reset = frame->error_code;
    story_ends(&x->story, END_CLIENT_RESET);
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct front *f = user;
    bool headers = frame->hd.type == NGHTTP2_HEADERS;
    if (frame->hd.type == NGHTTP2_RST_STREAM)
        note_reset(f, &frame->rst_stream);
    if (frame->hd.type == NGHTTP2_PING)
        front_h2_drain_heard(f, &frame->ping);
    if (frame->hd.type == NGHTTP2_GOAWAY && f->watch)
        f->watch->leaving(f->watch);
    if (!headers && frame->hd.type != NGHTTP2_DATA)
        return 0;
    struct exchange *x = front_h2_exchange(f, frame->hd.stream_id);
    if (!x)
        return 0;
    (void)session;
    if (x->h2.refused_trailers) {
        front_h2_refuse_trailers(x);
        return 0;
    }
    bool ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (ended)
        x->h2.body_ended = true;
    if (headers && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        front_h2_begin(x);
    } else if (ended) {
        exchange_request_body(x);
    }
    return 0;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct front *f = user;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct exchange *x = front_new_exchange(f, &front_h2_ops);
    x->http2 = true;
    x->h2.stream = frame->hd.stream_id;
    buf_init(&x->h2.body, STREAM_WINDOW);
    link_exchange(f, x);
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, x);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream, uint32_t code, void *user)
{
    (void)session;
    struct front *f = user;
    struct exchange *x = front_h2_exchange(f, stream);
    if (x && x->upgrade == UPGRADE_DONE && x->h2.body_ended && !x->request_ended &&
        code == NGHTTP2_NO_ERROR) {
        x->h2.closed = true; /* a slow backend still takes what the client has said */
        f->h2.last = NULL;
    } else if (x) {
        /* Our own resets let go of it before; these are nghttp2's. */
        if (code != NGHTTP2_NO_ERROR)
            story_ends(&x->story, END_CLIENT_BAD);
        front_h2_let_go(f, x);
    }
    conn_flush_later(&f->conn); /* the deadline is set there */
    return 0;
}

/* Our whole response has gone while the request goes on: RFC 9113 8.1 lets us ask it to stop. */
static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct front *f = user;
    front_h2_guard_sent(f, frame);
    if (frame->hd.type == NGHTTP2_GOAWAY)
        front_h2_drain_sent(f, &frame->goaway);
    bool ends = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
    if (!ends || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    struct exchange *x = front_h2_exchange(f, frame->hd.stream_id);
    if (x && !x->h2.body_ended && x->upgrade != UPGRADE_DONE)
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                  NGHTTP2_NO_ERROR);
    return 0;
}

void front_h2_end_all(struct front *f, enum story_end why)
{
    while (f->h2.exchanges) {
        story_ends(&f->h2.exchanges->story, why);
        front_h2_let_go(f, f->h2.exchanges);
    }
}

void front_h2_let_go(struct front *f, struct exchange *x)
{
    nghttp2_session_set_stream_user_data(f->h2.session, x->h2.stream, NULL);
    size_t unread = buf_len(&x->h2.body);
    if (unread > 0)
        nghttp2_session_consume_connection(f->h2.session, unread);
    buf_clear(&x->h2.body);
    spare_return(&f->proxy->conns.spare, &x->h2.body, SPARE_OF_SMALL);
    unlink_exchange(f, x);
    exchange_done(x);
}

/* --- events -------------------------------------------------------------------------------------- */

static void h2_input(struct conn *c)
{
    struct front *f = front_of(c);
    if (f->lingering) {
        if (front_lingers_out(f))
            front_h2_give_up(f, END_CLIENT_GONE);
        return;
    }
    struct span in = buf_span(&c->in);
    if (in.len > 0) {
        if (listen_is_inner(f->kind))
            front_h2_inner_take(f, in);
        else
            front_h2_take(f, in);
        conn_consume(c, in.len);
        conn_flush_later(c);
    }
    if (c->eof)
        front_h2_give_up(f, END_CLIENT_GONE);
}

static void h2_broken(struct conn *c, enum err why)
{
    (void)why;
    front_h2_give_up(front_of(c), END_CLIENT_GONE);
}

static const struct conn_ops h2_conn_ops = {
    .on_input = h2_input,
    .on_flush = h2_flush,
    .on_room = h2_room,
    .on_drained = h2_drained,
    .on_deadline = front_h2_deadline,
    .on_broken = h2_broken,
};

static void h2_drain(struct front_link *l)
{
    front_h2_goaway(CONTAINER_OF(l, struct front, link));
}

static void h2_kill(struct front_link *l)
{
    front_h2_give_up(CONTAINER_OF(l, struct front, link), END_DRAIN);
}

static nghttp2_session_callbacks *make_callbacks(void)
{
    nghttp2_session_callbacks *cb;
    CHECK(nghttp2_session_callbacks_new(&cb) == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(cb, front_h2_on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data_chunk);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame_recv);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(cb, front_h2_guard_invalid);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
    nghttp2_session_callbacks_set_send_data_callback(cb, send_data);
    return cb;
}

static nghttp2_option *make_options(void)
{
    nghttp2_option *o;
    CHECK(nghttp2_option_new(&o) == 0);
    nghttp2_option_set_no_auto_window_update(o, 1);
    nghttp2_option_set_no_closed_streams(o, 1);
    /* Ours is the meter. nghttp2's own limits answer with INTERNAL_ERROR, or take a frame's header that
     * comes in pieces for many. */
    nghttp2_option_set_stream_reset_rate_limit(o, UINT32_MAX, UINT32_MAX);
    nghttp2_option_set_max_continuations(o, UINT32_MAX);
    nghttp2_option_set_max_send_header_block_length(o, HEAD_MAX * 2);
    return o;
}

void front_h2_setup(struct front_h2_shared *s, struct ev_loop *loop)
{
    s->callbacks = make_callbacks();
    s->options = make_options();
    front_h2_slabs_init(&s->slabs);
    front_h2_rest_init(s, loop);
}

void front_h2_teardown(struct front_h2_shared *s)
{
    nghttp2_session_callbacks_del(s->callbacks);
    nghttp2_option_del(s->options);
    front_h2_slabs_deinit(&s->slabs);
}

void front_h2_open(struct front *f)
{
    struct proxy *p = f->proxy;
    bool inner = listen_is_inner(f->kind);
    uint64_t streams = inner ? INNER_STREAMS : p->config->limits.max_streams;
    memset(&f->h2, 0, sizeof f->h2);
    front_pace_begin(f);
    front_h2_meter_init(&f->h2.meter, loop_now_ms(f->conn.shared->loop));
    f->conn.ops = &h2_conn_ops;
    f->link.drain = h2_drain;
    f->link.kill = h2_kill;
    front_h2_mem_init(&f->h2.mem, &p->h2.slabs);
    CHECK(nghttp2_session_server_new3(&f->h2.session, p->h2.callbacks, f, p->h2.options,
                                      &f->h2.mem.mem) == 0);
    front_h2_mem_made(&f->h2.mem);
    nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, (uint32_t)streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HEAD_MAX},
        {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1}, /* RFC 8441 3 */
    };
    nghttp2_submit_settings(f->h2.session, NGHTTP2_FLAG_NONE, settings, ARRAY_LEN(settings));
    nghttp2_session_set_local_window_size(f->h2.session, NGHTTP2_FLAG_NONE, 0,
                                          inner ? INNER_CONNECTION_WINDOW : CONNECTION_WINDOW);
    conn_flush_later(&f->conn);
}
