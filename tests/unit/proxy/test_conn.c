/* A connection: what is written arrives, whole and in order; buffers stay under their ceilings; what
 * ends, breaks or is late is told once. The same cases in clear and under TLS. */
#include "unit/proxy/conn_bed.h"

#define BULK ((size_t)9 << 20)

typedef void open_fn(struct conn_bed *b);

static void pass_bulk(open_fn *open)
{
    struct conn_bed b;
    char *bytes = bed_pattern(BULK);
    open(&b);
    b.a.feed = b.b.feed = span_of(bytes, BULK);
    b.a.stop_at = b.b.stop_at = BULK;
    if (b.a.opened)
        end_feed(&b.a);
    if (b.b.opened)
        end_feed(&b.b);
    while (buf_len(&b.a.got) < BULK || buf_len(&b.b.got) < BULK)
        ev_run(b.loop, 0);
    assert_memory_equal(b.a.got.base + b.a.got.head, bytes, BULK);
    assert_memory_equal(b.b.got.base + b.b.got.head, bytes, BULK);
    assert_true(b.a.rooms > 0 && b.b.rooms > 0);
    assert_int_equal(b.a.opened, 1);
    assert_int_equal(b.b.opened, 1);
    bed_close(&b);
    mem_free(bytes);
}

static void bulk_arrives_both_ways(void **state)
{
    (void)state;
    pass_bulk(bed_open_clear);
    pass_bulk(bed_open_tls);
}

/* Who does not read holds the writer up, and neither side's memory grows beyond its ceilings. */
static void hold_up(open_fn *open)
{
    struct conn_bed b;
    char *bytes = bed_pattern(BULK);
    open(&b);
    b.a.stop_at = 1;
    b.b.feed = SPAN_LIT("!");
    if (b.b.opened)
        end_feed(&b.b);
    ev_run(b.loop, 0); /* both are open now */

    b.a.feed = span_of(bytes, BULK);
    b.b.hold = true;
    end_feed(&b.a);
    for (int i = 0; i < 200; i++)
        ev_run(b.loop, EVRUN_NOWAIT);
    assert_true(b.a.feed.len > 0);
    assert_int_equal(conn_room(&b.a.conn), 0);
    assert_true(buf_len(&b.b.conn.in) <= CONN_IN_MAX);
    assert_true(b.b.conn.in.size <= CONN_IN_MAX + 1);
    assert_true(conn_pending(&b.a.conn) <= CONN_OUT_MAX);
    assert_true(b.b.conn.paused);

    b.b.hold = false;
    b.b.stop_at = BULK;
    end_on_input(&b.b.conn);
    while (buf_len(&b.b.got) < BULK)
        ev_run(b.loop, 0);
    assert_memory_equal(b.b.got.base + b.b.got.head, bytes, BULK);
    bed_close(&b);
    mem_free(bytes);
}

static void a_slow_reader_holds_up_the_writer(void **state)
{
    (void)state;
    hold_up(bed_open_clear);
    hold_up(bed_open_tls);
}

/* A little more than `in` holds, and then silence: no event tells of what TLS has decrypted already. */
static void take_up_the_rest(open_fn *open, size_t n)
{
    struct conn_bed b;
    char *bytes = bed_pattern(n);
    open(&b);
    b.b.hold = true;
    b.a.feed = span_of(bytes, n);
    if (b.a.opened)
        end_feed(&b.a);
    for (int i = 0; i < 100; i++)
        ev_run(b.loop, EVRUN_NOWAIT);
    b.b.hold = false;
    b.b.stop_at = n;
    end_on_input(&b.b.conn);
    while (buf_len(&b.b.got) < n)
        ev_run(b.loop, EVRUN_ONCE);
    assert_memory_equal(b.b.got.base + b.b.got.head, bytes, n);
    bed_close(&b);
    mem_free(bytes);
}

static void what_did_not_fit_comes_when_there_is_room(void **state)
{
    (void)state;
    for (size_t more = 1; more < TLS_RECORD_MAX + 2; more += 1000) {
        take_up_the_rest(bed_open_clear, CONN_IN_MAX + more);
        take_up_the_rest(bed_open_tls, CONN_IN_MAX + more);
    }
}

/* Two pairs, the end of the one writing what the start of the other reads: bytes that are taken up
 * because room was made at the end of a turn still leave in that turn. */
