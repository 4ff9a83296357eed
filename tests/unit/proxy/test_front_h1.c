/* HTTP/1.1 towards the client: framing, pipelining, refusals, draining; nobody waits for ever. */
#include "support/test.h"
#include "unit/proxy/exchange_bed.h"

#define GET "GET / HTTP/1.1\r\nhost: web.z.test\r\n\r\n"
#define OK_HELLO "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"

static struct exchange_bed bed;

static int set_up(void **state)
{
    bed_init(&bed);
    bed_start(&bed);
    return 0;
}

static int tear_down(void **state)
{
    bed_settle(&bed);
    bed_check_waiting(&bed);
    bed_stop(&bed);
    bed_deinit(&bed);
    return 0;
}

static void open_h1(enum listen_kind kind)
{
    bed_client_open(&bed, 0, kind, false);
}

static bool heard(const char *text)
{
    return bed_count(&bed.clients[0], text) > 0;
}

static void requests_share_a_connection(void **state)
{
    open_h1(LISTEN_HTTPS);
    bed_say(&bed, GET);
    assert_int_equal(bed_count(&bed.backs[0], "GET /base/ HTTP/1.1\r\n"), 1);
    bed_answer(&bed, 0, OK_HELLO);
    bed_say(&bed, GET);
    bed_answer(&bed, 0, OK_HELLO);
    assert_int_equal(bed_count(&bed.clients[0], "\r\n\r\nhello"), 2);
    assert_int_equal(bed.n_backs, 1);
    assert_false(bed.clients[0].eof);
}

static void bodies_of_unknown_length_are_chunked(void **state)
{
    open_h1(LISTEN_HTTPS);
    bed_say(&bed, GET);
    bed_answer(&bed, 0, "HTTP/1.1 200 OK\r\n\r\nab");
    bed_answer(&bed, 0, "cde");
    assert_true(heard("transfer-encoding: chunked\r\n"));
    bed_end_close(&bed.backs[0]);
    bed_settle(&bed);
    assert_true(heard("\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"));
    assert_false(bed.clients[0].eof);
}

