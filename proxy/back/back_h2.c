#include "proxy/back/back_h2.h"

#include "core/log.h"
#include "proxy/back/adopted.h"
#include "proxy/back/back.h"
#include "proxy/back/outcome.h"

/* Frames that bring nothing (SETTINGS, PING, WINDOW_UPDATE, PRIORITY, CONTINUATION, empty DATA), beyond as
 * many as those that did and those that we sent: a backend that says more in this time wants to keep us
 * busy. */
#define CHATTER_MAX 1000
#define CHATTER_MS 10000
/* RFC 9113 5.5: frames of unknown types are passed over, but not for ever. */
#define UNKNOWN_MAX (256 * 1024)
#define FRAME_HEADER 9

static struct back_h2 *back_of(struct conn *c)
{
    return CONTAINER_OF(c, struct back_h2, conn);
}

struct back_stream *back_h2_stream(struct back_h2 *b, int32_t id)
{
    return nghttp2_session_get_stream_user_data(b->session, id);
}

/* --- life ---------------------------------------------------------------------------------------- */

static void free_back(struct turn_item *i)
{
    mem_free(CONTAINER_OF(i, struct back_h2, reap));
}

void back_h2_leave_service(struct back_h2 *b)
{
    if (b->going)
        return;
    b->going = true;
    b->pool->n_h2--;
    if (b->pool->adopted)
        adopted_left_service(b->pool->adopted);
}

void back_h2_close(struct back_h2 *b)
{
    if (b->conn.closed)
        return;
    CHECK(!b->streams);
    back_h2_leave_service(b);
    *b->prev = b->next;
    if (b->next)
        b->next->prev = b->prev;
    conn_close(&b->conn);
    endpoint_drop(&b->pool->endpoints, b->endpoint);
    nghttp2_session_del(b->session);
    b->session = NULL;
    pool_leave(b->pool);
    b->reap.run = free_back;
    turn_reap(&b->proxy->conns.turn, &b->reap);
}

void back_h2_retire(struct back_h2 *b)
{
    if (b->going)
        return;
    back_h2_leave_service(b);
    nghttp2_submit_goaway(b->session, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, NULL, 0);
    conn_flush_later(&b->conn);
}

static void fail_streams(struct back_h2 *b, enum page_reason why)
{
    back_h2_leave_service(b);
    if (b->pool->adopted)
        why = b->pool->adopted->when_lost;
    while (b->streams)
        back_h2_stream_fail(b->streams, why, LOST_WITH_ALL);
}

void back_h2_fail(struct back_h2 *b, enum page_reason why)
{
    if (b->conn.closed)
        return;
    if (b->n_open > 0) {
        metrics_add(b->proxy->metrics, METRIC_BACK_FAILURES, 1);
        /* That a connection ends at the end of its life says nothing of the address. */
        if (why == PAGE_BACK_BROKE && !b->answered && !b->pool->adopted)
            outcome_broke(b->pool, b->endpoint);
    }
    struct pool *p = b->pool;
    bool served = b->served;
    pool_use(p);
    fail_streams(b, why);
    back_h2_close(b);
    if (served)
        back_h2_lost(p);
    pool_leave(p);
}

/* --- room ---------------------------------------------------------------------------------------- */

static size_t streams_max(const struct pool *p)
{
    return p->adopted ? p->adopted->streams : p->pools->proxy->config->limits.back_streams;
}