static struct end *relay_to;

static void relay_pull(struct end *from)
{
    for (;;) {
        struct span s = span_sub(buf_span(&from->conn.in), 0, conn_room(&relay_to->conn));
        if (s.len == 0)
            return;
        conn_write(&relay_to->conn, s);
        conn_consume(&from->conn, s.len);
    }
}

static struct end *relay_from;

static void relay_on_input(struct conn *c)
{
    relay_pull(end_of(c));
}

static void relay_on_room(struct conn *c)
{
    (void)c;
    relay_pull(relay_from);
}

static int left_behind;

/* Right after the loop has waited: what was put off must not have waited with it. */
static void look_behind(struct ev_loop *loop, ev_check *w, int events)
{
    (void)loop;
    (void)events;
    const struct conn_shared *shared = w->data;
    left_behind += shared->turn.flush_first != NULL;
}

static void bytes_are_relayed_from_tls_to_tls(void **state)
{
    (void)state;
    struct conn_bed left, right;
    char *bytes = bed_pattern(BULK);
    struct conn_ops from_ops = end_ops, to_ops = end_ops;
    from_ops.on_input = relay_on_input;
    to_ops.on_room = relay_on_room;
    bed_open_tls(&left);
    bed_open_tls_on(&right, &left);
    relay_from = &left.b;
    relay_to = &right.a;
    left.b.conn.ops = &from_ops;
    right.a.conn.ops = &to_ops;
    ev_check check;
    ev_check_init(&check, look_behind);
    ev_set_priority(&check, EV_MAXPRI);
    check.data = left.shared;
    left_behind = 0;
    ev_check_start(left.loop, &check);
    left.a.feed = span_of(bytes, BULK);
    right.b.stop_at = BULK;
    while (!right.a.opened || !left.b.opened)
        ev_run(left.loop, EVRUN_ONCE);
    end_feed(&left.a);
    while (buf_len(&right.b.got) < BULK)
        ev_run(left.loop, 0);
    assert_memory_equal(right.b.got.base + right.b.got.head, bytes, BULK);
    assert_int_equal(left_behind, 0);
    ev_check_stop(left.loop, &check);
    bed_close(&right);
    bed_close(&left);
    mem_free(bytes);
}

static void idle_holds_nothing(open_fn *open)
{
    struct conn_bed b;
    open(&b);
    b.b.feed = SPAN_LIT("hello");
    b.a.stop_at = 5;
    if (b.b.opened)
        end_feed(&b.b);
    ev_run(b.loop, 0);
    for (int i = 0; i < 5; i++)
        ev_run(b.loop, EVRUN_NOWAIT);
    assert_span(buf_span(&b.a.got), "hello");
    assert_null(b.a.conn.in.base);
    assert_null(b.a.conn.out.base);
    assert_null(b.b.conn.in.base);
    assert_null(b.b.conn.out.base);
    assert_null(b.a.conn.cipher.base);
    bed_close(&b);
}

static void an_idle_connection_holds_no_buffers(void **state)
{
    (void)state;
    idle_holds_nothing(bed_open_clear);
    idle_holds_nothing(bed_open_tls);
}

static void ending_is_told(open_fn *open)
{
    struct conn_bed b;
    open(&b);
    b.a.feed = SPAN_LIT("last words");
    b.b.stop_at = 10;
    if (b.a.opened)
        end_feed(&b.a);
    while (buf_len(&b.b.got) < 10)
        ev_run(b.loop, 0);
    b.b.stop_on_end = true;
    conn_close(&b.a.conn);
    while (!b.b.eof)
        ev_run(b.loop, 0);
    assert_span(buf_span(&b.b.got), "last words");
    assert_int_equal(b.b.broken, ERR_OK);
    bed_close(&b);
}

static void the_peers_end_is_told_after_its_last_bytes(void **state)
{
    (void)state;
    ending_is_told(bed_open_clear);
    ending_is_told(bed_open_tls);
}