static void http10_gets_no_chunks(void **state)
{
    open_h1(LISTEN_HTTPS);
    bed_say(&bed, "GET / HTTP/1.0\r\nhost: web.z.test\r\nconnection: keep-alive\r\n\r\n");
    bed_answer(&bed, 0,
               "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
               "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    assert_false(heard("transfer-encoding"));
    assert_false(heard("103"));
    assert_true(heard("connection: close\r\n"));
    assert_true(heard("\r\n\r\nhello"));
    assert_true(bed.clients[0].eof);
}

static void what_has_no_body_ends_with_its_head(void **state)
{
    open_h1(LISTEN_HTTPS);
    bed_say(&bed, "HEAD / HTTP/1.1\r\nhost: web.z.test\r\n\r\n");
    bed_answer(&bed, 0, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
    assert_true(heard("content-length: 5\r\n"));
    bed_say(&bed, GET);
    bed_answer(&bed, 0, "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n");
    bed_say(&bed, GET);
    bed_answer(&bed, 0, "HTTP/1.1 204 No Content\r\n\r\n");
    bed_say(&bed, GET);
    bed_answer(&bed, 0, OK_HELLO);
    assert_true(heard("\r\n\r\nhello"));
    assert_int_equal(bed.n_backs, 1);
}

static void cut_responses_look_cut(void **state)
{
    open_h1(LISTEN_HTTPS);
    bed_say(&bed, GET);
    bed_answer(&bed, 0, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel");
    bed_end_close(&bed.backs[0]);
    bed_settle(&bed);
    assert_true(heard("3\r\nhel\r\n"));
    assert_false(heard("\r\n0\r\n"));
    assert_true(bed.clients[0].eof);
}

/* However the bytes come, and whoever asked for them. */
static void broken_chunks_are_refused_at_once(void **state)
{
    open_h1(LISTEN_HTTPS);
    bed_say(&bed, "PUT / HTTP/1.1\r\nhost: web.z.test\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n");
    assert_true(heard("HTTP/1.1 400 "));
    assert_true(heard("connection: close\r\n"));
    assert_true(bed.clients[0].eof);
    assert_true(bed.backs[0].eof);
}

static void broken_chunks_for_the_edge_are_refused_at_once(void **state)
{
    open_h1(LISTEN_ADMIN);
    bed_say(&bed,
            "PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\nzz\r\n");
    assert_true(heard("HTTP/1.1 400 "));
    assert_int_equal(bed.n_calls, 0);
}

static void broken_chunks_are_refused_while_draining(void **state)
{
    open_h1(LISTEN_HTTPS);
    bed_say(&bed,
            "PUT / HTTP/1.1\r\nhost: web.z.test\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
    proxy_drain(bed.proxy);
    bed_say(&bed, "zz\r\n");
    assert_true(heard("HTTP/1.1 400 "));
}

/* A response that fills all there is between its backend and its client. */
static void flood(void)
{
    static char bytes[64 * 1024];
    open_h1(LISTEN_HTTPS);
    bed.clients[0].hold = true;
    bed_say(&bed, GET);
    bed_answer(&bed, 0, "HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n");
    const struct conn *c = &bed_front(bed.proxy->fronts)->conn;
    for (int i = 0; i < 100 && !c->starved; i++) {
        bed_send(&bed.backs[0], span_of(bytes, sizeof bytes));
        bed_settle(&bed);
    }
    assert_true(c->starved);
}

static void a_client_that_reads_slowly_is_waited_for(void **state)
{
    flood();
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

/* Answers without bodies take room, too. */
static void pipelined_requests_wait_for_room(void **state)
{
    const size_t n = 5000;
    static const char head[] = "HEAD / HTTP/1.1\r\nhost: a\r\n\r\n";
    open_h1(LISTEN_REDIRECT);
    bed.clients[0].hold = true;
    for (size_t i = 0; i < n; i++)
        for (struct span s = SPAN_LIT(head); s.len > 0 && !bed.clients[0].eof;) {
            s = span_from(s, bed_send(&bed.clients[0], s));
            bed_turn(&bed);
            if (s.len > 0)
                bed.clients[0].hold = false;
        }
    bed_settle(&bed);
    bed_check_waiting(&bed);
    bed.clients[0].hold = false;
    bed_settle(&bed);
    assert_int_equal(bed_count(&bed.clients[0], "HTTP/1.1 308 "), n);
}

static void draining_lets_the_last_answer_out(void **state)
{
    static char body[48 * 1024];
    memset(body, 'b', sizeof body - 1);
    open_h1(LISTEN_HTTPS);
    bed.clients[0].hold = true;
    bed_say(&bed, GET);
    bed_answer(&bed, 0, "HTTP/1.1 200 OK\r\ncontent-length: 49151\r\n\r\n");
    bed_answer(&bed, 0, body);
    assert_int_equal(bed_metric(&bed, METRIC_EXCHANGES_OPEN), 0);
    proxy_drain(bed.proxy);
    bed_settle(&bed);
    bed.clients[0].hold = false;
    bed_settle(&bed);
    assert_true(heard(body));
    assert_true(bed.clients[0].eof);
}

static void draining_closes_idle_connections(void **state)
{
    open_h1(LISTEN_HTTPS);
    bed_settle(&bed);
    proxy_drain(bed.proxy);
    bed_settle(&bed);
    assert_true(bed.clients[0].eof);
    assert_int_equal(proxy_connections(bed.proxy), 0);
}

static void half_a_head_is_waited_for_and_no_longer(void **state)
{
    open_h1(LISTEN_HTTPS);
    bed_say(&bed, "GET / HTTP/1.1\r\nho");
    assert_true(bed_expire_front(&bed));
    bed_settle(&bed);
    assert_true(heard("HTTP/1.1 408 "));
    assert_true(bed.clients[0].eof);
}

static void half_a_body_is_waited_for_and_no_longer(void **state)
{
    open_h1(LISTEN_HTTPS);
    bed_say(&bed, "PUT / HTTP/1.1\r\nhost: web.z.test\r\ncontent-length: 3\r\n\r\na");
    assert_true(bed_expire_front(&bed));
    bed_settle(&bed);
    assert_true(heard("HTTP/1.1 408 "));
    assert_true(bed.backs[0].eof);
}

/* What it goes on to say does not put that off for ever. */
static void a_client_that_takes_nothing_is_let_go(void **state)
{
    static char bytes[256 * 1024];
    open_h1(LISTEN_HTTPS);
    bed_say(&bed,
            "PUT / HTTP/1.1\r\nhost: web.z.test\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
    bed.clients[0].hold = true;
    bed_answer(&bed, 0, "HTTP/1.1 200 OK\r\n\r\n");
    bed_send(&bed.backs[0], span_of(bytes, sizeof bytes));
    bed_settle(&bed);
    bed_say(&bed, "0\r\n\r\n");
    bed_check_waiting(&bed);
    assert_true(bed_expire_front(&bed));
    bed_settle(&bed);
    assert_int_equal(bed_metric(&bed, METRIC_CONNS_OPEN), 0);
}

static void a_client_that_goes_ends_its_exchange(void **state)
{
    open_h1(LISTEN_HTTPS);
    bed_say(&bed, GET);
    bed_end_close(&bed.clients[0]);
    bed_settle(&bed);
    assert_int_equal(bed_metric(&bed, METRIC_EXCHANGES_OPEN), 0);
    assert_int_equal(bed_metric(&bed, METRIC_CONNS_OPEN), 0);
    assert_true(bed.backs[0].eof);
}

static void the_edge_says_continue(void **state)
{
    open_h1(LISTEN_ADMIN);
    bed_say(&bed,
            "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n");
    assert_true(heard("HTTP/1.1 100 Continue\r\n\r\n"));
    bed_say(&bed, "body");
    assert_int_equal(bed.n_calls, 1);
    assert_span(buf_span(&bed.calls[0]->body), "body");
    bed_call_end(&bed, 0);
    bed_settle(&bed);
    assert_true(heard("HTTP/1.1 200 OK\r\n"));
    assert_int_equal(bed_count(&bed.clients[0], "100 Continue"), 1);
}

static void the_edge_refuses_what_is_announced_as_too_large(void **state)
{
    open_h1(LISTEN_ADMIN);
    bed_say(
        &bed,
        "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4000000\r\n\r\n");
    assert_true(heard("HTTP/1.1 413 "));
    assert_false(heard("100 Continue"));
}

/* Events of a client that does not read are broken off, and its connection with them. */
static void a_backlog_has_an_end(void **state)
{
    static char many[256 * 1024];
    open_h1(LISTEN_ADMIN);
    bed.clients[0].hold = true;
    bed_say(&bed, "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    for (int i = 0; i < 40 && bed.n_calls > 0; i++) {
        bed_call_data(&bed, 0, span_of(many, sizeof many));
        bed_settle(&bed);
    }
    assert_int_equal(bed.n_calls, 0);
    assert_true(bed_expire_front(&bed)); /* nor does it take what is held */
    bed_settle(&bed);
    assert_int_equal(bed_metric(&bed, METRIC_CONNS_OPEN), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(requests_share_a_connection),
        TEST(bodies_of_unknown_length_are_chunked),
        TEST(http10_gets_no_chunks),
        TEST(what_has_no_body_ends_with_its_head),
        TEST(cut_responses_look_cut),
        TEST(broken_chunks_are_refused_at_once),
        TEST(broken_chunks_for_the_edge_are_refused_at_once),
        TEST(broken_chunks_are_refused_while_draining),
        TEST(a_client_that_reads_slowly_is_waited_for),
        TEST(pipelined_requests_wait_for_room),
        TEST(draining_lets_the_last_answer_out),
        TEST(draining_closes_idle_connections),
        TEST(half_a_head_is_waited_for_and_no_longer),
        TEST(half_a_body_is_waited_for_and_no_longer),
        TEST(a_client_that_takes_nothing_is_let_go),
        TEST(a_client_that_goes_ends_its_exchange),
        TEST(the_edge_says_continue),
        TEST(the_edge_refuses_what_is_announced_as_too_large),
        TEST(a_backlog_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
