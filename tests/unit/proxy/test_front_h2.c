/* HTTP/2 towards the client, which is nghttp2's: streams end once, whoever ends them and whatever waits to
 * be sent; a client that leaves its part undone is not waited for for ever. */
#include "support/test.h"
#include "unit/proxy/exchange_bed.h"

#define OK_HELLO "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
#define STREAMS 16

struct heard {
    int status, interim;
    bool ended, closed;
    uint32_t code;
    size_t bytes;
    char trailer[32], other[32]; /* the last field but :status after, and in, the head */
};

static struct exchange_bed bed;
static nghttp2_session *client;
static struct heard streams[STREAMS];
static size_t taken; /* of what has been read */
static bool body_goes_on;
static int goaways;
static int32_t last_promised;

/* --- the client ---------------------------------------------------------------------------------- */

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
    struct span v = span_of(value, value_len);
    uint64_t status;
    if (!span_eq(span_of(name, name_len), SPAN_LIT(":status"))) {
        bool late = h->status >= 200 && frame->headers.cat != NGHTTP2_HCAT_RESPONSE;
        (void)!span_copy_z(v, late ? h->trailer : h->other, sizeof h->other);
        return 0;
    }
    assert_ok(span_to_u64(v, &status));
    if (status < 200)
        h->interim = (int)status;
    else
        h->status = (int)status;
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
    if (frame->hd.stream_id > 0 && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        heard(frame->hd.stream_id)->ended = true;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        goaways++;
        last_promised = frame->goaway.last_stream_id;
    }
    return 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t code, void *user)
{
    heard(stream)->closed = true;
    heard(stream)->code = code;
    return 0;
}

static ssize_t give_body(nghttp2_session *session, int32_t stream, uint8_t *buf, size_t len,
                         uint32_t *flags, nghttp2_data_source *source, void *user)
{
    if (body_goes_on)
        return NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    return 0;
}

/* What both have to say, until neither has. */
static void talk(void)
{
    do {
        const uint8_t *p;
        ssize_t n;
        while ((n = nghttp2_session_mem_send(client, &p)) > 0)
            bed_send_all(&bed, &bed.clients[0], span_of(p, (size_t)n));
        bed_settle(&bed);
        struct span rest = span_from(buf_span(&bed.clients[0].got), taken);
        taken += rest.len;
        n = nghttp2_session_mem_recv(client, (const uint8_t *)rest.p, rest.len);
        assert_int_equal(n, rest.len);
    } while (nghttp2_session_want_write(client));
}

static void open_client(uint32_t window)
{
    nghttp2_session_callbacks *cb;
    nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window}};
    assert_int_equal(nghttp2_session_callbacks_new(&cb), 0);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
    nghttp2_option *o;
    assert_int_equal(nghttp2_option_new(&o), 0);
    nghttp2_option_set_no_auto_window_update(o, window == 0);
    assert_int_equal(nghttp2_session_client_new2(&client, cb, NULL, o), 0);
    nghttp2_option_del(o);
    nghttp2_session_callbacks_del(cb);
    nghttp2_submit_settings(client, NGHTTP2_FLAG_NONE, settings, 1);
    bed_client_open(&bed, 0, LISTEN_HTTPS, true);
    talk();
}

#define NV(n, v)                                                                                   \
    {                                                                                              \
        (uint8_t *)(uintptr_t)(n), (uint8_t *)(uintptr_t)(v), strlen(n), strlen(v), 0              \
    }

/* Without its end when BODY_GOES_ON. */
static int32_t ask(const char *host)
{
    const nghttp2_nv head[] = {
        NV(":method", "GET"),
        NV(":scheme", "https"),
        NV(":path", "/"),
        NV(":authority", host),
    };
    nghttp2_data_provider body = {.read_callback = give_body};
    int32_t stream = nghttp2_submit_request(client, NULL, head, 4, body_goes_on ? &body : NULL,
                                            NULL);
    talk();
    return stream;
}

