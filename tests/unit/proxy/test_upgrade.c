/* WebSockets between an HTTP/1.1 client and an HTTP/1.1 backend: who opens one, and who does not; raw bytes
 * both ways; each side ends by itself. */
#include "support/test.h"
#include "unit/proxy/exchange_bed.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define ASKS "GET /ws HTTP/1.1\r\nhost: web.z.test\r\n"
#define UPGRADE "connection: Upgrade\r\nupgrade: websocket\r\n"
#define ASK                                                                                        \
    ASKS UPGRADE "sec-websocket-version: 13\r\nsec-websocket-protocol: chat\r\n"                   \
                 "sec-websocket-key: " KEY "\r\n\r\n"
#define SWITCHES "HTTP/1.1 101 Switching Protocols\r\n" UPGRADE
#define TAKE SWITCHES "sec-websocket-accept: " ACCEPT "\r\nsec-websocket-protocol: chat\r\n\r\n"
#define GET "GET / HTTP/1.1\r\nhost: web.z.test\r\n\r\n"
#define OK_HELLO "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"

static struct exchange_bed bed;

static int set_up(void **state)
{
    bed_init(&bed);
    bed_start(&bed);
    bed_client_open(&bed, 0, LISTEN_HTTPS, false);
    return 0;
}

static int tear_down(void **state)
{
    bed_settle(&bed);
    bed_check_waiting(&bed);
    uint64_t open = bed_metric(&bed, METRIC_WEBSOCKETS_OPEN);
    uint64_t had = bed_metric(&bed, METRIC_WEBSOCKETS);
    assert_true(open <= had);
    bed_stop(&bed);
    bed_deinit(&bed);
    assert_int_equal(bed_metric(&bed, METRIC_WEBSOCKETS_OPEN), 0);
    return 0;
}

static struct bed_end *client(void)
{
    return &bed.clients[0];
}

static struct bed_end *back(void)
{
    assert_true(bed.n_backs > 0);
    return &bed.backs[0];
}

static struct exchange *exchange(void)
{
    return bed.fronts[0]->h1.x;
}

static void open_websocket(void)
{
    bed_say(&bed, ASK);
    bed_answer(&bed, 0, TAKE);
    assert_int_equal(bed_metric(&bed, METRIC_WEBSOCKETS_OPEN), 1);
}

/* --- who opens one ------------------------------------------------------------------------------- */

static void both_sides_see_the_handshake(void **state)
{
    open_websocket();
    assert_int_equal(bed_count(back(), "GET /base/ws HTTP/1.1\r\n"), 1);
    assert_int_equal(bed_count(back(), "\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"), 1);
    assert_int_equal(bed_count(back(), "\r\nsec-websocket-key: " KEY "\r\n"), 1);
    assert_int_equal(bed_count(back(), "\r\nsec-websocket-protocol: chat\r\n"), 1);
    assert_int_equal(bed_count(back(), "\r\nx-forwarded-for: 192.0.2.7\r\n"), 1);
    assert_int_equal(bed_count(client(), SWITCHES), 0);
    assert_int_equal(bed_count(client(), "HTTP/1.1 101 Switching Protocols\r\n"), 1);
    assert_int_equal(bed_count(client(), "\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"),
                     1);
    assert_int_equal(bed_count(client(), "\r\nsec-websocket-accept: " ACCEPT "\r\n"), 1);
    assert_int_equal(bed_count(client(), "\r\nsec-websocket-protocol: chat\r\n"), 1);
    assert_int_equal(bed_count(client(), "\r\nvia: 1.1 linkup\r\n"), 1);
}

static void bytes_go_both_ways_untouched(void **state)
{
    open_websocket();
    bed_say(&bed, "\x81\x85 no HTTP \r\n\r\nGET / HTTP/1.1\r\n\r\n");
    assert_int_equal(bed_count(back(), "\r\n\r\n\x81\x85 no HTTP \r\n\r\nGET / HTTP/1.1\r\n\r\n"),
                     1);
    bed_answer(&bed, 0, "HTTP/1.1 200 OK\r\n\r\n0\r\n\r\n");
    assert_int_equal(bed_count(client(), "\r\n\r\nHTTP/1.1 200 OK\r\n\r\n0\r\n\r\n"), 1);
    assert_int_equal(bed.n_backs, 1);
}

