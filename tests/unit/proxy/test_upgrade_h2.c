/* WebSockets of an HTTP/2 client (RFC 8441), which is nghttp2's, to an HTTP/1.1 backend. */
#include "proxy/head/websocket.h"
#include "support/test.h"
#include "unit/proxy/exchange_bed.h"

#define STREAMS 16
#define SAY_MAX ((size_t)1 << 20)

struct heard {
    int status;
    bool ended, closed, accept;
    uint32_t code;
    struct buf got;
    struct buf say; /* not yet sent */
    bool says_end;
};

static struct exchange_bed bed;
static nghttp2_session *client;
static struct heard streams[STREAMS];
static size_t taken; /* of what has been read */
static bool offered; /* by SETTINGS */

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
    uint64_t status = 0;
    struct heard *h = heard(frame->hd.stream_id);
    struct span n = span_of(name, name_len);
    if (span_eq(n, SPAN_LIT("sec-websocket-accept")) || span_eq(n, SPAN_LIT("upgrade")))
        h->accept = true;
    if (!span_eq(n, SPAN_LIT(":status")))
        return 0;
    assert_ok(span_to_u64(span_of(value, value_len), &status));
    h->status = (int)status;
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data,
                   size_t len, void *user)
{
    assert_ok(buf_append(&heard(stream)->got, span_of(data, len)));
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    for (size_t i = 0; frame->hd.type == NGHTTP2_SETTINGS && i < frame->settings.niv; i++)
        if (frame->settings.iv[i].settings_id == NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL)
            offered = frame->settings.iv[i].value == 1;
    if (frame->hd.stream_id > 0 && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        heard(frame->hd.stream_id)->ended = true;
    return 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t code, void *user)
{
    heard(stream)->closed = true;
    heard(stream)->code = code;
    return 0;
}

static ssize_t give(nghttp2_session *session, int32_t stream, uint8_t *out, size_t len,
                    uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct heard *h = heard(stream);
    struct span s = span_sub(buf_span(&h->say), 0, len);
    if (s.len == 0 && !h->says_end)
        return NGHTTP2_ERR_DEFERRED;
    if (s.len > 0)
        memcpy(out, s.p, s.len);
    buf_consume(&h->say, s.len);
    if (h->says_end && buf_len(&h->say) == 0)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)s.len;
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

static int set_up(void **state)
{
    nghttp2_session_callbacks *cb;
    bed_init(&bed);
    bed_start(&bed);
    assert_int_equal(nghttp2_session_callbacks_new(&cb), 0);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
    assert_int_equal(nghttp2_session_client_new(&client, cb, NULL), 0);
    nghttp2_session_callbacks_del(cb);
    nghttp2_submit_settings(client, NGHTTP2_FLAG_NONE, NULL, 0);
    for (size_t i = 0; i < STREAMS; i++) {
        streams[i] = (struct heard){0};
        buf_init(&streams[i].got, SAY_MAX);
        buf_init(&streams[i].say, SAY_MAX);
    }
    taken = 0;
    offered = false;
    bed_client_open(&bed, 0, LISTEN_HTTPS, true);
    talk();
    return 0;
}

static int tear_down(void **state)
{
    bed_settle(&bed);
    bed_check_waiting(&bed);
    nghttp2_session_del(client);
    bed_stop(&bed);
    bed_deinit(&bed);
    assert_int_equal(bed_metric(&bed, METRIC_WEBSOCKETS_OPEN), 0);
    for (size_t i = 0; i < STREAMS; i++) {
        buf_deinit(&streams[i].got);
        buf_deinit(&streams[i].say);
    }
    return 0;
}

#define NV(n, v)                                                                                   \
    {                                                                                              \
        (uint8_t *)(uintptr_t)(n), (uint8_t *)(uintptr_t)(v), strlen(n), strlen(v), 0              \
    }

static int32_t ask(const char *host, const char *protocol)
{
    const nghttp2_nv head[] = {
        NV(":method", "CONNECT"),
        NV(":protocol", protocol),
        NV(":scheme", "https"),
        NV(":path", "/ws"),
        NV(":authority", host),
        NV("sec-websocket-version", "13"),
        NV("sec-websocket-key", "mine"),
        NV("sec-websocket-protocol", "chat"),
        NV("origin", "https://web.z.test"),
    };
    nghttp2_data_provider body = {.read_callback = give};
    int32_t stream = nghttp2_submit_request(client, NULL, head, ARRAY_LEN(head), &body, NULL);
    talk();
    return stream;
}

static void say(int32_t stream, struct span s, bool end)
{
    struct heard *h = heard(stream);
    assert_ok(buf_append(&h->say, s));
    h->says_end = end;
    (void)nghttp2_session_resume_data(client, stream);
    talk();
}

static void answer(size_t back, const char *text)
{
    bed_answer(&bed, back, text);
    talk();
}

/* The value of the field NAME in what the backend's connection has read. */
static struct span field(size_t back, const char *name)
{
    char *line = mem_printf("\r\n%s: ", name);
    struct span rest = buf_span(&bed.backs[back].got);
    while (rest.len > 0 && !span_starts(rest, span_str(line)))
        rest = span_from(rest, 1);
    rest = span_from(rest, strlen(line));
    mem_free(line);
    ptrdiff_t end = span_chr(rest, '\r');
    assert_true(end >= 0);
    return span_sub(rest, 0, (size_t)end);
}

static void take_up(size_t back)
{
    char accept[WEBSOCKET_ACCEPT_LEN];
    websocket_accept(field(back, "sec-websocket-key"), accept);
    char *text = mem_printf("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: "
                            "websocket\r\nsec-websocket-accept: %.*s\r\n\r\n",
                            WEBSOCKET_ACCEPT_LEN, accept);
    answer(back, text);
    mem_free(text);
}

static int32_t open_websocket(void)
{
    size_t back = bed.n_backs;
    int32_t stream = ask("web.z.test", "websocket");
    take_up(back);
    assert_int_equal(heard(stream)->status, 200);
    return stream;
}

/* --- who opens one ------------------------------------------------------------------------------- */

static void the_backend_sees_http1s_handshake(void **state)
{
    assert_true(offered);
    int32_t s = open_websocket();
    assert_int_equal(bed_count(&bed.backs[0], "GET /base/ws HTTP/1.1\r\n"), 1);
    assert_int_equal(
        bed_count(&bed.backs[0], "\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"), 1);
    assert_int_equal(bed_count(&bed.backs[0], "\r\nsec-websocket-key: "), 1);
    assert_true(websocket_key_valid(field(0, "sec-websocket-key")));
    assert_span(field(0, "sec-websocket-version"), "13");
    assert_span(field(0, "sec-websocket-protocol"), "chat");
    assert_span(field(0, "via"), "2.0 linkup");
    assert_false(heard(s)->accept);
    assert_false(heard(s)->ended);
    assert_int_equal(bed_metric(&bed, METRIC_WEBSOCKETS_OPEN), 1);
}

static void bytes_go_both_ways_untouched(void **state)
{
    int32_t s = open_websocket();
    say(s, SPAN_LIT("0\r\n\r\nGET / HTTP/1.1\r\n\r\n"), false);
    assert_int_equal(bed_count(&bed.backs[0], "\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n"), 1);
    answer(0, "HTTP/1.1 200 OK\r\n\r\n");
    assert_span(buf_span(&heard(s)->got), "HTTP/1.1 200 OK\r\n\r\n");
}

static void what_is_said_before_the_answer_waits_for_it(void **state)
{
    int32_t s = ask("web.z.test", "websocket");
    say(s, SPAN_LIT("early"), false);
    assert_int_equal(bed_count(&bed.backs[0], "early"), 0);
    take_up(0);
    assert_int_equal(bed_count(&bed.backs[0], "\r\n\r\nearly"), 1);
}

static void what_is_said_before_a_refusal_goes_nowhere(void **state)
{
    int32_t s = ask("web.z.test", "websocket");
    say(s, SPAN_LIT("GET /admin HTTP/1.1\r\nhost: x\r\n\r\n"), false);
    answer(0, "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno");
    assert_int_equal(heard(s)->status, 403);
    assert_span(buf_span(&heard(s)->got), "no");
    assert_true(heard(s)->closed);
    assert_int_equal(bed_count(&bed.backs[0], "admin"), 0);
    /* The backend's connection serves the next. */
    s = ask("web.z.test", "websocket");
    assert_int_equal(bed.n_backs, 1);
    assert_int_equal(bed_count(&bed.backs[0], "GET /base/ws HTTP/1.1\r\n"), 2);
}

/* RFC 8441 5: a 2xx would open it. */
static void a_2xx_that_opens_none_is_not_passed_on(void **state)
{
    int32_t s = ask("web.z.test", "websocket");
    answer(0, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    assert_int_equal(heard(s)->status, 502);
    assert_true(heard(s)->ended);
    assert_int_equal(bed_count(&bed.clients[0], "hello"), 0);
    s = ask("edge.z.test", "websocket");
    assert_int_equal(bed.n_calls, 1);
    bed_call_data(&bed, 0, SPAN_LIT("hello"));
    talk();
    assert_int_equal(heard(s)->status, 502);
    assert_int_equal(bed_metric(&bed, METRIC_WEBSOCKETS), 0);
}

static void a_false_101_opens_none(void **state)
{
    int32_t s = ask("web.z.test", "websocket");
    answer(0, "HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
              "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    assert_int_equal(heard(s)->status, 502);
    assert_true(bed.backs[0].eof);
}

static void other_protocols_are_refused(void **state)
{
    int32_t s = ask("web.z.test", "connect-udp");
    assert_int_equal(heard(s)->status, 501);
    s = ask("web.z.test", "h2c");
    assert_int_equal(heard(s)->status, 501);
    assert_int_equal(bed.n_backs, 0);
}

static void errors_are_ordinary_responses(void **state)
{
    int32_t s = ask("dead.z.test", "websocket");
    assert_int_equal(heard(s)->status, 502);
    assert_true(heard(s)->ended);
    s = ask("nowhere.z.test", "websocket");
    assert_int_equal(heard(s)->status, 404);
}

/* --- who ends one -------------------------------------------------------------------------------- */

static void the_clients_end_leaves_the_backend_speaking(void **state)
{
    int32_t s = open_websocket();
    say(s, SPAN_LIT("last words"), true);
    assert_int_equal(bed_count(&bed.backs[0], "\r\n\r\nlast words"), 1);
    assert_true(bed.backs[0].eof);
    assert_false(heard(s)->ended);
    answer(0, "and an answer");
    bed_end_close(&bed.backs[0]);
    talk();
    assert_span(buf_span(&heard(s)->got), "and an answer");
    assert_true(heard(s)->closed);
    assert_int_equal(heard(s)->code, NGHTTP2_NO_ERROR);
}

static void the_backends_end_leaves_the_client_speaking(void **state)
{
    int32_t s = open_websocket();
    bed_end_shut(&bed.backs[0]);
    talk();
    assert_true(heard(s)->ended);
    assert_false(heard(s)->closed);
    say(s, SPAN_LIT("an answer"), false);
    assert_int_equal(bed_count(&bed.backs[0], "\r\n\r\nan answer"), 1);
    say(s, SPAN_LIT(", the last"), true);
    assert_int_equal(bed_count(&bed.backs[0], "\r\n\r\nan answer, the last"), 1);
    assert_true(bed.backs[0].eof);
    assert_true(heard(s)->closed);
    assert_int_equal(heard(s)->code, NGHTTP2_NO_ERROR);
    assert_int_equal(bed_metric(&bed, METRIC_EXCHANGES_OPEN), 0);
}

/* Even when the stream has closed before it was taken. */
static void a_slow_backend_gets_all_that_was_said(void **state)
{
    static char much[100 * 1000]; /* what the window lets through */
    int32_t s = open_websocket();
    memset(much, 'x', sizeof much);
    bed_end_shut(&bed.backs[0]);
    talk();
    size_t before = buf_len(&bed.backs[0].got), all = 0;
    bed.backs[0].hold = true;
    for (unsigned i = 0; i < 5; i++) {
        say(s, span_of(much, sizeof much), i == 4);
        all += sizeof much;
    }
    bed_check_waiting(&bed);
    bed.backs[0].hold = false;
    talk();
    assert_true(heard(s)->closed);
    assert_int_equal(buf_len(&bed.backs[0].got) - before, all);
    assert_true(bed.backs[0].eof);
    assert_int_equal(bed_metric(&bed, METRIC_EXCHANGES_OPEN), 0);
}

static void a_reset_stream_cuts_the_backend_off(void **state)
{
    int32_t s = open_websocket(), other = open_websocket();
    nghttp2_submit_rst_stream(client, NGHTTP2_FLAG_NONE, s, NGHTTP2_CANCEL);
    talk();
    assert_true(bed.backs[0].eof);
    assert_false(bed.backs[1].eof);
    say(other, SPAN_LIT("still here"), false);
    assert_int_equal(bed_count(&bed.backs[1], "still here"), 1);
}

static void a_reset_backend_resets_the_stream(void **state)
{
    int32_t s = open_websocket();
    bed_end_reset(&bed.backs[0]);
    talk();
    assert_true(heard(s)->closed);
    assert_int_equal(heard(s)->code, NGHTTP2_CANCEL); /* RFC 8441 5 */
    s = open_websocket();
    assert_int_equal(heard(s)->status, 200);
}

static void a_client_that_has_gone_cuts_all_off(void **state)
{
    open_websocket();
    open_websocket();
    bed_end_close(&bed.clients[0]);
    bed_settle(&bed);
    assert_true(bed.backs[0].eof && bed.backs[1].eof);
    assert_int_equal(bed_metric(&bed, METRIC_CONNS_OPEN), 0);
}

static void silence_ends_one_and_not_the_connection(void **state)
{
    int32_t s = open_websocket(), other = open_websocket();
    assert_true(bed_expire_front(&bed)); /* rounds, in which a silent stream is not stalled */
    assert_true(bed_expire_front(&bed));
    assert_true(bed_expire_front(&bed));
    talk();
    assert_false(heard(s)->closed);
    struct exchange *x = bed.fronts[0]->h2.exchanges;
    while (x->h2.stream != s)
        x = x->h2.next;
    bed_expire_upgraded(&bed, x);
    talk();
    assert_true(heard(s)->closed);
    assert_true(bed.backs[0].eof);
    say(other, SPAN_LIT("still here"), false);
    assert_int_equal(bed_count(&bed.backs[1], "still here"), 1);
}

/* --- those who do not read ----------------------------------------------------------------------- */

static void one_that_does_not_read_is_waited_for(void **state)
{
    static char much[1 << 20];
    size_t more, sent = 0;
    int32_t s = open_websocket();
    memset(much, 'x', sizeof much);
    bed.clients[0].hold = true;
    do {
        more = bed_send(&bed.backs[0], span_of(much, sizeof much - sent));
        bed_turns(&bed, 8);
        sent += more;
    } while (more > 0 && sent < sizeof much);
    bed_settle(&bed);
    for (unsigned rounds = 0; rounds < 4; rounds++)
        assert_true(bed_expire_front(&bed));
    bed_settle(&bed);
    bed.clients[0].hold = false;
    talk();
    assert_int_equal(buf_len(&heard(s)->got), sent);
}

static void it_stays_open_through_a_reload_and_a_drain(void **state)
{
    int32_t s = open_websocket();
    bed_reload(&bed);
    proxy_drain(bed.proxy);
    talk();
    say(s, SPAN_LIT("in the drain"), false);
    assert_int_equal(bed_count(&bed.backs[0], "in the drain"), 1);
    answer(0, "as ever");
    assert_span(buf_span(&heard(s)->got), "as ever");
    assert_false(heard(s)->closed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_backend_sees_http1s_handshake),
        TEST(bytes_go_both_ways_untouched),
        TEST(what_is_said_before_the_answer_waits_for_it),
        TEST(what_is_said_before_a_refusal_goes_nowhere),
        TEST(a_2xx_that_opens_none_is_not_passed_on),
        TEST(a_false_101_opens_none),
        TEST(other_protocols_are_refused),
        TEST(errors_are_ordinary_responses),
        TEST(the_clients_end_leaves_the_backend_speaking),
        TEST(the_backends_end_leaves_the_client_speaking),
        TEST(a_slow_backend_gets_all_that_was_said),
        TEST(a_reset_stream_cuts_the_backend_off),
        TEST(a_reset_backend_resets_the_stream),
        TEST(a_client_that_has_gone_cuts_all_off),
        TEST(silence_ends_one_and_not_the_connection),
        TEST(one_that_does_not_read_is_waited_for),
        TEST(it_stays_open_through_a_reload_and_a_drain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