static void answer(size_t back, const char *text)
{
    bed_answer(&bed, back, text);
    talk();
}

static void round_passes(void)
{
    assert_true(bed_expire_front(&bed));
    talk();
}

static int set_up(void **state)
{
    memset(streams, 0, sizeof streams);
    taken = 0;
    goaways = 0;
    body_goes_on = false;
    bed_init(&bed);
    bed_start(&bed);
    return 0;
}

static int tear_down(void **state)
{
    bed_settle(&bed);
    bed_check_waiting(&bed);
    nghttp2_session_del(client);
    bed_stop(&bed);
    bed_deinit(&bed);
    return 0;
}

/* --- what is passed on --------------------------------------------------------------------------- */

static void a_response_with_all_that_it_can_have(void **state)
{
    open_client(65535);
    int32_t s = ask("web.z.test");
    answer(0, "HTTP/1.1 103 Early Hints\r\nconnection: x-hop\r\nx-hop: hop\r\n\r\n");
    assert_int_equal(heard(s)->interim, 103);
    assert_string_equal(heard(s)->other, "");
    answer(0, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"
              "x-sum: 7\r\nconnection: close\r\n\r\n");
    assert_int_equal(heard(s)->status, 200);
    assert_int_equal(heard(s)->bytes, 5);
    assert_string_equal(heard(s)->trailer, "7");
    assert_true(heard(s)->closed);
    assert_int_equal(heard(s)->code, NGHTTP2_NO_ERROR);
}

static void streams_do_not_wait_for_each_other(void **state)
{
    open_client(65535);
    int32_t first = ask("web.z.test"), second = ask("web.z.test");
    assert_int_equal(bed.n_backs, 2);
    answer(1, OK_HELLO);
    assert_true(heard(second)->closed);
    assert_false(heard(first)->closed);
    answer(0, OK_HELLO);
    assert_true(heard(first)->closed);
}

/* The second is asked for in the turn in which the first is answered: it waits for a connection, and gets
 * the first's while that one's response is being written. */
static void a_response_and_a_request_in_one_turn(void **state)
{
    open_client(65535);
    int32_t first = ask("web.z.test");
    const nghttp2_nv head[] = {
        NV(":method", "GET"),
        NV(":scheme", "https"),
        NV(":path", "/"),
        NV(":authority", "web.z.test"),
    };
    const uint8_t *p;
    int32_t second = nghttp2_submit_request(client, NULL, head, 4, NULL, NULL);
    ssize_t n = nghttp2_session_mem_send(client, &p);
    buf_clear(&bed.backs[0].got);
    bed_send(&bed.clients[0], span_of(p, (size_t)n));
    answer(0, OK_HELLO);
    assert_true(heard(first)->closed);
    assert_int_equal(heard(first)->bytes, 5);
    assert_true(span_starts(buf_span(&bed.backs[0].got), SPAN_LIT("GET /base/ HTTP/1.1\r\n")));
    answer(0, OK_HELLO);
    assert_int_equal(heard(second)->bytes, 5);
}

static void an_early_answer_stops_the_request(void **state)
{
    open_client(65535);
    body_goes_on = true;
    int32_t s = ask("web.z.test");
    answer(0, OK_HELLO);
    assert_true(heard(s)->ended);
    assert_true(heard(s)->closed);
    assert_int_equal(heard(s)->code, NGHTTP2_NO_ERROR);
    assert_true(bed.backs[0].eof);
}

/* --- what ends ----------------------------------------------------------------------------------- */

/* A client that has opened its windows and does not read; the response fills all there is on its way, and
 * a frame is held for want of room. */