/* Whatever came in the same piece as a head belongs to the WebSocket. */
static void bytes_right_behind_the_heads_pass(void **state)
{
    bed_say(&bed, ASK "early");
    assert_int_equal(bed_count(back(), "early"), 0);
    bed_answer(&bed, 0, TAKE "first");
    assert_int_equal(bed_count(back(), "\r\n\r\nearly"), 1);
    assert_int_equal(bed_count(client(), "\r\n\r\nfirst"), 1);
}

/* Neither a fake version nor a status nor half of a handshake makes a tunnel of the connection. */
static void only_a_true_101_opens_one(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        SWITCHES "\r\n",
        SWITCHES "sec-websocket-accept: " KEY "\r\n\r\n",
        SWITCHES "sec-websocket-accept: " ACCEPT "\r\nsec-websocket-accept: " ACCEPT "\r\n\r\n",
        "HTTP/1.1 101 X\r\nupgrade: websocket\r\nsec-websocket-accept: " ACCEPT "\r\n\r\n",
        "HTTP/1.1 101 X\r\nconnection: upgrade\r\nsec-websocket-accept: " ACCEPT "\r\n\r\n",
        "HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: h2c\r\nsec-websocket-accept: " ACCEPT
        "\r\n\r\n",
        "HTTP/1.0 101 X\r\n" UPGRADE "sec-websocket-accept: " ACCEPT "\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        bed_say(&bed, ASK);
        bed_answer(&bed, i, answers[i]);
        if (bed_count(client(), "HTTP/1.1 502 ") != i + 1 || !bed.backs[i].eof)
            fail_msg("%s", answers[i]);
    }
    assert_false(client()->eof);
    assert_int_equal(bed_metric(&bed, METRIC_WEBSOCKETS), 0);
}

static void a_101_that_nobody_asked_for_is_refused(void **state)
{
    bed_say(&bed, GET);
    bed_answer(&bed, 0, TAKE);
    assert_int_equal(bed_count(client(), "HTTP/1.1 502 "), 1);
    assert_true(back()->eof);
}

static void a_refusal_is_an_ordinary_response(void **state)
{
    static const char *const refusals[] = {
        "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno",
        "HTTP/1.1 426 Upgrade Required\r\nsec-websocket-version: 13\r\ncontent-length: 2\r\n\r\nno",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        bed_say(&bed, ASK);
        bed_answer(&bed, 0, refusals[i]);
    }
    assert_int_equal(bed_count(client(), "HTTP/1.1 403 "), 1);
    assert_int_equal(bed_count(client(), "HTTP/1.1 426 "), 1);
    assert_int_equal(bed_count(client(), "\r\nsec-websocket-version: 13\r\n"), 1);
    assert_int_equal(bed_count(client(), "HTTP/1.1 200 "), 1);
    bed_say(&bed, GET);
    bed_answer(&bed, 0, OK_HELLO);
    assert_int_equal(bed_count(client(), "\r\n\r\nhello"), 1);
    assert_int_equal(bed.n_backs, 1); /* both connections went on as HTTP */
}

/* They were meant for a WebSocket, or somebody would have them taken for a request. */
static void bytes_behind_a_refused_request_are_no_request(void **state)
{
    bed_say(&bed, ASK GET);
    bed_answer(&bed, 0, "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno");
    assert_int_equal(bed_count(client(), "HTTP/1.1 403 "), 1);
    assert_int_equal(bed_count(client(), "\r\nconnection: close\r\n"), 1);
    assert_true(client()->eof);
    assert_int_equal(bed_count(back(), " HTTP/1.1\r\n"), 1);
    bed_end_close(client());
}

