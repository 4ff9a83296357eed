/* A proxy on a loop of its own, between clients on socket pairs and a backend on loopback, both of which
 * do only what they are told, when they are told: no threads, no clock. Deadlines pass when the test
 * says so. For fuzzing as well, so what must hold is CHECKed. */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/log.h"
#include "core/mem.h"
#include "proxy/access/access_writer.h"
#include "proxy/back/back.h"
#include "proxy/back/back_h1.h"
#include "proxy/back/back_h2.h"
#include "proxy/front/front.h"

#define BED_CLIENTS 2
#define BED_BACKS 12
#define BED_CALLS 16
#define BED_GOT_MAX (64 << 20)

/* One end of a connection, the test's. */
struct bed_end {
    int fd;         /* -1: not open */
    bool hold;      /* it does not read */
    bool eof;       /* the proxy has ended its side, or reset it */
    struct buf got; /* what it has read */
};

struct exchange_bed {
    /* For all runs. */
    struct config *config;
    struct access_writer *access;
    struct route_table table;
    int listener, dead;
    bool keep_got; /* false: what is read is thrown away */

    /* For one run. */
    struct ev_loop *loop;
    struct metrics metrics;
    struct proxy_hooks hooks;
    struct proxy *proxy;
    struct bed_end clients[BED_CLIENTS];
    const struct front *fronts[BED_CLIENTS]; /* theirs; perhaps gone */
    bool http2[BED_CLIENTS];
    struct bed_end backs[BED_BACKS]; /* in the order in which they were connected */
    size_t n_backs;
    struct local_call *calls[BED_CALLS]; /* asked, neither ended nor cancelled */
    bool heads[BED_CALLS];               /* answered so far */
    size_t n_calls;
    bool answer_at_once;
    size_t moved; /* bytes and connections seen in this turn */
};

/* --- the edge itself ----------------------------------------------------------------------------- */

static inline void bed_forget_call(struct exchange_bed *b, size_t i)
{
    b->n_calls--;
    b->calls[i] = b->calls[b->n_calls];
    b->heads[i] = b->heads[b->n_calls];
}

static inline struct local_call *bed_call_head(struct exchange_bed *b, size_t i)
{
    static const struct local_field fields[] = {{SPAN_LIT("content-type"), SPAN_LIT("text/plain")}};
    struct local_call *c = b->calls[i];
    if (!b->heads[i]) {
        b->heads[i] = true;
        local_call_head(c, 200, fields, 1);
    }
    return i < b->n_calls && b->calls[i] == c ? c
                                              : NULL; /* the head may have been all they wanted */
}

static inline void bed_call_data(struct exchange_bed *b, size_t i, struct span bytes)
{
    struct local_call *c = bed_call_head(b, i);
    if (!c || local_call_data(c, bytes) == ERR_OK)
        return;
    bed_forget_call(b, i);
    local_call_abort(c);
}

static inline void bed_call_end(struct exchange_bed *b, size_t i)
{
    struct local_call *c = bed_call_head(b, i);
    if (!c)
        return;
    bed_forget_call(b, i);
    local_call_end(c);
}

static inline void bed_call_abort(struct exchange_bed *b, size_t i)
{
    struct local_call *c = b->calls[i];
    bed_forget_call(b, i);
    local_call_abort(c);
}

static inline void bed_on_local(void *ctx, enum listen_kind kind, struct local_call *c)
{
    struct exchange_bed *b = ctx;
    (void)kind;
    CHECK(b->n_calls < BED_CALLS);
    b->heads[b->n_calls] = false;
    b->calls[b->n_calls++] = c;
    if (b->answer_at_once || b->n_calls == BED_CALLS) {
        bed_call_data(b, b->n_calls - 1, SPAN_LIT("at once"));
        if (b->n_calls > 0 && b->calls[b->n_calls - 1] == c)
            bed_call_end(b, b->n_calls - 1);
    }
}

static inline void bed_on_cancel(void *ctx, struct local_call *c)
{
    struct exchange_bed *b = ctx;
    for (size_t i = 0; i < b->n_calls; i++) {
        if (b->calls[i] == c) {
            bed_forget_call(b, i);
            return;
        }
    }
    bool asked = false;
    CHECK(asked);
}

static inline void bed_on_used(void *ctx, struct span session)
{
    (void)ctx;
    (void)session;
}

/* --- life ---------------------------------------------------------------------------------------- */

static inline int bed_bind(uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int small = 4096;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small) == 0);
    CHECK(bind(fd, (struct sockaddr *)&at, sizeof at) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    *port = ntohs(at.sin_port);
    return fd;
}

/* Services: web (the backend), kept (the same by name, with the client's Host), two (the same over HTTP/2),
 * dead (nobody listens there). */