static int32_t hold_a_frame(void)
{
    static char bytes[CONN_IN_MAX + 4 * 1024];
    open_client(0);
    int32_t s = ask("web.z.test");
    answer(0, "HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n");
    bed_send_all(&bed, &bed.backs[0], span_of(bytes, sizeof bytes));
    talk();
    bed.clients[0].hold = true;
    nghttp2_submit_window_update(client, NGHTTP2_FLAG_NONE, 0, 1 << 30);
    nghttp2_submit_window_update(client, NGHTTP2_FLAG_NONE, s, 1 << 30);
    talk();
    assert_true(bed_front(bed.proxy->fronts)->conn.starved);
    return s;
}

/* What had arrived when the backend broke still goes out, and then the reset. */
static void a_frame_that_waits_outlives_the_backend(void **state)
{
    int32_t s = hold_a_frame();
    bed_end_reset(&bed.backs[0]);
    bed_settle(&bed);
    assert_int_equal(bed_metric(&bed, METRIC_EXCHANGES_OPEN), 1);
    bed.clients[0].hold = false;
    talk();
    assert_int_equal(bed_metric(&bed, METRIC_EXCHANGES_OPEN), 0);
    assert_true(heard(s)->closed);
    assert_int_equal(heard(s)->code, NGHTTP2_INTERNAL_ERROR);
    s = ask("web.z.test");
    answer(1, OK_HELLO);
    assert_int_equal(heard(s)->status, 200);
}

static void a_client_that_reads_nothing_is_let_go(void **state)
{
    hold_a_frame();
    assert_true(bed_expire_front(&bed));
    bed_settle(&bed);
    assert_int_equal(bed_metric(&bed, METRIC_CONNS_OPEN), 0);
    assert_true(bed.backs[0].eof);
}

/* Not enough for there to be room again, but something. */
static void a_client_that_reads_slowly_is_not(void **state)
{
    hold_a_frame();
    for (int i = 0; i < 5; i++) {
        bed_read_some(&bed, &bed.clients[0]);
        assert_true(bed_expire_front(&bed));
        bed_settle(&bed);
        assert_int_equal(bed_metric(&bed, METRIC_CONNS_OPEN), 1);
    }
    assert_true(bed_expire_front(&bed));
    bed_settle(&bed);
    assert_int_equal(bed_metric(&bed, METRIC_CONNS_OPEN), 0);
    assert_int_equal(bed_metric(&bed, METRIC_SLOW_CLIENTS), 1);
}

/* The turn has to end although what was to be sent last cannot be. */
static void a_session_that_is_over_waits_for_a_client_that_reads_nothing(void **state)
{
    hold_a_frame();
    bed_send(&bed.clients[0],
             SPAN_LIT("\x00\x00\x01\x00\x08\x00\x00\x00\x01\xff")); /* bad padding */
    bed_settle(&bed);
    bed_check_waiting(&bed);
    bed.clients[0].hold = false;
    bed_settle(&bed);
    assert_int_equal(bed_metric(&bed, METRIC_EXCHANGES_OPEN), 0);
    assert_true(bed.clients[0].eof);
}

/* --- who is waited for --------------------------------------------------------------------------- */

static void a_window_that_stays_shut_ends_its_stream(void **state)
{
    open_client(0);
    int32_t s = ask("web.z.test");
    answer(0, "HTTP/1.1 200 OK\r\n\r\nhello");
    round_passes();
    assert_false(heard(s)->closed);
    round_passes();
    assert_true(heard(s)->closed);
    assert_int_equal(heard(s)->code, NGHTTP2_CANCEL);
    assert_true(bed.backs[0].eof);
}

static void a_backend_may_be_silent_for_as_long_as_it_likes(void **state)
{
    open_client(65535);
    int32_t s = ask("web.z.test");
    answer(0, "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n");
    for (int i = 0; i < 5; i++)
        round_passes();
    answer(0, "data: 2\n\n");
    assert_int_equal(heard(s)->bytes, 18);
    assert_false(heard(s)->closed);
}

