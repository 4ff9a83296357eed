/* The TCP transport over real sockets on a loop. Idle time passes by firing the deadline. */
#include "unit/dns/dns_bed.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/fd.h"
#include "dns/tcp_conn.h"

struct server {
    struct bed bed;
    struct ev_loop *loop;
    struct dns_tcp *tcp;
    struct addr addr;
    size_t half_sent; /* how much of a query stuff() got rid of at its end */
};

static void start(struct server *s, uint64_t max)
{
    static char lines[6][300];
    static const char *records[6];
    int fd;
    s->half_sent = 0;
    bed_config(&s->bed);
    for (int i = 0; i < 6; i++) {
        snprintf(lines[i], sizeof(lines[i]), "big TXT \"%d %0250d\"", i, 0);
        records[i] = lines[i];
    }
    bed_records(&s->bed, records, 6);
    bed_open(&s->bed);
    s->loop = ev_loop_new(0);
    assert_ok(addr_parse_port(SPAN_LIT("127.0.0.1:0"), &s->addr));
    assert_ok(fd_listen_tcp(&s->addr, 128, &fd));
    assert_ok(fd_local_addr(fd, &s->addr));
    s->tcp = dns_tcp_new(s->loop, fd, s->bed.r, &s->bed.metrics, max);
}

static void stop(struct server *s)
{
    dns_tcp_free(s->tcp);
    ev_loop_destroy(s->loop);
    bed_close(&s->bed);
}

/* Until the server has taken N connections in. */
static void settle(struct server *s, uint64_t n)
{
    while (s->tcp->n != n)
        ev_run(s->loop, EVRUN_ONCE);
}

/* Little room in the kernel, so that a test soon has it full. */
static void shrink(int fd)
{
    int small = 4096;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
}

static int dial_sized(struct server *s, bool small)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    fd_set_nodelay(fd);
    if (small)
        shrink(fd);
    assert_int_equal(connect(fd, &s->addr.sa, s->addr.len), 0);
    return fd;
}

static int dial(struct server *s)
{
    return dial_sized(s, false);
}

/* A framed query. */
static size_t frame(const char *name, const char *type, uint16_t id, uint8_t *out, size_t cap)
{
    struct ask q = {.name = name, .type = type};
    size_t len = bed_write(&q, out + 2, cap - 2);
    dns_store16(out, (uint16_t)len);
    dns_store16(out + 2, id);
    return len + 2;
}

static void put(int fd, const void *p, size_t len)
{
    assert_int_equal(send(fd, p, len, MSG_NOSIGNAL), len);
}

static void ask(int fd, const char *name, const char *type, uint16_t id)
{
    uint8_t query[300] = {0};
    put(fd, query, frame(name, type, id, query, sizeof(query)));
}

/* Reads exactly LEN bytes, turning the loop meanwhile; false at the end of the stream. */
static bool get(struct server *s, int fd, void *out, size_t len)
{
    for (size_t got = 0; got < len;) {
        ssize_t n = recv(fd, (uint8_t *)out + got, len - got, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno == ECONNRESET))
            return false;
        if (n > 0) {
            got += (size_t)n;
            continue;
        }
        assert_int_equal(errno, EAGAIN);
        ev_run(s->loop, EVRUN_ONCE);
    }
    return true;
}

static const char *next_answer(struct server *s, int fd, uint16_t id)
{
    struct bed *b = &s->bed;
    uint8_t head[2];
    assert_true(get(s, fd, head, 2));
    b->answer_len = dns_load16(head);
    assert_true(get(s, fd, b->answer, b->answer_len));
    assert_int_equal(dns_load16(b->answer), id);
    return bed_text(b);
}

#define SLIM "NOERROR aa an[web.slim.ex.test. 60 A 192.0.2.1]"

static void expect_end(struct server *s, int fd)
{
    uint8_t byte;
    assert_false(get(s, fd, &byte, 1));
    close(fd);
}

