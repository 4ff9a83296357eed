/* The UDP transport over real sockets on a loop; the kernel's refusals are staged. */
#include "unit/dns/dns_bed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/fd.h"
#include "dns/transport.h"

/* What sendmmsg is to do instead of sending, one for each call; 0 and the end: send. A positive
 * number: send that many of the batch at most. */
static const int *staged;
static size_t staged_left, send_calls;

int sendmmsg(int fd, struct mmsghdr *v, unsigned n, int flags)
{
    send_calls++;
    if (staged_left > 0) {
        int what = *staged++;
        staged_left--;
        if (what < 0) {
            errno = -what;
            return -1;
        }
        if (what > 0 && (unsigned)what < n)
            n = (unsigned)what;
    }
    return (int)syscall(SYS_sendmmsg, fd, v, n, flags);
}

static void stage(const int *what, size_t n)
{
    staged = what;
    staged_left = n;
    send_calls = 0;
}

struct server {
    struct bed bed;
    struct ev_loop *loop;
    struct dns_udp *udp;
    struct addr addr;
};

static void start(struct server *s, const char *addr)
{
    int fd;
    bed_config(&s->bed);
    bed_open(&s->bed);
    s->loop = ev_loop_new(0);
    assert_ok(addr_parse_port(span_str(addr), &s->addr));
    assert_ok(fd_bind_udp(&s->addr, &fd));
    assert_ok(fd_local_addr(fd, &s->addr));
    s->udp = dns_udp_new(s->loop, fd, s->bed.r, &s->bed.metrics);
    stage(NULL, 0);
}

static void stop(struct server *s)
{
    dns_udp_free(s->udp);
    ev_loop_destroy(s->loop);
    bed_close(&s->bed);
}

/* A client connected to TO: an answer from another address would not reach it. */
static int client(const struct server *s, const char *to)
{
    struct addr a;
    assert_ok(addr_parse_ip(span_str(to), addr_port(&s->addr), &a));
    int fd = socket(a.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, &a.sa, a.len), 0);
    return fd;
}

static void ask(struct server *s, int fd, uint16_t id)
{
    struct ask q = {.name = "web.slim.ex.test", .type = "A"};
    size_t len = bed_write(&q, s->bed.query, sizeof(s->bed.query));
    dns_store16(s->bed.query, id);
    assert_int_equal(send(fd, s->bed.query, len, 0), len);
}

/* Turns the loop until the answer is there; on loopback it is as soon as it was sent. */
static void expect(struct server *s, int fd, uint16_t id)
{
    uint8_t answer[1500];
    ssize_t n;
    while ((n = recv(fd, answer, sizeof(answer), MSG_DONTWAIT)) < 0) {
        assert_int_equal(errno, EAGAIN);
        ev_run(s->loop, EVRUN_ONCE);
    }
    s->bed.answer_len = (size_t)n;
    memcpy(s->bed.answer, answer, (size_t)n);
    assert_int_equal(dns_load16(answer), id);
    assert_string_equal(bed_text(&s->bed), "NOERROR aa an[web.slim.ex.test. 60 A 192.0.2.1]");
}

