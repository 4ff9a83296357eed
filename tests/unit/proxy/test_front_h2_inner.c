/* Inner fronts: HTTP/2 from our own, with other people's requests on it. The peer is nghttp2's client. */
#include "proxy/front/front_h2.h"
#include "proxy/front/front_h2_inner.h"
#include "proxy/page/own_answer.h"
#include "proxy/steer.h"
#include "support/test.h"
#include "unit/proxy/exchange_bed.h"

#define STREAMS 64
#define HEAD_101 "the head of a 101"

struct heard {
    int status;
    char slug[40];
    bool ended, closed, linkup;
    size_t bytes;
};

static struct exchange_bed bed;
static nghttp2_session *peer;
static struct heard streams[STREAMS];
static size_t taken;
static unsigned goaways, pongs;

/* --- the peer ------------------------------------------------------------------------------------ */

static struct heard *heard(int32_t stream)
{
    assert_true(stream > 0 && stream < STREAMS);
    return &streams[stream];
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *user)
{
    struct heard *h = heard(frame->hd.stream_id);
    struct span n = span_of(name, name_len), v = span_of(value, value_len);
    uint64_t status;
    if (span_eq(n, SPAN_LIT(":status"))) {
        assert_ok(span_to_u64(v, &status));
        h->status = (int)status;
    } else if (span_eq(n, SPAN_LIT("linkup-tunnel-error"))) {
        assert_ok(span_copy_z(v, h->slug, sizeof h->slug));
    } else if (span_starts(n, SPAN_LIT("linkup-")) || span_eq(n, SPAN_LIT("via"))) {
        h->linkup = true;
    }
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data,
                   size_t len, void *user)
{
    heard(stream)->bytes += len;
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    goaways += frame->hd.type == NGHTTP2_GOAWAY;
    pongs += frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK);
    if (frame->hd.stream_id > 0 && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        heard(frame->hd.stream_id)->ended = true;
    return 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t code, void *user)
{
    heard(stream)->closed = true;
    return 0;
}

static void hear(void)
{
    bed_settle(&bed);
    struct span rest = span_from(buf_span(&bed.clients[0].got), taken);
    taken += rest.len;
    assert_int_equal(nghttp2_session_mem_recv(peer, (const uint8_t *)rest.p, rest.len), rest.len);
}

static void talk(void)
{
    do {
        const uint8_t *p;
        ssize_t n;
        while ((n = nghttp2_session_mem_send(peer, &p)) > 0)
            bed_send_all(&bed, &bed.clients[0], span_of(p, (size_t)n));
        hear();
    } while (nghttp2_session_want_write(peer));
}

#define NV(n, v)                                                                                   \
    {                                                                                              \
        (uint8_t *)(uintptr_t)(n), (uint8_t *)(uintptr_t)(v), strlen(n), strlen(v), 0              \
    }

static int32_t submit(const char *service)
{
    const nghttp2_nv head[] = {
        NV(":method", "GET"),      NV(":scheme", "https"),
        NV(":path", "/x"),         NV(":authority", "web.a.z.test:8443"),
        NV("linkup-session", "a"), NV("linkup-service", service),
    };
    int32_t stream = nghttp2_submit_request(peer, NULL, head, ARRAY_LEN(head), NULL, NULL);
    assert_true(stream > 0);
    return stream;
}

static int32_t ask(const char *service)
{
    int32_t stream = submit(service);
    talk();
    return stream;
}

static void answer(size_t back, const char *text)
{
    bed_answer(&bed, back, text);
    talk();
}

/* --- who brings requests on their way ------------------------------------------------------------ */

static unsigned n_done;
static uint64_t bytes_done;

static void on_inner(void *ctx, struct exchange *x)
{
    const struct field *f = fields_find(&x->request.fields, FIELD_LINKUP_SERVICE);
    const struct image_service *s = f ? edge_image_service(x->edge->image, f->value) : NULL;
    if (!s) {
        own_answer_page(x, PAGE_UNKNOWN_SERVICE, NULL);
        return;
    }
    x->route = (struct route_result){
        .outcome = ROUTE_TO_BACKEND, .service = s->key, .shared = s, .backend = &s->backend};
    if (steer_aim(x))
        back_start(x);
}

static void on_inner_done(void *ctx, const struct exchange *x)
{
    n_done++;
    bytes_done += x->response_bytes;
}

