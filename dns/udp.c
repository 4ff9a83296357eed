/* Datagrams in batches: one recvmmsg, the answers, one sendmmsg. Everything the kernel is handed is
 * laid out once; between batches only the lengths that it overwrote are set again. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "dns/transport.h"

#define BATCH 64
#define BATCHES_PER_EVENT 8 /* then the loop's other descriptors have their turn */
#define QUERY_MAX 2048      /* a longer one is cut, and then malformed */

union control {
    struct cmsghdr head;
    char v4[CMSG_SPACE(sizeof(struct in_pktinfo))];
    char v6[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

struct dns_udp {
    struct ev_loop *loop;
    ev_io io; /* for reading; for writing while answers wait */
    struct dns_responder *r;
    struct metrics *metrics;
    bool wildcard; /* bound to all addresses: the one that was asked must be told to the kernel */
    unsigned sent, ready; /* answers out[sent..ready) wait for room in the socket */

    struct mmsghdr in[BATCH], out[BATCH];
    struct iovec in_data[BATCH], out_data[BATCH];
    struct addr peers[BATCH];
    union control controls[BATCH];
    uint8_t queries[BATCH][QUERY_MAX];
    uint8_t answers[BATCH][DNS_UDP_PAYLOAD_MAX];
};

static void lay_out(struct dns_udp *u)
{
    for (unsigned i = 0; i < BATCH; i++) {
        u->in_data[i] = (struct iovec){u->queries[i], QUERY_MAX};
        u->out_data[i] = (struct iovec){u->answers[i], 0};
        u->in[i].msg_hdr = (struct msghdr){
            .msg_name = &u->peers[i], .msg_iov = &u->in_data[i], .msg_iovlen = 1};
        u->out[i].msg_hdr = (struct msghdr){.msg_iov = &u->out_data[i], .msg_iovlen = 1};
        if (u->wildcard)
            u->in[i].msg_hdr.msg_control = &u->controls[i];
    }
}

static void expect(struct dns_udp *u, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        u->in[i].msg_hdr.msg_namelen = sizeof(struct sockaddr_in6);
        u->in[i].msg_hdr.msg_controllen = u->wildcard ? sizeof(union control) : 0;
    }
}

/* The answer leaves from the address that was asked (RFC 2181 4.1), by whatever route: only a
 * link-local address keeps its interface. */
static void turn_around(struct msghdr *m)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    if (!c)
        return;
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo *info = (struct in_pktinfo *)(void *)CMSG_DATA(c);
        info->ipi_ifindex = 0;
    }
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo *info = (struct in6_pktinfo *)(void *)CMSG_DATA(c);
        if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr))
            info->ipi6_ifindex = 0;
    }
}

static void answer_one(struct dns_udp *u, unsigned i, uint32_t wall_s)
{
    struct msghdr *in = &u->in[i].msg_hdr;
    u->peers[i].len = in->msg_namelen;
    /* Nothing can be sent to port 0. */
    size_t len = addr_port(&u->peers[i]) == 0
                     ? 0
                     : dns_answer(u->r, DNS_UDP, &u->peers[i], wall_s, u->queries[i],
                                  u->in[i].msg_len, u->answers[u->ready], DNS_UDP_PAYLOAD_MAX);
    if (len == 0) {
        metrics_add(u->metrics, METRIC_DNS_DROPPED, 1);
        return;
    }
    struct msghdr *out = &u->out[u->ready].msg_hdr;
    u->out_data[u->ready].iov_len = len;
    out->msg_name = &u->peers[i];
    out->msg_namelen = in->msg_namelen;
    if (u->wildcard) {
        turn_around(in);
        out->msg_control = in->msg_control;
        out->msg_controllen = in->msg_controllen;
    }
    u->ready++;
}

/* False: the rest waits for room in the socket. An answer that cannot be sent (no route, a
 * firewall) is dropped, and the next tried. */
static bool flush(struct dns_udp *u)
{
    while (u->sent < u->ready) {
        int n = sendmmsg(u->io.fd, u->out + u->sent, u->ready - u->sent, 0);
        if (n > 0) {
            u->sent += (unsigned)n;
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return false;
        u->sent++;
        metrics_add(u->metrics, METRIC_DNS_DROPPED, 1);
    }
    u->sent = u->ready = 0;
    return true;
}

static void watch(struct dns_udp *u, int events)
{
    if ((u->io.events & (EV_READ | EV_WRITE)) == events)
        return;
    ev_io_stop(u->loop, &u->io);
    ev_io_set(&u->io, u->io.fd, events);
    ev_io_start(u->loop, &u->io);
}

/* A batch in, its answers out; how many came. */
static unsigned serve_batch(struct dns_udp *u)
{
    int n;
    do {
        n = recvmmsg(u->io.fd, u->in, BATCH, 0, NULL);
        /* ICMP errors of earlier answers are reported here; they are no matter. */
    } while (n < 0 && (errno == EINTR || errno == ECONNREFUSED));
    if (n <= 0)
        return 0;
    uint32_t wall_s = (uint32_t)ev_now(u->loop);
    for (unsigned i = 0; i < (unsigned)n; i++)
        answer_one(u, i, wall_s);
    expect(u, (unsigned)n);
    return (unsigned)n;
}

static void on_ready(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)loop;
    (void)revents;
    struct dns_udp *u = CONTAINER_OF(io, struct dns_udp, io);
    if (!flush(u))
        return;
    watch(u, EV_READ);
    for (unsigned i = 0; i < BATCHES_PER_EVENT; i++) {
        unsigned n = serve_batch(u);
        if (!flush(u)) {
            watch(u, EV_WRITE);
            return;
        }
        if (n < BATCH)
            return;
    }
}

static bool is_wildcard(int fd)
{
    struct addr a;
    a.len = sizeof(struct sockaddr_in6);
    CHECK(getsockname(fd, &a.sa, &a.len) == 0);
    if (a.sa.sa_family == AF_INET)
        return a.v4.sin_addr.s_addr == htonl(INADDR_ANY);
    return IN6_IS_ADDR_UNSPECIFIED(&a.v6.sin6_addr);
}

/* Best effort all of it: the defaults work, too. Answers are never larger than what passes whole,
 * so forged "packet too big" must not make them fragments (RFC 9715 3.1). A socket bound to one
 * address needs no word about where a datagram was sent to. */
static void tune(int fd, bool wildcard)
{
    int off = 0, omit4 = IP_PMTUDISC_OMIT, omit6 = IPV6_PMTUDISC_OMIT;
    (void)setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &omit4, sizeof(omit4));
    (void)setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &omit6, sizeof(omit6));
    if (wildcard)
        return;
    (void)setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &off, sizeof(off));
    (void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &off, sizeof(off));
}

struct dns_udp *dns_udp_new(struct ev_loop *loop, int fd, struct dns_responder *r,
                            struct metrics *metrics)
{
    struct dns_udp *u = NEW(struct dns_udp);
    u->loop = loop;
    u->r = r;
    u->metrics = metrics;
    u->wildcard = is_wildcard(fd);
    tune(fd, u->wildcard);
    lay_out(u);
    expect(u, BATCH);
    ev_io_init(&u->io, on_ready, fd, EV_READ);
    ev_io_start(loop, &u->io);
    return u;
}

void dns_udp_free(struct dns_udp *u)
{
    if (!u)
        return;
    ev_io_stop(u->loop, &u->io);
    (void)close(u->io.fd);
    mem_free(u);
}