static void answers_leave_from_the_address_that_was_asked(void **state)
{
    static const struct {
        const char *listen, *asked;
    } rows[] = {
        {"127.0.0.1:0", "127.0.0.1"}, {"0.0.0.0:0", "127.0.0.1"}, {"0.0.0.0:0", "127.0.0.53"},
        {"[::1]:0", "::1"},           {"[::]:0", "::1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        static struct server s;
        start(&s, rows[i].listen);
        int fd = client(&s, rows[i].asked);
        ask(&s, fd, (uint16_t)i);
        expect(&s, fd, (uint16_t)i);
        close(fd);
        stop(&s);
    }
}

/* More than one batch, from several clients; one system call sends a batch. */
static void batches_are_answered_whole(void **state)
{
    enum { CLIENTS = 5, EACH = 40 };
    static struct server s;
    int fds[CLIENTS];
    start(&s, "0.0.0.0:0");
    for (int i = 0; i < CLIENTS; i++)
        fds[i] = client(&s, "127.0.0.1");
    for (uint16_t n = 0; n < EACH; n++) {
        for (int i = 0; i < CLIENTS; i++)
            ask(&s, fds[i], n);
    }
    for (uint16_t n = 0; n < EACH; n++) {
        for (int i = 0; i < CLIENTS; i++)
            expect(&s, fds[i], n);
    }
    assert_int_equal(send_calls, (CLIENTS * EACH + 63) / 64);
    assert_int_equal(s.bed.metrics.value[METRIC_DNS_QUERIES_UDP], CLIENTS * EACH);
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
    stop(&s);
}

static void what_is_no_query_gets_nothing(void **state)
{
    static struct server s;
    static uint8_t large[4000];
    start(&s, "127.0.0.1:0");
    int fd = client(&s, "127.0.0.1");
    assert_int_equal(send(fd, "", 0, 0), 0);
    assert_int_equal(send(fd, "short", 5, 0), 5);
    assert_int_equal(send(fd, "\0\0\x80\0\0\0\0\0\0\0\0\0", 12, 0), 12);
    /* A long one is cut and so malformed: an answer, but no harm. */
    large[5] = 1;
    assert_int_equal(send(fd, large, sizeof(large), 0), sizeof(large));
    uint8_t answer[600];
    ssize_t n;
    while ((n = recv(fd, answer, sizeof(answer), MSG_DONTWAIT)) < 0)
        ev_run(s.loop, EVRUN_ONCE);
    assert_int_equal(answer[3] & 0xf, DNS_FORMERR);
    assert_int_equal(s.bed.metrics.value[METRIC_DNS_DROPPED], 3);
    ask(&s, fd, 9);
    expect(&s, fd, 9);
    close(fd);
    stop(&s);
}

/* A client that has gone: the kernel's ICMP error is no matter to the others. */
static void a_client_that_has_gone_disturbs_nobody(void **state)
{
    static struct server s;
    start(&s, "127.0.0.1:0");
    int gone = client(&s, "127.0.0.1"), fd = client(&s, "127.0.0.1");
    for (uint16_t n = 0; n < 3; n++) {
        ask(&s, gone, n);
        ask(&s, fd, n);
    }
    close(gone);
    for (uint16_t n = 0; n < 3; n++)
        expect(&s, fd, n);
    ask(&s, fd, 7);
    expect(&s, fd, 7);
    close(fd);
    stop(&s);
}

/* The rest of a batch is sent again, in order, when the socket has room. */
static void a_full_socket_delays_and_loses_nothing(void **state)
{
    static const int plan[] = {2, -EAGAIN, -EINTR, 1, -EAGAIN, 0};
    static struct server s;
    start(&s, "0.0.0.0:0");
    int fd = client(&s, "127.0.0.1");
    for (uint16_t n = 0; n < 8; n++)
        ask(&s, fd, n);
    stage(plan, ARRAY_LEN(plan));
    for (uint16_t n = 0; n < 8; n++)
        expect(&s, fd, n);
    assert_int_equal(send_calls, ARRAY_LEN(plan));
    /* It reads again. */
    ask(&s, fd, 8);
    expect(&s, fd, 8);
    assert_int_equal(s.bed.metrics.value[METRIC_DNS_DROPPED], 0);
    close(fd);
    stop(&s);
}

static void an_answer_that_cannot_be_sent_is_dropped_alone(void **state)
{
    static const int plan[] = {-EPERM, 1, -ENETUNREACH, 0};
    static struct server s;
    start(&s, "127.0.0.1:0");
    int fd = client(&s, "127.0.0.1");
    for (uint16_t n = 0; n < 5; n++)
        ask(&s, fd, n);
    stage(plan, ARRAY_LEN(plan));
    expect(&s, fd, 1);
    expect(&s, fd, 3);
    expect(&s, fd, 4);
    assert_int_equal(s.bed.metrics.value[METRIC_DNS_DROPPED], 2);
    close(fd);
    stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_leave_from_the_address_that_was_asked),
        cmocka_unit_test(batches_are_answered_whole),
        cmocka_unit_test(what_is_no_query_gets_nothing),
        cmocka_unit_test(a_client_that_has_gone_disturbs_nobody),
        cmocka_unit_test(a_full_socket_delays_and_loses_nothing),
        cmocka_unit_test(an_answer_that_cannot_be_sent_is_dropped_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