static void draining_is_told(open_fn *open)
{
    struct conn_bed b;
    char *bytes = bed_pattern(BULK);
    open(&b);
    b.a.feed = span_of(bytes, BULK);
    if (b.a.opened)
        end_feed(&b.a);
    while (b.a.feed.len > 0)
        ev_run(b.loop, EVRUN_ONCE);
    conn_want_drained(&b.a.conn);
    while (!b.a.drains)
        ev_run(b.loop, EVRUN_ONCE);
    assert_int_equal(conn_pending(&b.a.conn), 0);
    assert_int_equal(b.a.drains, 1);
    bed_close(&b);
    mem_free(bytes);
}

static void the_last_byte_sent_is_told(void **state)
{
    (void)state;
    draining_is_told(bed_open_clear);
    draining_is_told(bed_open_tls);
}

static void a_deadline_is_told_once_and_can_be_moved_and_stopped(void **state)
{
    (void)state;
    struct conn_bed b;
    bed_open_clear(&b);
    conn_deadline_ms(&b.a.conn, 3600 * 1000);
    conn_deadline_ms(&b.b.conn, 1);
    conn_deadline_off(&b.b.conn);
    conn_deadline_ms(&b.a.conn, 2);
    ev_run(b.loop, 0);
    assert_int_equal(b.a.deadlines, 1);
    assert_int_equal(b.b.deadlines, 0);
    bed_close(&b);
}

static void garbage_instead_of_a_handshake_breaks(void **state)
{
    (void)state;
    struct conn_bed b;
    bed_init(&b);
    b.server_ctx = SSL_CTX_new(TLS_method());
    SSL *server = SSL_new(b.server_ctx);
    SSL_set_accept_state(server);
    bed_open(&b, server, NULL);
    b.a.stop_on_end = true;
    b.b.feed = SPAN_LIT("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    end_feed(&b.b);
    ev_run(b.loop, 0);
    assert_int_equal(b.a.broken, ERR_CRYPTO);
    assert_int_equal(b.a.opened, 0);
    bed_close(&b);
}

/* Cut in the middle of a record: no bytes are made up, and the end is told. */
static void a_cut_record_is_no_data(void **state)
{
    (void)state;
    struct conn_bed b;
    bed_open_tls(&b);
    b.a.stop_at = 1;
    b.b.feed = SPAN_LIT("!");
    ev_run(b.loop, 0);
    b.a.got.tail = b.a.got.head;
    b.a.stop_at = 0;
    b.a.stop_on_end = true;
    const char half[] = "\x17\x03\x03\x40\x00half a record";
    assert_true(write(b.fds[1], half, sizeof half) > 0);
    conn_close(&b.b.conn);
    ev_run(b.loop, 0);
    assert_int_equal(buf_len(&b.a.got), 0);
    assert_true(b.a.eof || b.a.broken != ERR_OK);
    bed_close(&b);
}

static void a_refused_connection_is_told(void **state)
{
    (void)state;
    struct conn_bed b;
    struct addr to;
    bed_init(&b);
    /* A port that was just free: bound, never listened on. */
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_ok(addr_parse_ip(SPAN_LIT("127.0.0.1"), 0, &to));
    assert_int_equal(bind(fd, &to.sa, to.len), 0);
    assert_int_equal(getsockname(fd, &to.sa, &to.len), 0);
    buf_init(&b.a.got, 100);
    b.a.stop_on_end = true;
    conn_init_connect(&b.a.conn, b.shared, &end_ops, &to, NULL);
    assert_int_equal(b.a.broken, ERR_OK); /* never before the call returns */
    ev_run(b.loop, 0);
    assert_int_equal(b.a.broken, ERR_IO);
    assert_int_equal(b.a.opened, 0);
    close(fd);
    b.b.conn.closed = true;
    bed_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bulk_arrives_both_ways),
        cmocka_unit_test(a_slow_reader_holds_up_the_writer),
        cmocka_unit_test(what_did_not_fit_comes_when_there_is_room),
        cmocka_unit_test(bytes_are_relayed_from_tls_to_tls),
        cmocka_unit_test(an_idle_connection_holds_no_buffers),
        cmocka_unit_test(the_peers_end_is_told_after_its_last_bytes),
        cmocka_unit_test(the_last_byte_sent_is_told),
        cmocka_unit_test(a_deadline_is_told_once_and_can_be_moved_and_stopped),
        cmocka_unit_test(garbage_instead_of_a_handshake_breaks),
        cmocka_unit_test(a_cut_record_is_no_data),
        cmocka_unit_test(a_refused_connection_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
