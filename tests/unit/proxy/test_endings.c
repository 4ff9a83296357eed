/* How things end when one side breaks off: what arrived before still reaches the other, a cut looks like
 * one, and who has gone is not served. */
#include "support/test.h"
#include "unit/proxy/exchange_bed.h"

#define GET "GET / HTTP/1.1\r\nhost: web.z.test\r\n\r\n"
#define PIECE 20000

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

static size_t count_xs(const struct bed_end *e)
{
    struct span s = buf_span(&e->got);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += s.p[i] == 'x';
    return n;
}

/* The response begins, PIECE of it arrives, and the client reads nothing of it. */
static void begin_response(const char *head)
{
    static char xs[PIECE + 1];
    memset(xs, 'x', PIECE);
    bed_client_open(&bed, 0, LISTEN_HTTPS, false);
    bed_say(&bed, GET);
    bed.clients[0].hold = true;
    bed_answer(&bed, 0, head);
    bed_answer(&bed, 0, xs);
}

/* And then the backend ends it: the client gets what there is, and then the cut. */
static void what_arrived_comes_before_the_cut(bool reset)
{
    if (reset)
        bed_end_reset(&bed.backs[0]);
    else
        bed_end_close(&bed.backs[0]);
    bed_settle(&bed);
    assert_false(bed.clients[0].eof);
    bed.clients[0].hold = false;
    bed_settle(&bed);
    assert_int_equal(count_xs(&bed.clients[0]), PIECE);
    assert_true(bed.clients[0].eof);
    assert_int_equal(bed_count(&bed.clients[0], "\r\n0\r\n"), 0);
}

#define OF_LENGTH "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n"
#define CHUNKED "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffff\r\n"
#define STREAM "HTTP/1.1 200 OK\r\n\r\n"

static void a_known_length_is_cut(void **state)
{
    begin_response(OF_LENGTH);
    what_arrived_comes_before_the_cut(false);
}

static void chunks_are_cut(void **state)
{
    begin_response(CHUNKED);
    what_arrived_comes_before_the_cut(false);
}

static void a_known_length_is_reset(void **state)
{
    begin_response(OF_LENGTH);
    what_arrived_comes_before_the_cut(true);
}

static void chunks_are_reset(void **state)
{
    begin_response(CHUNKED);
    what_arrived_comes_before_the_cut(true);
}

static void a_stream_is_reset(void **state)
{
    begin_response(STREAM);
    what_arrived_comes_before_the_cut(true);
}

/* Nobody is waited for: neither a client that takes nothing of what was cut ... */
static void a_cut_does_not_wait_for_ever(void **state)
{
    begin_response(OF_LENGTH);
    bed_end_close(&bed.backs[0]);
    bed_settle(&bed);
    assert_true(bed_expire_front(&bed));
    bed_settle(&bed);
    assert_int_equal(proxy_connections(bed.proxy), 0);
}

/* ... nor one that has gone. */
static void a_cut_to_nobody(void **state)
{
    begin_response(OF_LENGTH);
    bed_end_close(&bed.clients[0]);
    bed_end_reset(&bed.backs[0]);
    bed_settle(&bed);
    assert_int_equal(proxy_connections(bed.proxy), 0);
}

/* It answers without reading on and goes, which resets the connection: its answer is there, though what we
 * send fails before we have read it. */
static void an_early_answer_and_a_reset(void **state)
{
    static char body[40001];
    memset(body, 'y', sizeof body - 1);
    bed_client_open(&bed, 0, LISTEN_HTTPS, false);
    bed_say(&bed, "POST / HTTP/1.1\r\nhost: web.z.test\r\ncontent-length: 10000000\r\n\r\n");
    assert_int_equal(bed.n_backs, 1);
    bed.backs[0].hold = true;
    bed_say(&bed, body);
    assert_int_equal(bed_send(&bed.backs[0], SPAN_LIT("HTTP/1.1 413 Too Much\r\n"
                                                      "content-length: 4\r\n\r\nless")),
                     48);
    bed_end_close(&bed.backs[0]); /* with bytes unread */
    (void)!bed_send(&bed.clients[0], span_str(body));
    bed_settle(&bed);
    assert_int_equal(bed_count(&bed.clients[0], "HTTP/1.1 413 Too Much\r\n"), 1);
    assert_int_equal(bed_count(&bed.clients[0], "\r\n\r\nless"), 1);
}