static void queries_may_follow_one_another(void **state)
{
    enum { N = 300 };
    static struct server s;
    static uint8_t all[N * 60];
    size_t len = 0;
    start(&s, 10);
    int fd = dial(&s);
    for (uint16_t i = 0; i < N; i++)
        len += frame("web.slim.ex.test", "A", i, all + len, sizeof(all) - len);
    put(fd, all, len);
    for (uint16_t i = 0; i < N; i++)
        assert_string_equal(next_answer(&s, fd, i), SLIM);
    /* And it is still open. */
    ask(fd, "big.ex.test", "TXT", 1);
    assert_null(strstr(next_answer(&s, fd, 1), " tc"));
    assert_int_equal(s.bed.metrics.value[METRIC_DNS_QUERIES_TCP], N + 1);
    close(fd);
    settle(&s, 0);
    stop(&s);
}

static void a_query_may_come_in_any_pieces(void **state)
{
    static struct server s;
    uint8_t query[200];
    start(&s, 10);
    int fd = dial(&s);
    settle(&s, 1);
    size_t len = frame("web.slim.ex.test", "A", 1, query, sizeof(query));
    len += frame("web.slim.ex.test", "A", 2, query + len, sizeof(query) - len);
    /* The server reads each byte before the next is sent. */
    for (size_t i = 0; i < len; i++) {
        put(fd, query + i, 1);
        int unread;
        do {
            ev_run(s.loop, EVRUN_ONCE);
            assert_int_equal(ioctl(s.tcp->first->io.fd, FIONREAD, &unread), 0);
        } while (unread > 0);
    }
    assert_string_equal(next_answer(&s, fd, 1), SLIM);
    assert_string_equal(next_answer(&s, fd, 2), SLIM);
    /* Nothing is held for a connection at rest. */
    assert_null(s.tcp->first->in.base);
    assert_null(s.tcp->first->out.base);

    /* One and a half, then the other half. */
    put(fd, query, len - 10);
    assert_string_equal(next_answer(&s, fd, 1), SLIM);
    put(fd, query + len - 10, 10);
    assert_string_equal(next_answer(&s, fd, 2), SLIM);
    close(fd);
    stop(&s);
}

static void what_is_not_dns_ends_the_connection(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        {"\0\0", 2},                             /* no message */
        {"\0\13", 2},                            /* shorter than a header */
        {"\x10\1", 2},                           /* longer than any query */
        {"\xff\xff", 2},                         /* much longer */
        {"GET / HTTP/1.1\r\n\r\n", 18},          /* another protocol */
        {"\0\14\0\1\x80\0\0\0\0\0\0\0\0\0", 14}, /* a response */
    };
    static struct server s;
    start(&s, 10);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int fd = dial(&s);
        ask(fd, "web.slim.ex.test", "A", 1);
        put(fd, rows[i].bytes, rows[i].len);
        /* What came before it is answered. */
        assert_string_equal(next_answer(&s, fd, 1), SLIM);
        expect_end(&s, fd);
    }
    assert_int_equal(s.tcp->n, 0);
    /* A malformed query, well framed, is told so, and no reason to part. */
    int fd = dial(&s);
    put(fd, "\0\14\0\1\0\0\0\1\0\0\0\0\0\0", 14);
    assert_string_equal(next_answer(&s, fd, 1), "FORMERR header");
    ask(fd, "web.slim.ex.test", "A", 2);
    assert_string_equal(next_answer(&s, fd, 2), SLIM);
    close(fd);
    stop(&s);
}

/* RFC 7766 6.2.4: who has sent everything may say so and wait. */
static void a_half_closed_peer_gets_its_answers(void **state)
{
    static struct server s;
    start(&s, 10);
    int fd = dial(&s);
    ask(fd, "web.slim.ex.test", "A", 1);
    ask(fd, "big.ex.test", "TXT", 2);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    assert_string_equal(next_answer(&s, fd, 1), SLIM);
    next_answer(&s, fd, 2);
    expect_end(&s, fd);
    assert_int_equal(s.tcp->n, 0);
    stop(&s);
}

/* Makes the idle deadline of C due now. */
static void let_time_pass(struct server *s, struct dns_tcp_conn *c)
{
    c->idle.due = 1e-9;
    ev_invoke(s->loop, &c->idle.timer, EV_TIMER);
}

