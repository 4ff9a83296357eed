/* HTTP/1.1 towards the backend: reuse and second attempts, deadlines, what is not passed on. */
#include "support/test.h"
#include "unit/proxy/exchange_bed.h"

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
    bed_stop(&bed);
    bed_deinit(&bed);
    return 0;
}

static bool heard(const char *text)
{
    return bed_count(&bed.clients[0], text) > 0;
}

/* The first connection is in the pool. */
static void prime(void)
{
    bed_say(&bed, GET);
    bed_answer(&bed, 0, OK_HELLO);
    assert_int_equal(bed.n_backs, 1);
    bed.backs[0].got.tail = bed.backs[0].got.head;
    bed.clients[0].got.tail = bed.clients[0].got.head;
}

static void a_reused_connection_that_was_closed_is_replaced(void **state)
{
    prime();
    bed_say(&bed, GET);
    bed_end_reset(&bed.backs[0]);
    bed_settle(&bed);
    assert_int_equal(bed.n_backs, 2);
    bed_answer(&bed, 1, OK_HELLO);
    assert_true(heard("hello"));
}

static void a_fresh_one_is_not(void **state)
{
    bed_say(&bed, GET);
    bed_end_reset(&bed.backs[0]);
    bed_settle(&bed);
    assert_int_equal(bed.n_backs, 1);
    assert_true(heard("HTTP/1.1 502 "));
}

static void what_may_not_be_done_twice_is_not(void **state)
{
    prime();
    bed_say(&bed, "POST / HTTP/1.1\r\nhost: web.z.test\r\ncontent-length: 0\r\n\r\n");
    bed_end_reset(&bed.backs[0]);
    bed_settle(&bed);
    assert_int_equal(bed.n_backs, 1);
    assert_true(heard("HTTP/1.1 502 "));
}

static void an_empty_body_is_ended_again(void **state)
{
    prime();
    bed_say(&bed,
            "PUT / HTTP/1.1\r\nhost: web.z.test\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n");
    assert_true(bed_count(&bed.backs[0], "\r\n\r\n0\r\n\r\n") > 0);
    bed_end_reset(&bed.backs[0]);
    bed_settle(&bed);
    assert_int_equal(bed.n_backs, 2);
    assert_true(bed_count(&bed.backs[1], "\r\n\r\n0\r\n\r\n") > 0);
    bed_answer(&bed, 1, OK_HELLO);
    assert_true(heard("hello"));
}

static void silence_is_no_reason_to_ask_again(void **state)
{
    prime();
    bed_say(&bed, GET);
    assert_true(bed_expire_back(&bed));
    bed_settle(&bed);
    assert_int_equal(bed.n_backs, 1);
    assert_true(heard("HTTP/1.1 504 "));
}

static void a_client_that_pauses_is_no_silent_backend(void **state)
{
    static char piece[64 * 1024];
    bed.clients[0].hold = true;
    bed_say(&bed, GET);
    bed_answer(&bed, 0, "HTTP/1.1 200 OK\r\ncontent-length: 1048576\r\n\r\n");
    size_t sent = 0;
    for (size_t n; (n = bed_send(&bed.backs[0], span_of(piece, sizeof piece))) > 0; sent += n)
        bed_settle(&bed);
    assert_true(bed_expire_back(&bed));
    bed_settle(&bed);
    bed_check_waiting(&bed);
    assert_int_equal(bed_metric(&bed, METRIC_BACK_FAILURES), 0);

    bed.clients[0].hold = false;
    while (sent < 1048576) {
        size_t n = 1048576 - sent < sizeof piece ? 1048576 - sent : sizeof piece;
        bed_send_all(&bed, &bed.backs[0], span_of(piece, n));
        sent += n;
    }
    bed_settle(&bed);
    assert_true(buf_len(&bed.clients[0].got) > 1048576);
    assert_int_equal(bed_metric(&bed, METRIC_EXCHANGES_OPEN), 0);
}

static void interim_responses_are_passed_on_without_hop_by_hop_fields(void **state)
{
    bed_say(&bed, GET);
    bed_answer(&bed, 0,
               "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\nconnection: x-hop\r\nx-hop: 1\r\n\r\n");
    assert_true(heard("HTTP/1.1 103 "));
    assert_true(heard("link: </a>\r\n"));
    assert_false(heard("x-hop"));
    bed_answer(&bed, 0, OK_HELLO);
    assert_true(heard("hello"));
}

static void an_early_answer_ends_the_request(void **state)
{
    bed_say(&bed, "PUT / HTTP/1.1\r\nhost: web.z.test\r\ncontent-length: 10\r\n\r\n01234");
    bed_answer(&bed, 0, OK_HELLO);
    assert_true(heard("connection: close\r\n"));
    assert_true(heard("hello"));
    assert_true(bed.clients[0].eof);
    assert_true(bed.backs[0].eof); /* what it would take for a request is the rest of a body */
}

static void a_refused_connection_is_told(void **state)
{
    bed_say(&bed, "GET / HTTP/1.1\r\nhost: dead.z.test\r\n\r\n");
    assert_true(heard("HTTP/1.1 502 "));
}

static void what_an_idle_backend_says_is_not_listened_to(void **state)
{
    prime();
    bed_answer(&bed, 0, OK_HELLO);
    assert_true(bed.backs[0].eof);
    bed_say(&bed, GET);
    assert_int_equal(bed.n_backs, 2);
    assert_false(heard("hello"));
}

/* Whether the connection becomes free before or after the second request comes, it is it that serves. */
static void a_connection_that_becomes_free_serves_who_waits(void **state)
{
    bed_client_open(&bed, 1, LISTEN_HTTPS, false);
    bed_say(&bed, GET);
    bed_send(&bed.clients[1], SPAN_LIT(GET));
    bed_answer(&bed, 0, OK_HELLO);
    assert_int_equal(bed_count(&bed.backs[0], "GET "), 2);
    bed_answer(&bed, 0, OK_HELLO);
    assert_int_equal(bed_count(&bed.clients[1], "hello"), 1);
}

static void a_client_that_goes_takes_its_dial_along(void **state)
{
    bed_send(&bed.clients[0], SPAN_LIT(GET));
    bed_turn(&bed);
    struct exchange *x = bed_first_exchange(&bed, bed_front(bed.proxy->fronts));
    assert_true(bed_is_waiting(x));
    bed.proxy->fronts->kill(bed.proxy->fronts);
    assert_int_equal(table_count(&bed.proxy->pools->by_hash), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_reused_connection_that_was_closed_is_replaced),
        TEST(a_fresh_one_is_not),
        TEST(what_may_not_be_done_twice_is_not),
        TEST(an_empty_body_is_ended_again),
        TEST(silence_is_no_reason_to_ask_again),
        TEST(a_client_that_pauses_is_no_silent_backend),
        TEST(interim_responses_are_passed_on_without_hop_by_hop_fields),
        TEST(an_early_answer_ends_the_request),
        TEST(a_refused_connection_is_told),
        TEST(what_an_idle_backend_says_is_not_listened_to),
        TEST(a_connection_that_becomes_free_serves_who_waits),
        TEST(a_client_that_goes_takes_its_dial_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