static void a_request_without_a_true_key_is_refused(void **state)
{
    static const char *const keys[] = {
        "",
        "sec-websocket-key: \r\n",
        "sec-websocket-key: AAAA\r\n",
        "sec-websocket-key: " KEY "\r\nsec-websocket-key: " KEY "\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        char *text = mem_printf(ASKS UPGRADE "%s\r\n", keys[i]);
        bed_stop(&bed);
        bed_start(&bed);
        bed_client_open(&bed, 0, LISTEN_HTTPS, false);
        bed_say(&bed, text);
        assert_int_equal(bed_count(client(), "HTTP/1.1 400 "), 1);
        assert_true(client()->eof);
        assert_int_equal(bed.n_backs, 0);
        bed_end_close(client());
        bed_settle(&bed);
        mem_free(text);
    }
}

/* RFC 9110 7.8: may be ignored, and is. */
static void other_upgrades_are_dropped(void **state)
{
    static const char *const asked[] = {
        ASKS "connection: upgrade, http2-settings\r\nupgrade: h2c\r\n"
             "http2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
        ASKS "connection: upgrade\r\nupgrade: tls/1.2, foo\r\n\r\n",
        ASKS "upgrade: websocket\r\nsec-websocket-key: " KEY "\r\n\r\n",
        "POST /ws HTTP/1.1\r\nhost: web.z.test\r\ncontent-length: 0\r\n" UPGRADE
        "sec-websocket-key: " KEY "\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        bed_say(&bed, asked[i]);
        bed_answer(&bed, 0, OK_HELLO);
    }
    assert_int_equal(bed_count(client(), "\r\n\r\nhello"), ARRAY_LEN(asked));
    assert_int_equal(bed_count(back(), "\r\nupgrade:"), 0);
    assert_int_equal(bed_count(back(), "\r\nconnection:"), 0);
    assert_int_equal(bed_count(back(), "http2-settings"), 0);
}

static void of_several_protocols_only_websocket_is_asked_for(void **state)
{
    bed_say(&bed, ASKS "connection: upgrade\r\nupgrade: h2c, WebSocket\r\n"
                       "sec-websocket-key: " KEY "\r\n\r\n");
    assert_int_equal(bed_count(back(), "\r\nupgrade: websocket\r\nconnection: upgrade\r\n"), 1);
    bed_answer(&bed, 0, TAKE);
    assert_int_equal(bed_count(client(), "HTTP/1.1 101 "), 1);
}

static void a_backend_that_is_not_there_is_an_error_page(void **state)
{
    bed_say(&bed,
            "GET / HTTP/1.1\r\nhost: dead.z.test\r\n" UPGRADE "sec-websocket-key: " KEY "\r\n\r\n");
    assert_int_equal(bed_count(client(), "HTTP/1.1 502 "), 1);
    assert_false(client()->eof);
    bed_say(&bed, GET);
    bed_answer(&bed, 0, OK_HELLO);
    assert_int_equal(bed_count(client(), "\r\n\r\nhello"), 1);
}

static void the_edge_itself_offers_none(void **state)
{
    bed.answer_at_once = true;
    bed_say(&bed,
            "GET / HTTP/1.1\r\nhost: edge.z.test\r\n" UPGRADE "sec-websocket-key: " KEY "\r\n\r\n");
    assert_int_equal(bed_count(client(), "HTTP/1.1 200 "), 1);
    assert_int_equal(bed_count(client(), "at once"), 1);
    assert_false(client()->eof);
}

/* --- who ends one -------------------------------------------------------------------------------- */

static void the_clients_end_leaves_the_backend_speaking(void **state)
{
    open_websocket();
    bed_send_all(&bed, client(), SPAN_LIT("last words"));
    bed_end_shut(client());
    bed_settle(&bed);
    assert_int_equal(bed_count(back(), "\r\n\r\nlast words"), 1);
    assert_true(back()->eof);
    assert_false(client()->eof);
    bed_answer(&bed, 0, "and an answer");
    assert_int_equal(bed_count(client(), "\r\n\r\nand an answer"), 1);
    bed_end_close(back());
    bed_settle(&bed);
    assert_true(client()->eof);
    assert_int_equal(bed_metric(&bed, METRIC_WEBSOCKETS_OPEN), 0);
    assert_int_equal(bed_metric(&bed, METRIC_CONNS_OPEN), 0);
}