/* Asks for large answers without reading any until neither side can go on; how many queries went. */
static unsigned stuff(struct server *s, int fd)
{
    unsigned asked = 0;
    uint8_t query[100];
    size_t len = frame("big.ex.test", "TXT", 1, query, sizeof(query)), sent = s->half_sent;
    int waiting = 0, before = -1;
    assert_ok(fd_set_nonblock(fd));
    for (;;) {
        ssize_t n = send(fd, query + sent, len - sent, MSG_NOSIGNAL);
        if (n > 0) {
            sent += (size_t)n;
            asked += sent == len;
            sent = sent == len ? 0 : sent;
            continue;
        }
        assert_int_equal(errno, EAGAIN);
        ev_run(s->loop, EVRUN_NOWAIT);
        assert_int_equal(s->tcp->n, 1);
        /* The server has stopped reading: what waits in its socket stays. */
        ioctl(s->tcp->first->io.fd, FIONREAD, &waiting);
        if (waiting == before && (s->tcp->first->io.events & EV_READ) == 0) {
            s->half_sent = sent;
            return asked;
        }
        before = waiting;
    }
}

static void a_peer_that_does_not_read_is_held_to_its_bounds(void **state)
{
    static struct server s;
    start(&s, 10);
    /* Accepted sockets have the listener's sizes. */
    shrink(s.tcp->io.fd);
    int fd = dial_sized(&s, true);
    settle(&s, 1);
    unsigned asked = stuff(&s, fd);
    struct dns_tcp_conn *c = s.tcp->first;
    assert_true(buf_len(&c->out) > 0);
    assert_in_range(c->out.size, 1, DNS_TCP_OUT_MAX);
    assert_in_range(c->in.size, 0, sizeof(s.tcp->in));
    /* When it reads after all, all is there. */
    for (unsigned i = 0; i < asked; i++)
        next_answer(&s, fd, 1);
    assert_int_equal(s.tcp->n, 1);

    /* One that never reads goes when its time is over. */
    stuff(&s, fd);
    let_time_pass(&s, c);
    assert_int_equal(s.tcp->n, 0);
    close(fd);
    stop(&s);
}

static void an_idle_connection_is_closed(void **state)
{
    static struct server s;
    start(&s, 10);
    int fd = dial(&s);
    ask(fd, "web.slim.ex.test", "A", 1);
    assert_string_equal(next_answer(&s, fd, 1), SLIM);
    let_time_pass(&s, s.tcp->first);
    expect_end(&s, fd);
    assert_int_equal(s.tcp->n, 0);
    stop(&s);
}

/* Bytes that make no query do not put the end off. */
static void only_whole_queries_keep_a_connection(void **state)
{
    static struct server s;
    start(&s, 10);
    int fd = dial(&s);
    settle(&s, 1);
    ev_tstamp due = s.tcp->first->idle.due;
    put(fd, "\0\40", 2);
    while (buf_len(&s.tcp->first->in) < 2)
        ev_run(s.loop, EVRUN_ONCE);
    assert_true(s.tcp->first->idle.due == due);
    close(fd);
    stop(&s);
}

static void the_longest_idle_makes_room(void **state)
{
    static struct server s;
    int fds[4];
    start(&s, 3);
    for (uint64_t i = 0; i < 3; i++) {
        fds[i] = dial(&s);
        settle(&s, i + 1);
    }
    /* The first is used; so the second is the longest idle. */
    ask(fds[0], "web.slim.ex.test", "A", 1);
    assert_string_equal(next_answer(&s, fds[0], 1), SLIM);
    fds[3] = dial(&s);
    expect_end(&s, fds[1]);
    assert_int_equal(s.tcp->n, 3);
    static const int left[] = {0, 2, 3};
    for (size_t i = 0; i < ARRAY_LEN(left); i++) {
        ask(fds[left[i]], "web.slim.ex.test", "A", 2);
        assert_string_equal(next_answer(&s, fds[left[i]], 2), SLIM);
        close(fds[left[i]]);
    }
    stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_may_follow_one_another),
        cmocka_unit_test(a_query_may_come_in_any_pieces),
        cmocka_unit_test(what_is_not_dns_ends_the_connection),
        cmocka_unit_test(a_half_closed_peer_gets_its_answers),
        cmocka_unit_test(a_peer_that_does_not_read_is_held_to_its_bounds),
        cmocka_unit_test(an_idle_connection_is_closed),
        cmocka_unit_test(only_whole_queries_keep_a_connection),
        cmocka_unit_test(the_longest_idle_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