static struct front *front(void)
{
    return bed_front(bed.proxy->fronts);
}

static void start(void)
{
    nghttp2_session_callbacks *cb;
    bed_init(&bed);
    bed_start(&bed);
    bed.hooks.inner = on_inner;
    bed.hooks.inner_done = on_inner_done;
    assert_int_equal(nghttp2_session_callbacks_new(&cb), 0);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
    assert_int_equal(nghttp2_session_client_new(&peer, cb, NULL), 0);
    nghttp2_session_callbacks_del(cb);
    nghttp2_submit_settings(peer, NGHTTP2_FLAG_NONE, NULL, 0);
    memset(streams, 0, sizeof streams);
    taken = goaways = pongs = n_done = 0;
    bytes_done = 0;
}

static int set_up_tunnel(void **state)
{
    start();
    bed_client_open(&bed, 0, LISTEN_TUNNEL, true);
    talk();
    return 0;
}

static int set_up_relay(void **state)
{
    start();
    bed_client_open(&bed, 0, LISTEN_RELAY, true);
    talk();
    return 0;
}

static int set_up_nothing(void **state)
{
    start();
    return 0;
}

static int tear_down(void **state)
{
    nghttp2_session_del(peer);
    bed_stop(&bed);
    bed_deinit(&bed);
    return 0;
}

/* --- what it is ---------------------------------------------------------------------------------- */

static void it_offers_what_tunnels_need(void **state)
{
    assert_int_equal(
        nghttp2_session_get_remote_settings(peer, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS), 1000);
    assert_int_equal(
        nghttp2_session_get_remote_settings(peer, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL), 1);
    /* One stream, or ten, that nobody reads leave room for others. */
    assert_true(nghttp2_session_get_remote_window_size(peer) >= 10 * STREAM_WINDOW_MOST);
}