static void half_a_head_is_not_waited_for(void **state)
{
    open_client(65535);
    bed_send(&bed.clients[0], SPAN_LIT("\x00\x00\x01\x01\x01\x00\x00\x00\x01\x82"));
    bed_settle(&bed);
    bed_check_waiting(&bed);
    assert_true(bed_expire_front(&bed));
    bed_settle(&bed);
    assert_true(bed.clients[0].eof);
    assert_int_equal(bed_metric(&bed, METRIC_EXCHANGES_OPEN), 0);
}

/* From its first byte to its last: what comes between does not put it off. */
static void a_head_in_drops_is_not_waited_for(void **state)
{
    open_client(65535);
    bed_send(&bed.clients[0], SPAN_LIT("\x00\x00\x01\x01\x01\x00\x00\x00\x01\x82"));
    bed_settle(&bed);
    const struct front *f = bed_front(bed.proxy->fronts);
    ev_tstamp until = f->conn.deadline.due;
    for (int i = 0; i < 3; i++) {
        bed_send(&bed.clients[0], SPAN_LIT("\x00\x00\x01\x09\x00\x00\x00\x00\x01\x87"));
        bed_settle(&bed);
        assert_true(f->conn.deadline.due == until);
    }
}

static void a_body_for_the_edge_is_not_waited_for(void **state)
{
    open_client(65535);
    body_goes_on = true;
    int32_t s = ask("edge.z.test");
    round_passes();
    round_passes();
    assert_int_equal(heard(s)->status, 408);
    assert_int_equal(bed.n_calls, 0);
}

static void an_idle_connection_is_told_to_go(void **state)
{
    open_client(65535);
    round_passes();
    assert_int_equal(goaways, 1);
    assert_false(bed.clients[0].eof); /* a request may be on its way */
    round_passes();
    assert_true(bed.clients[0].eof);
    assert_false(nghttp2_session_want_read(client));
}

static void draining_lets_streams_end(void **state)
{
    open_client(65535);
    int32_t s = ask("web.z.test");
    proxy_drain(bed.proxy);
    talk();
    assert_int_equal(proxy_connections(bed.proxy), 1);
    answer(0, OK_HELLO);
    assert_int_equal(heard(s)->bytes, 5);
    assert_true(bed.clients[0].eof);
}

/* What was asked before the client could hear that we go is served. */
static void draining_loses_no_request_on_its_way(void **state)
{
    open_client(65535);
    proxy_drain(bed.proxy);
    bed_settle(&bed);
    int32_t s = ask("web.z.test");
    assert_int_equal(bed.n_backs, 1);
    answer(0, OK_HELLO);
    assert_int_equal(heard(s)->bytes, 5);
    assert_true(bed.clients[0].eof);
    assert_int_equal(goaways, 2);
    assert_int_equal(last_promised, s);
}

static void a_client_that_does_not_say_that_it_has_heard(void **state)
{
    open_client(65535);
    bed.clients[0].hold = true;
    proxy_drain(bed.proxy);
    bed_settle(&bed);
    assert_int_equal(proxy_connections(bed.proxy), 1);
    bed.clients[0].hold = false;
    assert_true(bed_expire_front(&bed));
    bed_settle(&bed);
    assert_true(bed.clients[0].eof);
    talk();
    assert_int_equal(goaways, 2);
}

/* Behind the last stream, from a client that has not understood. */
static void what_comes_too_late_may_be_asked_elsewhere(void **state)
{
    open_client(65535);
    int32_t s = ask("web.z.test");
    proxy_drain(bed.proxy);
    talk();
    assert_int_equal(goaways, 2);
    bed_send(&bed.clients[0], SPAN_LIT("\x00\x00\x0f\x01\x04\x00\x00\x00\x03"
                                       "\x83\x87\x84\x01\x0aweb.z.test"
                                       "\x00\x00\x02\x00\x01\x00\x00\x00\x03hi"));
    bed_settle(&bed);
    assert_int_equal(bed.n_backs, 1);
    static const char refused[] = "\x00\x00\x04\x03\x00\x00\x00\x00\x03\x00\x00\x00\x07";
    struct span got = span_from(buf_span(&bed.clients[0].got), taken);
    assert_memory_equal(got.p, refused, sizeof refused - 1);
    taken += sizeof refused - 1;
    answer(0, OK_HELLO);
    assert_int_equal(heard(s)->bytes, 5);
    assert_true(bed.clients[0].eof);
}

