#include "proxy/net/resolver.h"

#include <ares.h>
#include <stdio.h>

#include "core/loop.h"
#include "core/mem.h"
#include "core/table.h"

#define NAMES_MAX 4096
#define TTL_LEAST_S 1
#define TTL_MOST_S 300

/* A socket of c-ares, watched. */
struct watch {
    struct watch *next;
    struct resolver *r;
    ev_io io;
};

struct name {
    struct table_node node;
    struct resolver *r;
    char *host;
    struct resolve_wait *waiting;
    struct addr addrs[RESOLVED_MAX];
    size_t n;
    enum err e;
    bool asking;
    uint64_t fresh_until_ms;
};

struct resolver {
    struct ev_loop *loop;
    ares_channel channel;
    ev_timer timer;
    struct watch *watches;
    struct table names;
};

static struct span name_key(const struct table_node *n)
{
    return span_str(CONTAINER_OF(n, const struct name, node)->host);
}

/* --- c-ares on the loop -------------------------------------------------------------------------- */

static void arm_timer(struct resolver *r)
{
    struct timeval tv;
    ev_timer_stop(r->loop, &r->timer);
    if (!ares_timeout(r->channel, NULL, &tv))
        return;
    ev_timer_set(&r->timer, (double)tv.tv_sec + (double)tv.tv_usec / 1e6, 0.);
    ev_timer_start(r->loop, &r->timer);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
    (void)loop;
    (void)events;
    struct resolver *r = w->data;
    ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm_timer(r);
}

static void on_socket(struct ev_loop *loop, ev_io *io, int events)
{
    (void)loop;
    struct watch *w = io->data;
    struct resolver *r = w->r;
    ares_socket_t fd = io->fd;
    ares_process_fd(r->channel, events & EV_READ ? fd : ARES_SOCKET_BAD,
                    events & EV_WRITE ? fd : ARES_SOCKET_BAD);
    arm_timer(r);
}

static void forget_socket(struct resolver *r, int fd)
{
    for (struct watch **p = &r->watches; *p; p = &(*p)->next) {
        struct watch *w = *p;
        if (w->io.fd != fd)
            continue;
        *p = w->next;
        ev_io_stop(r->loop, &w->io);
        mem_free(w);
        return;
    }
}