static inline void bed_init(struct exchange_bed *b)
{
    static const char yaml[] =
        "zone: z.test\n"
        "addresses: [192.0.2.1]\n"
        "nameservers: [ns1]\n"
        "state: /tmp/unused\n"
        "workers: 1\n"
        "log: {access: /dev/null}\n"
        "limits: {header_timeout: 75s}\n" /* a look of HTTP/2 each idle time */
        "listen: {dns: [\"127.0.0.1:5300\"], https: [\"127.0.0.1:443\"], "
        "http: []}\n"
        "services:\n"
        "  - {name: web, url: \"http://127.0.0.1:%u/base\"}\n"
        "  - {name: kept, url: \"http://localhost:%u\", host: preserve}\n"
        "  - {name: two, url: \"h2c://127.0.0.1:%u\"}\n"
        "  - {name: dead, url: \"http://127.0.0.1:%u\"}\n"
        "domains:\n"
        "  - {domain: z.test, default_service: web}\n";
    struct config_errors errors = {0};
    uint16_t port, dead;
    memset(b, 0, sizeof *b);
    b->keep_got = true;
    log_setup(LOG_ERROR, false);
    b->listener = bed_bind(&port);
    b->dead = bed_bind(&dead);
    CHECK(listen(b->listener, 64) == 0);
    char *text = mem_printf(yaml, port, port, port, dead);
    CHECK(config_parse("bed.yaml", span_str(text), &b->config, &errors) == ERR_OK);
    mem_free(text);
    struct edge_image *edge = edge_image_new(b->config);
    route_table_init(&b->table, edge);
    edge_image_unref(edge);
    b->access = access_writer_new(&b->config->log);
}

static inline void bed_deinit(struct exchange_bed *b)
{
    access_writer_free(b->access);
    route_table_deinit(&b->table);
    config_unref(b->config);
    close(b->listener);
    close(b->dead);
}

static inline void bed_start(struct exchange_bed *b)
{
    b->loop = ev_loop_new(EVFLAG_AUTO);
    CHECK(b->loop);
    memset(&b->metrics, 0, sizeof b->metrics);
    b->hooks = (struct proxy_hooks){.ctx = b,
                                    .access = b->access,
                                    .used = bed_on_used,
                                    .local = bed_on_local,
                                    .local_cancel = bed_on_cancel};
    b->proxy = proxy_new(b->loop, &b->table, NULL, &b->metrics, &b->hooks);
    b->n_backs = b->n_calls = 0;
    b->answer_at_once = false;
    for (size_t i = 0; i < BED_CLIENTS; i++) {
        b->clients[i].fd = -1;
        b->fronts[i] = NULL;
    }
}

/* A new configuration of the same content takes the place of the one there is. */
static inline void bed_reload(struct exchange_bed *b)
{
    struct edge_image *edge = edge_image_new(b->config);
    route_table_set_edge(&b->table, edge);
    edge_image_unref(edge);
    proxy_edge_changed(b->proxy);
}

/* Says no more, but goes on reading. */
static inline void bed_end_shut(struct bed_end *e)
{
    CHECK(shutdown(e->fd, SHUT_WR) == 0);
}

static inline void bed_end_close(struct bed_end *e)
{
    if (e->fd >= 0)
        close(e->fd);
    e->fd = -1;
}