/* The client is not read while its backend takes nothing; that it has gone is seen in a while. */
static void who_goes_during_a_pause_is_seen(void **state)
{
    static char body[200001];
    memset(body, 'y', sizeof body - 1);
    bed_client_open(&bed, 0, LISTEN_HTTPS, false);
    bed_say(&bed, "POST / HTTP/1.1\r\nhost: web.z.test\r\ncontent-length: 10000000\r\n\r\n");
    bed.backs[0].hold = true;
    bed_answer(&bed, 0, STREAM); /* from here on the backend has no deadline */
    struct span rest = span_str(body);
    struct front *f = bed_front(bed.proxy->fronts);
    while (!f->conn.paused) {
        size_t n = bed_send(&bed.clients[0], rest);
        rest = n < rest.len ? span_from(rest, n) : span_str(body);
        bed_turn(&bed);
    }
    bed_settle(&bed);
    assert_true(bed_expire_front(&bed)); /* it is looked, and all is well */
    bed_settle(&bed);
    assert_int_equal(proxy_connections(bed.proxy), 1);
    bed_end_close(&bed.clients[0]);
    bed_settle(&bed);
    assert_true(bed_expire_front(&bed));
    bed_settle(&bed);
    assert_int_equal(proxy_connections(bed.proxy), 0);
}

/* The same without a pause: the look does no harm to a client that is merely waited for. */
static void a_pause_that_ends_is_no_late_body(void **state)
{
    static char body[200001];
    memset(body, 'y', sizeof body - 1);
    bed_client_open(&bed, 0, LISTEN_HTTPS, false);
    bed_say(&bed, "POST / HTTP/1.1\r\nhost: web.z.test\r\ncontent-length: 10000000\r\n\r\n");
    bed.backs[0].hold = true;
    struct span rest = span_str(body);
    struct front *f = bed_front(bed.proxy->fronts);
    while (!f->conn.paused) {
        size_t n = bed_send(&bed.clients[0], rest);
        rest = n < rest.len ? span_from(rest, n) : span_str(body);
        bed_turn(&bed);
    }
    bed.backs[0].hold = false;
    bed_settle(&bed);
    bed_answer(&bed, 0, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_int_equal(bed_count(&bed.clients[0], "HTTP/1.1 408"), 0);
    assert_int_equal(bed_count(&bed.clients[0], "\r\n\r\nok"), 1);
}

static void half_close(size_t client)
{
    assert_int_equal(shutdown(bed.clients[client].fd, SHUT_WR), 0);
    bed_settle(&bed);
}

/* A FIN may be all that is ever seen of a client that has gone: the backend does not work for it. */
static void an_end_is_a_client_gone(void **state)
{
    bed_client_open(&bed, 0, LISTEN_HTTPS, false);
    bed_say(&bed, GET);
    half_close(0);
    assert_true(bed.backs[0].eof);
    assert_int_equal(proxy_connections(bed.proxy), 0);
}

/* What the edge answers by itself costs nobody anything: scripts with `nc -N` get it. */
static void the_edge_answers_who_has_ended_its_side(void **state)
{
    bed_client_open(&bed, 0, LISTEN_ADMIN, false);
    bed_say(&bed, GET);
    half_close(0);
    assert_int_equal(bed.n_calls, 1);
    bed_call_end(&bed, 0);
    bed_settle(&bed);
    assert_int_equal(bed_count(&bed.clients[0], "HTTP/1.1 200 OK\r\n"), 1);
    assert_true(bed.clients[0].eof);
    assert_int_equal(proxy_connections(bed.proxy), 0);
}

/* But not half a request, nor a stream without an end. */
static void the_edge_does_not_wait_for_the_rest(void **state)
{
    bed_client_open(&bed, 0, LISTEN_ADMIN, false);
    bed_say(&bed, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nab");
    half_close(0);
    assert_int_equal(proxy_connections(bed.proxy), 0);
}

static void the_edge_ends_a_stream(void **state)
{
    bed_client_open(&bed, 0, LISTEN_ADMIN, false);
    bed_say(&bed, GET);
    bed_call_data(&bed, 0, SPAN_LIT("event"));
    half_close(0);
    assert_int_equal(bed.n_calls, 0);
    assert_int_equal(proxy_connections(bed.proxy), 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_known_length_is_cut),
        T(chunks_are_cut),
        T(a_known_length_is_reset),
        T(chunks_are_reset),
        T(a_stream_is_reset),
        T(a_cut_does_not_wait_for_ever),
        T(a_cut_to_nobody),
        T(an_early_answer_and_a_reset),
        T(who_goes_during_a_pause_is_seen),
        T(a_pause_that_ends_is_no_late_body),
        T(an_end_is_a_client_gone),
        T(the_edge_answers_who_has_ended_its_side),
        T(the_edge_does_not_wait_for_the_rest),
        T(the_edge_ends_a_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