static void it_is_no_client(void **state)
{
    int32_t s = ask("web");
    answer(0, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_int_equal(heard(s)->status, 200);
    assert_int_equal(bed.proxy->n_public, 0);
    assert_int_equal(bed.proxy->n_inner, 1);
    assert_int_equal(bed_metric(&bed, METRIC_EXCHANGES_H2), 0);
    assert_int_equal(bed_metric(&bed, METRIC_STATUS_2XX), 0);
    assert_null(front()->peer);
    assert_int_equal(n_done, 1);
    assert_int_equal(bytes_done, 2);
}

static void nothing_is_added_and_nothing_of_ours_comes_back(void **state)
{
    int32_t s = ask("web");
    assert_int_equal(bed_count(&bed.backs[0], "\r\nvia: "), 0);
    assert_int_equal(bed_count(&bed.backs[0], "\r\nx-forwarded-"), 0);
    answer(0, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nlinkup-backend: no\r\n"
              "linkup-tunnel-error: evil\r\n\r\n");
    assert_int_equal(heard(s)->status, 200);
    assert_string_equal(heard(s)->slug, "");
    assert_false(heard(s)->linkup);
}

static void a_relay_passes_the_other_ends_word_on(void **state)
{
    int32_t s = ask("web");
    answer(0,
           "HTTP/1.1 502 No\r\ncontent-length: 0\r\nlinkup-tunnel-error: backend-refused\r\n\r\n");
    assert_int_equal(heard(s)->status, 502);
    assert_string_equal(heard(s)->slug, "backend-refused");
}

/* --- its own answers ----------------------------------------------------------------------------- */

static void assert_told(int32_t stream, int status, const char *slug)
{
    assert_int_equal(heard(stream)->status, status);
    assert_string_equal(heard(stream)->slug, slug);
    assert_true(heard(stream)->ended);
    assert_int_equal(heard(stream)->bytes, 0);
}

static void why_there_is_no_answer_is_told_by_name(void **state)
{
    int32_t unknown = ask("nobody"), dead = ask("dead"), broken = ask("web");
    bed_end_reset(&bed.backs[0]);
    talk();
    assert_told(unknown, 404, "unknown-service");
    assert_told(dead, 502, "backend-refused");
    assert_told(broken, 502, "backend-broke");
}

static void a_service_that_says_nothing(void **state)
{
    int32_t s = ask("web");
    assert_true(bed_expire_back(&bed));
    talk();
    assert_told(s, 504, "backend-silent");
}

static void an_answer_that_is_none(void **state)
{
    int32_t s = ask("web");
    answer(0, "what is this\r\n\r\n");
    assert_int_equal(heard(s)->status, 502);
    assert_true(span_starts(span_str(heard(s)->slug), SPAN_LIT("backend-")));
}

/* --- what is not watched for --------------------------------------------------------------------- */

static void floods_are_other_peoples_affair(void **state)
{
    static const uint8_t mark[8] = {0};
    for (unsigned i = 0; i < 5000; i++) {
        nghttp2_submit_ping(peer, NGHTTP2_FLAG_NONE, mark);
        if (i % 100 == 0)
            talk();
    }
    talk();
    assert_int_equal(pongs, 5000);
    int32_t s = ask("web");
    answer(0, "HTTP/1.1 204 No Content\r\n\r\n");
    assert_int_equal(heard(s)->status, 204);
    assert_int_equal(bed_metric(&bed, METRIC_H2_CALMED), 0);
}

static void a_relay_may_be_silent_for_ever(void **state)
{
    assert_false(bed_is_timed(&front()->conn));
    int32_t s = ask("web");
    assert_false(bed_is_timed(&front()->conn));
    answer(0, "HTTP/1.1 204 No Content\r\n\r\n");
    assert_int_equal(heard(s)->status, 204);
    assert_false(bed_is_timed(&front()->conn));
}

static void a_tunnel_that_was_heard_of_lives(void **state)
{
    assert_true(bed_expire_front(&bed)); /* it has been heard of since that was set */
    talk();
    assert_int_equal(proxy_connections(bed.proxy), 1);
    assert_true(bed_is_timed(&front()->conn));
    int32_t s = ask("web");
    answer(0, "HTTP/1.1 204 No Content\r\n\r\n");
    assert_int_equal(heard(s)->status, 204);
}

static void a_tunnel_that_is_silent_is_dead(void **state)
{
    int32_t s = ask("web");
    front()->h2.round_ms = 1; /* long ago */
    assert_true(bed_expire_front(&bed));
    bed_settle(&bed);
    assert_int_equal(proxy_connections(bed.proxy), 0);
    assert_true(bed.clients[0].eof);
    assert_true(bed.backs[0].eof); /* what it carried ends with it */
    assert_false(heard(s)->ended);
}

static void it_drains(void **state)
{
    int32_t s = ask("web");
    proxy_drain(bed.proxy);
    talk();
    assert_true(goaways > 0);
    answer(0, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_int_equal(heard(s)->status, 200);
    assert_true(heard(s)->ended);
    assert_true(bed.clients[0].eof);
    assert_true(bed_is_timed(&front()->conn)); /* a peer that does not close is not waited for */
    bed_end_close(&bed.clients[0]);
    bed_settle(&bed);
    assert_int_equal(proxy_connections(bed.proxy), 0);
}

/* --- a connection that was another's ------------------------------------------------------------- */

static struct conn asked; /* on which it was asked for a tunnel */
static struct front_watch watch;
static struct front *adopted;
static unsigned n_leaving, n_closed;
static bool adopt_at_end; /* when all has come that will */

static void on_leaving(struct front_watch *w)
{
    n_leaving++;
}

static void on_closed(struct front_watch *w)
{
    n_closed++;
    adopted = NULL;
}

static void adopt(struct conn *c)
{
    static const struct addr nowhere = {.len = sizeof(struct sockaddr)};
    if (adopt_at_end && !c->eof)
        return;
    conn_consume(c, strlen(HEAD_101));
    front_adopt(bed.proxy, c, LISTEN_TUNNEL, &nowhere, &watch, &adopted);
}

static void on_nothing(struct conn *c)
{
}

static const struct conn_ops asking_ops = {
    .on_open = on_nothing, .on_input = adopt, .on_room = on_nothing, .on_deadline = on_nothing};

static void open_asking(void)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    bed.clients[0] = (struct bed_end){.fd = fds[1]};
    buf_init(&bed.clients[0].got, BED_GOT_MAX);
    watch = (struct front_watch){.leaving = on_leaving, .closed = on_closed};
    adopted = NULL;
    n_leaving = n_closed = 0;
    adopt_at_end = false;
    conn_init_accepted(&asked, &bed.proxy->conns, &asking_ops, fds[0], NULL);
    conn_start(&asked);
}

/* All that the peer has to say now, behind TEXT, in one piece. */
static void say_behind(const char *text)
{
    struct buf out;
    const uint8_t *p;
    ssize_t n;
    buf_init(&out, BED_GOT_MAX);
    assert_ok(buf_append(&out, span_str(text)));
    while ((n = nghttp2_session_mem_send(peer, &p)) > 0)
        assert_ok(buf_append(&out, span_of(p, (size_t)n)));
    assert_int_equal(bed_send(&bed.clients[0], buf_span(&out)), buf_len(&out));
    buf_deinit(&out);
}

static void what_came_behind_the_101_is_taken(void **state)
{
    open_asking();
    int32_t s = submit("web");
    say_behind(HEAD_101);
    hear();
    assert_non_null(adopted);
    assert_int_equal(bed.n_backs, 1);
    talk();
    answer(0, "HTTP/1.1 204 No Content\r\n\r\n");
    assert_int_equal(heard(s)->status, 204);
    assert_int_equal(n_closed, 0);
}

static void what_comes_later_is_taken(void **state)
{
    open_asking();
    bed_say(&bed, HEAD_101);
    assert_non_null(adopted);
    int32_t s = ask("web");
    answer(0, "HTTP/1.1 204 No Content\r\n\r\n");
    assert_int_equal(heard(s)->status, 204);
}

static void the_peers_goaway_and_end_are_told(void **state)
{
    open_asking();
    bed_say(&bed, HEAD_101);
    int32_t s = ask("web");
    nghttp2_submit_goaway(peer, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, NULL, 0);
    talk();
    assert_int_equal(n_leaving, 1);
    assert_int_equal(n_closed, 0);
    answer(0, "HTTP/1.1 204 No Content\r\n\r\n");
    assert_int_equal(heard(s)->status, 204);
    bed_end_close(&bed.clients[0]);
    bed_settle(&bed);
    assert_int_equal(n_closed, 1);
    assert_int_equal(proxy_connections(bed.proxy), 0);
}

static void what_is_no_http2_ends_it(void **state)
{
    open_asking();
    bed_say(&bed, HEAD_101 "GET / HTTP/1.1\r\n\r\n");
    bed_settle(&bed);
    bed_end_close(&bed.clients[0]);
    bed_settle(&bed);
    assert_int_equal(n_closed, 1);
}

/* Nothing else would tell of it: an end is announced once. */
static void an_end_that_came_with_the_101_is_told(void **state)
{
    open_asking();
    adopt_at_end = true;
    bed_send_all(&bed, &bed.clients[0], SPAN_LIT(HEAD_101));
    bed_end_shut(&bed.clients[0]);
    bed_settle(&bed);
    assert_int_equal(n_closed, 1);
    assert_int_equal(proxy_connections(bed.proxy), 0);
}

int main(void)
{
#define TUNNEL(f) cmocka_unit_test_setup_teardown(f, set_up_tunnel, tear_down)
#define RELAY(f) cmocka_unit_test_setup_teardown(f, set_up_relay, tear_down)
#define ADOPTED(f) cmocka_unit_test_setup_teardown(f, set_up_nothing, tear_down)
    const struct CMUnitTest tests[] = {
        TUNNEL(it_offers_what_tunnels_need),
        TUNNEL(it_is_no_client),
        TUNNEL(nothing_is_added_and_nothing_of_ours_comes_back),
        RELAY(a_relay_passes_the_other_ends_word_on),
        TUNNEL(why_there_is_no_answer_is_told_by_name),
        RELAY(why_there_is_no_answer_is_told_by_name),
        TUNNEL(a_service_that_says_nothing),
        TUNNEL(an_answer_that_is_none),
        TUNNEL(floods_are_other_peoples_affair),
        RELAY(floods_are_other_peoples_affair),
        RELAY(a_relay_may_be_silent_for_ever),
        TUNNEL(a_tunnel_that_was_heard_of_lives),
        TUNNEL(a_tunnel_that_is_silent_is_dead),
        TUNNEL(it_drains),
        RELAY(it_drains),
        ADOPTED(what_came_behind_the_101_is_taken),
        ADOPTED(what_comes_later_is_taken),
        ADOPTED(the_peers_goaway_and_end_are_told),
        ADOPTED(what_is_no_http2_ends_it),
        ADOPTED(an_end_that_came_with_the_101_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