static void the_backends_end_leaves_the_client_speaking(void **state)
{
    open_websocket();
    bed_answer(&bed, 0, "last words");
    bed_end_shut(back());
    bed_settle(&bed);
    assert_int_equal(bed_count(client(), "\r\n\r\nlast words"), 1);
    assert_true(client()->eof);
    assert_false(back()->eof);
    bed_say(&bed, "and an answer");
    assert_int_equal(bed_count(back(), "\r\n\r\nand an answer"), 1);
    bed_end_shut(client());
    bed_settle(&bed);
    assert_true(back()->eof);
    assert_int_equal(bed_metric(&bed, METRIC_WEBSOCKETS_OPEN), 0);
    assert_int_equal(bed_metric(&bed, METRIC_CONNS_OPEN), 0);
}

static void a_reset_backend_cuts_the_client_off(void **state)
{
    open_websocket();
    bed_end_reset(back());
    bed_settle(&bed);
    assert_true(client()->eof);
    assert_int_equal(bed_metric(&bed, METRIC_CONNS_OPEN), 0);
}

static void a_client_that_has_gone_cuts_the_backend_off(void **state)
{
    open_websocket();
    bed_end_close(client());
    bed_settle(&bed);
    assert_true(back()->eof);
    bed_answer(&bed, 0, "is anybody there");
    bed_settle(&bed);
    assert_int_equal(bed_metric(&bed, METRIC_WEBSOCKETS_OPEN), 0);
}

static void a_client_that_goes_before_the_answer_calls_it_off(void **state)
{
    bed_say(&bed, ASK);
    bed_end_close(client());
    bed_settle(&bed);
    assert_true(back()->eof);
    assert_int_equal(bed_metric(&bed, METRIC_EXCHANGES_OPEN), 0);
}

static void silence_ends_it_in_the_end(void **state)
{
    open_websocket();
    assert_false(bed_expire_front(&bed)); /* no deadline of HTTP's */
    assert_false(bed_expire_back(&bed));
    bed_expire_upgraded(&bed, exchange());
    bed_settle(&bed);
    assert_true(client()->eof);
    assert_true(back()->eof);
}

static void a_look_at_a_lively_one_changes_nothing(void **state)
{
    open_websocket();
    struct exchange *x = exchange();
    x->quiet.since_ms = 0;
    bed_say(&bed, "a message");
    deadline_off(bed.loop, &x->quiet.round);
    x->quiet.round.on_due(bed.loop, &x->quiet.round);
    bed_settle(&bed);
    assert_false(client()->eof);
    assert_true(x->quiet.since_ms > 0);
}

/* --- those who do not read ----------------------------------------------------------------------- */

static void who_does_not_read_is_waited_for(void **state)
{
    static char much[1 << 20];
    size_t sent = 0, more;
    open_websocket();
    memset(much, 'x', sizeof much);
    client()->hold = true;
    do {
        more = bed_send(back(), span_of(much, sizeof much));
        bed_turns(&bed, 8);
        sent += more;
    } while (more > 0);
    bed_settle(&bed);
    bed_check_waiting(&bed);
    assert_false(bed_expire_front(&bed)); /* as long as it likes */
    bed_say(&bed, "what the client says passes all the same");
    assert_int_equal(bed_count(back(), "passes all the same"), 1);
    size_t before = buf_len(&client()->got);
    client()->hold = false;
    bed_settle(&bed);
    assert_int_equal(buf_len(&client()->got) - before, sent);
}

static void the_end_waits_for_what_was_said_before(void **state)
{
    static char much[64 * 1024];
    open_websocket();
    memset(much, 'x', sizeof much);
    client()->hold = true;
    bed_send_all(&bed, back(), span_of(much, sizeof much));
    bed_end_shut(back());
    bed_settle(&bed);
    bed_check_waiting(&bed);
    size_t before = buf_len(&client()->got);
    client()->hold = false;
    bed_settle(&bed);
    assert_int_equal(buf_len(&client()->got) - before, sizeof much);
    assert_true(client()->eof);
}