/* --- trailers ------------------------------------------------------------------------------------ */

/* More fields than a request may have. */
static void send_trailers(int32_t stream)
{
    enum { N = 255, FIELD = 4 };
    char f[9 + N * FIELD] = {0, N * FIELD >> 8, (char)(N * FIELD & 0xff), 0x1, 0x5};
    f[8] = (char)stream;
    for (size_t i = 0; i < N; i++)
        memcpy(f + 9 + FIELD * i, "\x00\x01x\x00", FIELD);
    bed_send_all(&bed, &bed.clients[0], span_of(f, sizeof f));
    talk();
}

static void too_many_trailers_are_refused(void **state)
{
    open_client(65535);
    body_goes_on = true;
    int32_t s = ask("web.z.test");
    send_trailers(s);
    assert_int_equal(heard(s)->status, 431);
    assert_true(heard(s)->closed);
    assert_true(bed.backs[0].eof);
    assert_false(span_starts(span_from(buf_span(&bed.backs[0].got), buf_len(&bed.backs[0].got) - 5),
                             SPAN_LIT("0\r\n\r\n")));
}

static void too_many_trailers_behind_an_answer(void **state)
{
    open_client(65535);
    body_goes_on = true;
    int32_t s = ask("web.z.test");
    answer(0, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello");
    send_trailers(s);
    assert_int_equal(heard(s)->status, 200);
    assert_true(heard(s)->closed);
    assert_int_equal(heard(s)->code, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_true(bed.backs[0].eof);
}

/* A reload between the pieces of a head, and one more: the route of the exchange lives as long as it. */
static void a_head_in_pieces_outlives_reloads(void **state)
{
    open_client(65535);
    bed_send(&bed.clients[0], SPAN_LIT("\x00\x00\x03\x01\x01\x00\x00\x00\x01\x82\x87\x84"));
    bed_settle(&bed);
    bed_reload(&bed);
    bed_send(&bed.clients[0], SPAN_LIT("\x00\x00\x0c\x09\x04\x00\x00\x00\x01\x01\x0aweb.z.test"));
    bed_settle(&bed);
    bed_reload(&bed);
    assert_int_equal(bed.n_backs, 1);
    bed_answer(&bed, 0,
               "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/base/x\r\n"
               "content-length: 0\r\n\r\n");
    assert_int_equal(bed_metric(&bed, METRIC_STATUS_3XX), 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_response_with_all_that_it_can_have),
        TEST(streams_do_not_wait_for_each_other),
        TEST(a_response_and_a_request_in_one_turn),
        TEST(an_early_answer_stops_the_request),
        TEST(a_frame_that_waits_outlives_the_backend),
        TEST(a_client_that_reads_slowly_is_not),
        TEST(a_client_that_reads_nothing_is_let_go),
        TEST(a_session_that_is_over_waits_for_a_client_that_reads_nothing),
        TEST(a_window_that_stays_shut_ends_its_stream),
        TEST(a_backend_may_be_silent_for_as_long_as_it_likes),
        TEST(half_a_head_is_not_waited_for),
        TEST(a_body_for_the_edge_is_not_waited_for),
        TEST(an_idle_connection_is_told_to_go),
        TEST(draining_lets_streams_end),
        TEST(a_head_in_drops_is_not_waited_for),
        TEST(draining_loses_no_request_on_its_way),
        TEST(a_client_that_does_not_say_that_it_has_heard),
        TEST(what_comes_too_late_may_be_asked_elsewhere),
        TEST(too_many_trailers_are_refused),
        TEST(too_many_trailers_behind_an_answer),
        TEST(a_head_in_pieces_outlives_reloads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