static size_t streams_allowed(const struct back_h2 *b)
{
    size_t most = streams_max(b->pool);
    size_t theirs = nghttp2_session_get_remote_settings(b->session,
                                                        NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    return theirs < most ? theirs : most;
}

bool back_h2_has_room(const struct back_h2 *b)
{
    if (b->going || b->refusing || b->conn.eof || b->conn.broken != ERR_OK)
        return false;
    /* Until it has said how many streams it takes, it takes as many as those before it. */
    size_t most = b->settled ? streams_allowed(b) : b->pool->h2_streams;
    return b->n_open < most && nghttp2_session_check_request_allowed(b->session);
}

static void serve(struct back_h2 *b)
{
    struct pool *p = b->pool;
    while (p->waiting && back_h2_has_room(b)) {
        struct exchange *x = p->waiting;
        pool_unwait(p, x);
        back_h2_take(b, x);
    }
}

/* One with room; of several that are to be used, the least busy. */
static struct back_h2 *find_room(struct pool *p)
{
    struct endpoints *e = &p->endpoints;
    uint64_t now = loop_now_ms(p->pools->proxy->conns.loop);
    bool all_out = endpoints_all_out(e, now);
    struct back_h2 *best = NULL, *next;
    for (struct back_h2 *b = p->h2; b; b = next) {
        next = b->next;
        if (!back_h2_has_room(b))
            continue;
        if (!all_out && !endpoint_is_well(e, b->endpoint, now))
            back_h2_retire(b);
        else if (!best || b->n_open < best->n_open)
            best = b;
    }
    return best;
}

bool back_h2_take_up(struct pool *p, struct exchange *x)
{
    struct back_h2 *b = p->h2 ? find_room(p) : NULL;
    if (!b)
        return false;
    story_attempt(&x->story, true);
    back_h2_take(b, x);
    return true;
}

/* --- sending ------------------------------------------------------------------------------------- */

void back_h2_write_staged(struct back_h2 *b)
{
    struct buf *s = &b->pool->pools->h2_staging;
    conn_write(&b->conn, buf_span(s));
    buf_clear(s);
}

void back_h2_stage(struct back_h2 *b, struct span s)
{
    struct buf *staging = &b->pool->pools->h2_staging;
    enum err e = buf_append(staging, s);
    CHECK(e == ERR_OK); /* a frame is at most 16 KiB and nine bytes; the buffer holds more */
}

bool back_h2_is_over(const struct back_h2 *b)
{
    return !nghttp2_session_want_read(b->session) && !nghttp2_session_want_write(b->session);
}

static void on_flush(struct conn *c)
{
    struct back_h2 *b = back_of(c);
    serve(b);
    while (conn_room(c) > 0) {
        const uint8_t *p;
        ssize_t n = nghttp2_session_mem_send(b->session, &p);
        if (n < 0) {
            buf_clear(&b->pool->pools->h2_staging);
            back_h2_fail(b, PAGE_BACK_BROKE);
            return;
        }
        if (n == 0)
            break;
        if (buf_len(&b->pool->pools->h2_staging) + (size_t)n > conn_batch(c))
            back_h2_write_staged(b);
        back_h2_stage(b, span_of(p, (size_t)n));
    }
    back_h2_write_staged(b);
    if (b->end_left)
        back_h2_tell_ends(b);
    if (b->n_open == 0 && (b->refusing || b->proxy->draining))
        back_h2_retire(b);
    if (back_h2_is_over(b)) {
        fail_streams(b, PAGE_BACK_BROKE); /* nothing will be said of them any more */
        conn_want_drained(c);
    }
    back_h2_arm(b);
    if (b->going && b->served)
        back_h2_lost(b->pool);
}

static void on_drained(struct conn *c)
{
    back_h2_fail(back_of(c), PAGE_BACK_BROKE);
}

static void on_room(struct conn *c)
{
    conn_flush_later(c);
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    (void)session;
    struct back_h2 *b = user;
    if (frame->hd.type == NGHTTP2_HEADERS) {
        struct back_stream *s = back_h2_stream(b, frame->hd.stream_id);
        if (s)
            s->sent = true;
    } else if (frame->hd.type == NGHTTP2_DATA && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) {
        struct back_stream *s = back_h2_stream(b, frame->hd.stream_id);
        if (s && s->x->upgrade == UPGRADE_DONE)
            s->end_left = b->end_left = true;
    }
    /* Answers to its PING and SETTINGS are none of our doing. */
    if (!(frame->hd.flags & NGHTTP2_FLAG_ACK) && b->chatter > 0)
        b->chatter--;
    return 0;
}

/* --- receiving ----------------------------------------------------------------------------------- */

static void forgive_chatter(struct back_h2 *b)
{
    if (b->heard_ms - b->chatter_since_ms <= CHATTER_MS)
        return;
    b->chatter_since_ms = b->heard_ms;
    b->chatter = 0;
    if (b->unknown > 0)
        b->unknown = 0;
}

static bool brings_something(const nghttp2_frame_hd *hd)
{
    return hd->type == NGHTTP2_HEADERS ||
           (hd->type == NGHTTP2_DATA &&
            (hd->length > 0 || (hd->flags & NGHTTP2_FLAG_END_STREAM) != 0));
}

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *user)
{
    (void)session;
    struct back_h2 *b = user;
    b->unknown -= (int64_t)hd->length + FRAME_HEADER;
    if (brings_something(hd)) {
        if (b->chatter > 0)
            b->chatter--;
        return 0;
    }
    if (++b->chatter <= CHATTER_MAX)
        return 0;
    b->flooded = true;
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    (void)session;
    struct back_h2 *b = user;
    switch (frame->hd.type) {
    case NGHTTP2_SETTINGS:
        if (frame->hd.flags & NGHTTP2_FLAG_ACK)
            break;
        b->settled = true;
        b->pool->h2_streams = streams_allowed(b);
        back_h2_settle(b);
        break;
    case NGHTTP2_GOAWAY:
        back_h2_leave_service(b);
        break;
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA: {
        struct back_stream *s = back_h2_stream(b, frame->hd.stream_id);
        if (s)
            back_h2_received(s, frame);
        break;
    }
    default:
        break;
    }
    return 0;
}