static void a_backend_that_broke_leaves_its_last_words_for_a_while(void **state)
{
    static char much[64 * 1024];
    open_websocket();
    client()->hold = true;
    do
        bed_turns(&bed, 8);
    while (bed_send(back(), span_of(much, sizeof much)) > 0);
    bed_end_reset(back());
    bed_settle(&bed);
    bed_say(&bed, "is anybody there");
    struct exchange *x = exchange();
    assert_true(x->side_ended);
    size_t before = buf_len(&client()->got);
    client()->hold = false;
    bed_settle(&bed);
    assert_true(buf_len(&client()->got) > before);
    assert_true(client()->eof);
}

/* Nobody reads its end behind what the backend does not take; it is looked for. */
static void one_that_goes_unread_is_not_waited_for_long(void **state)
{
    static char much[64 * 1024];
    open_websocket();
    back()->hold = true;
    do
        bed_turns(&bed, 8);
    while (bed_send(client(), span_of(much, sizeof much)) > 0);
    bed_settle(&bed);
    struct exchange *x = exchange();
    assert_true(bed_expire_front(&bed)); /* a look: it is still there */
    assert_false(x->side_ended);
    bed_end_close(client());
    bed_settle(&bed);
    assert_true(bed_expire_front(&bed));
    assert_true(x->side_ended);
    x->quiet.had_moved = x->request_bytes + x->response_bytes;
    x->quiet.since_ms = loop_now_ms(bed.loop) - bed.proxy->config->limits.idle_timeout_ms;
    deadline_off(bed.loop, &x->quiet.round);
    x->quiet.round.on_due(bed.loop, &x->quiet.round);
    back()->hold = false;
    bed_settle(&bed);
    assert_true(back()->eof);
}

/* --- the edge changes ---------------------------------------------------------------------------- */

static void it_stays_open_through_a_reload_and_a_drain(void **state)
{
    open_websocket();
    bed_reload(&bed);
    bed_say(&bed, "after the reload");
    proxy_drain(bed.proxy);
    bed_settle(&bed);
    bed_say(&bed, ", in the drain");
    assert_int_equal(bed_count(back(), "after the reload, in the drain"), 1);
    bed_answer(&bed, 0, "as ever");
    assert_int_equal(bed_count(client(), "as ever"), 1);
    assert_false(client()->eof);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_sides_see_the_handshake),
        TEST(bytes_go_both_ways_untouched),
        TEST(bytes_right_behind_the_heads_pass),
        TEST(only_a_true_101_opens_one),
        TEST(a_101_that_nobody_asked_for_is_refused),
        TEST(a_refusal_is_an_ordinary_response),
        TEST(bytes_behind_a_refused_request_are_no_request),
        TEST(a_request_without_a_true_key_is_refused),
        TEST(other_upgrades_are_dropped),
        TEST(of_several_protocols_only_websocket_is_asked_for),
        TEST(a_backend_that_is_not_there_is_an_error_page),
        TEST(the_edge_itself_offers_none),
        TEST(the_clients_end_leaves_the_backend_speaking),
        TEST(the_backends_end_leaves_the_client_speaking),
        TEST(a_reset_backend_cuts_the_client_off),
        TEST(a_client_that_has_gone_cuts_the_backend_off),
        TEST(a_client_that_goes_before_the_answer_calls_it_off),
        TEST(silence_ends_it_in_the_end),
        TEST(a_look_at_a_lively_one_changes_nothing),
        TEST(who_does_not_read_is_waited_for),
        TEST(the_end_waits_for_what_was_said_before),
        TEST(one_that_goes_unread_is_not_waited_for_long),
        TEST(a_backend_that_broke_leaves_its_last_words_for_a_while),
        TEST(it_stays_open_through_a_reload_and_a_drain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