static void on_socket_state(void *ctx, ares_socket_t fd, int readable, int writable)
{
    struct resolver *r = ctx;
    forget_socket(r, fd);
    if (!readable && !writable)
        return;
    struct watch *w = NEW(struct watch);
    w->r = r;
    ev_io_init(&w->io, on_socket, fd, (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
    w->io.data = w;
    ev_io_start(r->loop, &w->io);
    w->next = r->watches;
    r->watches = w;
}

/* --- answers ------------------------------------------------------------------------------------- */

static void tell(struct name *n)
{
    while (n->waiting) {
        struct resolve_wait *w = n->waiting;
        resolve_cancel(w);
        w->done(w, n->addrs, n->n, n->e);
    }
}

static int take_addresses(struct name *n, const struct ares_addrinfo *info)
{
    int ttl = TTL_MOST_S;
    for (const struct ares_addrinfo_node *a = info->nodes; a && n->n < RESOLVED_MAX;
         a = a->ai_next) {
        if (a->ai_addrlen > sizeof n->addrs[0].v6)
            continue;
        struct addr *to = &n->addrs[n->n++];
        memcpy(&to->sa, a->ai_addr, a->ai_addrlen);
        to->len = a->ai_addrlen;
        if (a->ai_ttl < ttl)
            ttl = a->ai_ttl;
    }
    return ttl < TTL_LEAST_S ? TTL_LEAST_S : ttl;
}

static enum err failure_of(int status)
{
    switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_ENONAME:
    case ARES_EBADNAME:
        return ERR_NOT_FOUND;
    case ARES_EDESTRUCTION:
    case ARES_ECANCELLED:
        return ERR_CLOSED;
    default:
        return ERR_TIMEOUT;
    }
}

static void on_answer(void *ctx, int status, int timeouts, struct ares_addrinfo *info)
{
    (void)timeouts;
    struct name *n = ctx;
    int ttl = TTL_LEAST_S;
    n->asking = false;
    n->n = 0;
    if (status == ARES_SUCCESS) {
        ttl = take_addresses(n, info);
        ares_freeaddrinfo(info);
    }
    n->e = n->n > 0 ? ERR_OK : status == ARES_SUCCESS ? ERR_NOT_FOUND : failure_of(status);
    n->fresh_until_ms = loop_now_ms(n->r->loop) + (uint64_t)ttl * 1000;
    tell(n);
}

static void free_name(struct resolver *r, struct name *n)
{
    table_remove(&r->names, &n->node);
    mem_free(n->host);
    mem_free(n);
}

/* Backends come and go with sessions: what nobody asks for any more makes room. */
static void make_room(struct resolver *r)
{
    uint64_t now = loop_now_ms(r->loop);
    struct table_iter it;
    for (struct table_node *t = table_first(&r->names, &it); t; t = table_next(&it)) {
        struct name *n = CONTAINER_OF(t, struct name, node);
        if (!n->asking && !n->waiting && n->fresh_until_ms <= now)
            free_name(r, n);
    }
}

static struct name *find_or_make(struct resolver *r, const char *host)
{
    struct table_node *found = table_find(&r->names, span_str(host));
    if (found)
        return CONTAINER_OF(found, struct name, node);
    if (table_count(&r->names) >= NAMES_MAX)
        make_room(r);
    if (table_count(&r->names) >= NAMES_MAX)
        return NULL;
    struct name *n = NEW(struct name);
    n->r = r;
    n->host = mem_strdup(host);
    enum err e = table_insert(&r->names, &n->node);
    CHECK(e == ERR_OK);
    return n;
}

void resolver_ask(struct resolver *r, const char *host, struct resolve_wait *w)
{
    struct name *n = find_or_make(r, host);
    if (!n) {
        w->done(w, NULL, 0, ERR_FULL);
        return;
    }
    if (!n->asking && n->fresh_until_ms > loop_now_ms(r->loop)) {
        w->done(w, n->addrs, n->n, n->e);
        return;
    }
    w->next = n->waiting;
    w->prev = &n->waiting;
    if (w->next)
        w->next->prev = &w->next;
    n->waiting = w;
    if (n->asking)
        return;
    n->asking = true;
    struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    ares_getaddrinfo(r->channel, host, NULL, &hints, on_answer, n);
    arm_timer(r);
}

void resolve_cancel(struct resolve_wait *w)
{
    if (!w->prev)
        return;
    *w->prev = w->next;
    if (w->next)
        w->next->prev = w->prev;
    w->next = NULL;
    w->prev = NULL;
}

/* --- life ---------------------------------------------------------------------------------------- */

/* In the order in which they are asked. */
static void set_servers(ares_channel channel, const struct config_addrs *servers)
{
    char text[RESOLVERS_MAX * ADDR_TEXT_MAX] = "", one[ADDR_TEXT_MAX];
    size_t len = 0;
    CHECK(servers->n <= RESOLVERS_MAX);
    for (size_t i = 0; i < servers->n; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", i > 0 ? "," : "",
                                addr_text(&servers->v[i], one));
    CHECK(ares_set_servers_ports_csv(channel, text) == ARES_SUCCESS);
}

struct resolver *resolver_new(struct ev_loop *loop, const struct config_addrs *servers)
{
    struct resolver *r = NEW(struct resolver);
    r->loop = loop;
    table_init(&r->names, name_key);
    ev_timer_init(&r->timer, on_timer, 0., 0.);
    r->timer.data = r;
    struct ares_options options = {
        .timeout = 2000,
        .tries = 3,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = r,
    };
    int status = ares_init_options(&r->channel, &options,
                                   ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    CHECK(status == ARES_SUCCESS);
    if (servers && servers->n > 0)
        set_servers(r->channel, servers);
    return r;
}

void resolver_free(struct resolver *r)
{
    ares_destroy(r->channel);
    ev_timer_stop(r->loop, &r->timer);
    struct table_iter it;
    for (struct table_node *t = table_first(&r->names, &it); t; t = table_next(&it))
        free_name(r, CONTAINER_OF(t, struct name, node));
    table_deinit(&r->names);
    mem_free(r);
}