/* Closes at once, which the other side sees as a reset (of a TCP connection). */
static inline void bed_end_reset(struct bed_end *e)
{
    struct linger at_once = {.l_onoff = 1};
    if (e->fd >= 0)
        (void)setsockopt(e->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    bed_end_close(e);
}

static inline uint64_t bed_metric(const struct exchange_bed *b, enum metric_id id)
{
    return atomic_load(&b->metrics.value[id]);
}

/* Nothing may be left. */
static inline void bed_stop(struct exchange_bed *b)
{
    proxy_free(b->proxy);
    b->proxy = NULL;
    CHECK(bed_metric(b, METRIC_EXCHANGES_OPEN) == 0);
    CHECK(bed_metric(b, METRIC_CONNS_OPEN) == 0);
    CHECK(b->n_calls == 0);
    for (size_t i = 0; i < BED_CLIENTS; i++) {
        bed_end_close(&b->clients[i]);
        buf_deinit(&b->clients[i].got);
    }
    for (size_t i = 0; i < b->n_backs; i++) {
        bed_end_reset(&b->backs[i]);
        buf_deinit(&b->backs[i].got);
    }
    for (int fd; (fd = accept(b->listener, NULL, NULL)) >= 0;)
        close(fd);
    ev_loop_destroy(b->loop);
}

/* --- turns --------------------------------------------------------------------------------------- */

static inline struct front *bed_front(struct front_link *l)
{
    return CONTAINER_OF(l, struct front, link);
}

/* Once a run for each I. */
static inline void bed_client_open(struct exchange_bed *b, size_t i, enum listen_kind kind,
                                   bool http2)
{
    struct addr from;
    int fds[2], small = 4096;
    CHECK(b->clients[i].fd < 0);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    CHECK(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
    CHECK(addr_parse_ip(SPAN_LIT("192.0.2.7"), 1234, &from) == ERR_OK);
    buf_deinit(&b->clients[i].got);
    b->clients[i] = (struct bed_end){.fd = fds[1]};
    buf_init(&b->clients[i].got, BED_GOT_MAX);
    front_open(b->proxy, fds[0], kind, &from, http2);
    b->fronts[i] = bed_front(b->proxy->fronts);
    b->http2[i] = http2;
}

static inline void bed_end_read(struct exchange_bed *b, struct bed_end *e)
{
    static char bytes[64 * 1024];
    while (e->fd >= 0 && !e->hold && !e->eof) {
        ssize_t n = recv(e->fd, bytes, sizeof bytes, 0);
        if (n < 0 && errno == EAGAIN)
            return;
        b->moved++;
        if (n <= 0)
            e->eof = true;
        else if (b->keep_got)
            CHECK(buf_append(&e->got, span_of(bytes, (size_t)n)) == ERR_OK);
    }
}

static inline void bed_accept(struct exchange_bed *b)
{
    for (int fd; (fd = accept4(b->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        b->moved++;
        if (b->n_backs == BED_BACKS) {
            close(fd);
            continue;
        }
        int one = 1; /* what is said comes at once, or a turn would not see it */
        CHECK(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0);
        struct bed_end *e = &b->backs[b->n_backs++];
        *e = (struct bed_end){.fd = fd};
        buf_init(&e->got, BED_GOT_MAX);
    }
}

static inline void bed_turn(struct exchange_bed *b)
{
    b->moved = 0;
    ev_run(b->loop, EVRUN_NOWAIT);
    exchange_free_spare(b->proxy); /* a use of one that has ended is a use after free */
    bed_accept(b);
    for (size_t i = 0; i < BED_CLIENTS; i++)
        bed_end_read(b, &b->clients[i]);
    for (size_t i = 0; i < b->n_backs; i++)
        bed_end_read(b, &b->backs[i]);
}

static inline void bed_turns(struct exchange_bed *b, unsigned n)
{
    while (n-- > 0)
        bed_turn(b);
}

/* Until nothing moves any more. */
static inline void bed_settle(struct exchange_bed *b)
{
    for (unsigned quiet = 0; quiet < 4; quiet = b->moved ? 0 : quiet + 1)
        bed_turn(b);
}

/* As much of S as the socket takes. */
static inline size_t bed_send(struct bed_end *e, struct span s)
{
    if (e->fd < 0 || s.len == 0)
        return 0;
    ssize_t n = send(e->fd, s.p, s.len, MSG_NOSIGNAL);
    return n > 0 ? (size_t)n : 0;
}

/* All of S, with turns in between. */
static inline void bed_send_all(struct exchange_bed *b, struct bed_end *e, struct span s)
{
    while (s.len > 0) {
        s = span_from(s, bed_send(e, s));
        bed_turn(b);
    }
}

/* The first client, or a backend's connection, says TEXT; then all that follows from it. */
static inline void bed_say(struct exchange_bed *b, const char *text)
{
    bed_send_all(b, &b->clients[0], span_str(text));
    bed_settle(b);
}

static inline void bed_answer(struct exchange_bed *b, size_t back, const char *text)
{
    CHECK(back < b->n_backs);
    bed_send_all(b, &b->backs[back], span_str(text));
    bed_settle(b);
}

/* How often TEXT stands in what E has read. */
static inline size_t bed_count(const struct bed_end *e, const char *text)
{
    struct span rest = buf_span(&e->got), what = span_str(text);
    size_t n = 0;
    for (; rest.len >= what.len; rest = span_from(rest, 1))
        n += span_starts(rest, what);
    return n;
}

/* --- deadlines ----------------------------------------------------------------------------------- */

static inline bool bed_is_timed(const struct conn *c)
{
    return c->timed && c->deadline.due > 0.;
}

static inline bool bed_expire(struct exchange_bed *b, struct conn *c)
{
    if (!c->shared || c->closed || !bed_is_timed(c))
        return false;
    deadline_off(b->loop, &c->deadline);
    c->deadline.on_due(b->loop, &c->deadline);
    return true;
}

static inline bool bed_is_back_h1(const struct exchange *x)
{
    return x && x->back_ops == &back_h1_ops;
}

/* X's stream of an HTTP/2 connection; NULL: it has none. */
static inline struct back_stream *bed_back_stream(const struct exchange *x)
{
    return x && x->back_ops == &back_h2_ops ? x->back : NULL;
}

/* Whether X waits for a connection to its backend. */
static inline bool bed_is_waiting(const struct exchange *x)
{
    return x && x->back_ops == &back_waiting_ops;
}

/* The connection that X has, or the newest that is being opened for it; NULL: none. */
static inline struct conn *bed_back_conn(struct exchange *x)
{
    if (bed_is_back_h1(x))
        return &((struct back_h1 *)x->back)->conn;
    struct back_stream *s = bed_back_stream(x);
    if (s && s->b)
        return &s->b->conn;
    struct pool *p = bed_is_waiting(x) ? x->back : NULL;
    return p && p->dials ? &p->dials->dial.conn : NULL;
}

static inline bool bed_is_h2(const struct exchange_bed *b, const struct front *f)
{
    for (size_t i = 0; i < BED_CLIENTS; i++)
        if (b->fronts[i] == f)
            return b->http2[i];
    return false;
}

static inline struct exchange *bed_first_exchange(const struct exchange_bed *b, struct front *f)
{
    return bed_is_h2(b, f) ? f->h2.exchanges : f->h1.x;
}

/* E, which holds, reads a little all the same. */
static inline void bed_read_some(struct exchange_bed *b, struct bed_end *e)
{
    char bytes[4096]; /* the kernel counts what has gone by buffers, not by bytes */
    CHECK(recv(e->fd, bytes, sizeof bytes, 0) > 0);
    bed_settle(b);
}

/* The deadline of the newest front passes, or of its first exchange's back. */
static inline bool bed_expire_front(struct exchange_bed *b)
{
    return b->proxy->fronts && bed_expire(b, &bed_front(b->proxy->fronts)->conn);
}

static inline bool bed_expire_back(struct exchange_bed *b)
{
    if (!b->proxy->fronts)
        return false;
    struct exchange *x = bed_first_exchange(b, bed_front(b->proxy->fronts));
    struct conn *c = bed_back_conn(x);
    return c && bed_expire(b, c);
}

/* An open WebSocket has been silent for long enough, and somebody looks. */
static inline void bed_expire_upgraded(struct exchange_bed *b, struct exchange *x)
{
    CHECK(x->upgrade == UPGRADE_DONE && x->quiet.round.due > 0.);
    x->quiet.had_moved = x->request_bytes + x->response_bytes;
    x->quiet.since_ms = 0;
    deadline_off(b->loop, &x->quiet.round);
    x->quiet.round.on_due(b->loop, &x->quiet.round);
}

/* --- what must hold when nothing moves ----------------------------------------------------------- */

/* Whether it is for the backend (or the edge) to go on, in the time that it has. */
static inline bool bed_waits_for_back(struct exchange *x)
{
    bool end = false;
    struct back_h1 *b = bed_is_back_h1(x) ? x->back : NULL;
    struct conn *c = bed_back_conn(x);
    if (c && (!c->shared || bed_is_timed(c))) /* it is resolved, or has a deadline */
        return true;
    if (!x->back_ops || (b && (b->conn.eof || !b->head_done)))
        return false;
    struct span s = x->back_ops->peek(x, &end);
    return s.len == 0 && !end;
}

static inline void bed_check_conn(struct conn *c)
{
    CHECK(!c->closed);
    CHECK(!c->starved || conn_pending(c) > 0 || c->broken != ERR_OK);
    CHECK(!c->paused || c->deaf || c->eof || buf_room(&c->in) < CONN_IN_MAX / 4);
}

static inline void bed_check_exchange(struct front *f, struct exchange *x, bool http2)
{
    bool end = false;
    CHECK(!x->done);
    if (bed_is_back_h1(x))
        bed_check_conn(&((struct back_h1 *)x->back)->conn);
    if (bed_back_stream(x) && bed_back_stream(x)->b)
        bed_check_conn(&bed_back_stream(x)->b->conn);
    bool open = x->upgrade == UPGRADE_DONE && x->quiet.round.due > 0.;
    CHECK(open || bed_is_timed(&f->conn) || bed_waits_for_back(x));
    if (http2 && x->h2.deferred) {
        struct span s = exchange_peek(x, &end);
        CHECK(s.len == 0 && !end);
    }
}

/* To be called after bed_settle: no event is under way, so for everything that is not over somebody has
 * to be waited for, and not for ever. */
static inline void bed_check_waiting(struct exchange_bed *b)
{
    for (struct front_link *l = b->proxy->fronts; l; l = l->next) {
        struct front *f = bed_front(l);
        bed_check_conn(&f->conn);
        if (!bed_first_exchange(b, f))
            CHECK(bed_is_timed(&f->conn));
        else if (!bed_is_h2(b, f))
            bed_check_exchange(f, f->h1.x, false);
        else
            for (struct exchange *x = f->h2.exchanges; x; x = x->h2.next)
                bed_check_exchange(f, x, true);
    }
}