/* RFC 9113 8.2.1: such a message is malformed; what was left out of it might have mattered. */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
                             const uint8_t *name, size_t name_len, const uint8_t *value,
                             size_t value_len, uint8_t flags, void *user)
{
    (void)session, (void)frame, (void)name, (void)name_len, (void)value, (void)value_len;
    (void)flags, (void)user;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* The stream is closed: after its end, or by a reset of either side. */
static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    (void)session;
    struct back_h2 *b = user;
    struct back_stream *s = back_h2_stream(b, id);
    CHECK(b->n_open > 0);
    b->n_open--;
    b->refusing = code == NGHTTP2_REFUSED_STREAM;
    conn_flush_later(&b->conn);
    if (!s)
        return 0;
    s->closed = true;
    if (s->ended) {
        if (s->x->upgrade == UPGRADE_DONE)
            back_h2_upgraded_closed(s);
        else
            back_h2_detach(s);
        return 0;
    }
    s->x->back_reset = code;
    bool untouched = !s->sent || code == NGHTTP2_REFUSED_STREAM;
    back_h2_stream_fail(s, PAGE_BACK_BROKE, untouched ? LOST_UNTOUCHED : LOST_STREAM);
    return 0;
}

static void receive(struct back_h2 *b)
{
    struct span in = buf_span(&b->conn.in);
    b->heard_ms = loop_now_ms(b->proxy->conns.loop);
    if (b->pinged)
        b->answered_ms = b->heard_ms;
    b->pinged = false;
    forgive_chatter(b);
    ssize_t n = nghttp2_session_mem_recv(b->session, (const uint8_t *)in.p, in.len);
    b->unknown += (int64_t)in.len;
    conn_consume(&b->conn, in.len);
    if (n >= 0 && b->unknown <= UNKNOWN_MAX)
        return;
    bool flooded = b->flooded || n >= 0 || n == NGHTTP2_ERR_FLOODED;
    LOG(LOG_WARN, "back_malformed", LOG_S("host", b->pool->to.host),
        LOG_U("port", b->pool->to.port),
        LOG_S("why", flooded ? "floods the connection" : nghttp2_strerror((int)n)));
    nghttp2_session_terminate_session(b->session,
                                      flooded ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
    fail_streams(b, PAGE_BACK_BROKE);
}

static void on_input(struct conn *c)
{
    struct back_h2 *b = back_of(c);
    if (buf_len(&c->in) > 0)
        receive(b);
    if (c->eof)
        back_h2_fail(b, PAGE_BACK_BROKE);
    else
        conn_flush_later(c);
}

static void on_broken(struct conn *c, enum err why)
{
    (void)why;
    back_h2_fail(back_of(c), PAGE_BACK_BROKE);
}

static const struct conn_ops h2_conn_ops = {
    .on_input = on_input,
    .on_flush = on_flush,
    .on_room = on_room,
    .on_drained = on_drained,
    .on_deadline = back_h2_on_deadline,
    .on_broken = on_broken,
};

/* --- start --------------------------------------------------------------------------------------- */

nghttp2_session_callbacks *back_h2_callbacks(void)
{
    nghttp2_session_callbacks *cb;
    CHECK(nghttp2_session_callbacks_new(&cb) == 0);
    nghttp2_session_callbacks_set_on_begin_frame_callback(cb, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, back_h2_on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(cb, back_h2_on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(cb, on_invalid_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, back_h2_on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame_recv);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
    nghttp2_session_callbacks_set_send_data_callback(cb, back_h2_send_data);
    return cb;
}

nghttp2_option *back_h2_options(void)
{
    nghttp2_option *o;
    CHECK(nghttp2_option_new(&o) == 0);
    nghttp2_option_set_no_auto_window_update(o, 1);
    nghttp2_option_set_max_send_header_block_length(o, 4 * HEAD_MAX);
    return o;
}

void back_h2_open(struct pool *p, struct conn *from, struct endpoint *at)
{
    struct back_h2 *b = NEW(struct back_h2);
    struct pools *pools = p->pools;
    b->proxy = pools->proxy;
    b->pool = p;
    b->endpoint = at;
    endpoint_hold(at);
    b->next = p->h2;
    b->prev = &p->h2;
    if (b->next)
        b->next->prev = &b->next;
    p->h2 = b;
    p->n_h2++;
    pool_use(p);
    conn_move(&b->conn, from, &h2_conn_ops);
    CHECK(nghttp2_session_client_new2(&b->session, pools->h2_callbacks, b, pools->h2_options) == 0);
    nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, BACK_H2_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HEAD_MAX},
    };
    int32_t window = (int32_t)(streams_max(p) * BACK_H2_WINDOW);
    nghttp2_submit_settings(b->session, NGHTTP2_FLAG_NONE, settings, ARRAY_LEN(settings));
    nghttp2_session_set_local_window_size(b->session, NGHTTP2_FLAG_NONE, 0, window);
    b->heard_ms = b->chatter_since_ms = loop_now_ms(b->proxy->conns.loop);
    serve(b);
    conn_flush_later(&b->conn);
}
