/* A record that does not fit into the input: what is left of it comes when there is room, though the socket
 * has nothing more to tell. */
#include "unit/proxy/conn_bed.h"

/* A short record and whole ones: the last ends as much beyond the input as LEFT says. */
#define LEFT ((size_t)1000)
#define ODD (CONN_IN_MAX % TLS_RECORD_MAX + LEFT)
#define WHOLE (CONN_IN_MAX + LEFT - ODD)

static void turn(struct conn_bed *b, int times)
{
    while (times-- > 0)
        ev_run(b->loop, EVRUN_NOWAIT);
}

static void the_rest_of_the_last_record_comes(void **state)
{
    struct conn_bed b;
    char *bytes = bed_pattern(CONN_IN_MAX + LEFT);
    bed_open_tls(&b);
    turn(&b, 10);
    assert_true(b.a.opened && b.b.opened);
    b.a.hold = true;
    b.b.feed = span_of(bytes, ODD);
    end_feed(&b.b);
    turn(&b, 4);
    b.b.feed = span_of(bytes + ODD, WHOLE);
    end_feed(&b.b);
    turn(&b, 50);
    assert_true(b.a.conn.paused);
    assert_int_equal(buf_len(&b.a.conn.cipher), 0);
    assert_int_equal(SSL_pending(b.a.conn.ssl), LEFT);

    b.a.hold = false;
    end_on_input(&b.a.conn);
    turn(&b, 4);
    assert_int_equal(buf_len(&b.a.got), CONN_IN_MAX + LEFT);
    assert_memory_equal(b.a.got.base + b.a.got.head, bytes, CONN_IN_MAX + LEFT);
    bed_close(&b);
    mem_free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rest_of_the_last_record_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
