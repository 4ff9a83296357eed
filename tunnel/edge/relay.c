#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "core/log.h"
#include "proxy/front/front.h"
#include "proxy/page/own_answer.h"
#include "tunnel/edge/tunnels_parts.h"

/* So many connections to another worker: each has TUNNEL_STREAMS. */
#define RELAY_CONNECTIONS_MAX 8

/* The way to another worker. */
struct relay {
    struct relay *next;
    struct tunnels *tunnels;
    unsigned worker;
    char name[32];
    size_t n_connections;
    struct adopted adopted;
};

static struct relay *relay_of(struct adopted *a)
{
    return CONTAINER_OF(a, struct relay, adopted);
}

/* --- connections --------------------------------------------------------------------------------- */

static const struct addr nowhere = {.len = sizeof(struct sockaddr)};

struct opening {
    struct conn conn;
    struct relay *relay;
};

static void on_open(struct conn *c)
{
    adopted_bring(&CONTAINER_OF(c, struct opening, conn)->relay->adopted, c, &nowhere);
}

static const struct conn_ops opening_ops = {.on_open = on_open};

/* A pair of sockets: one end stays here as the back's connection, the other becomes a front there. */
static void open_connection(struct relay *r)
{
    int ends[2];
    struct tunnels *t = r->tunnels;
    if (r->n_connections >= RELAY_CONNECTIONS_MAX)
        return;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
        LOG(LOG_ERROR, "relay_failed", LOG_ERRNO(errno));
        return;
    }
    r->n_connections++;
    t->hooks->reach(t->hooks->ctx, r->worker, ends[1]);
    struct opening o = {.relay = r};
    conn_init_accepted(&o.conn, &t->proxy->conns, &opening_ops, ends[0], NULL);
    conn_start(&o.conn); /* in clear, it is open at once, and has moved */
}

void tunnels_relay(struct tunnels *t, int fd)
{
    front_open(t->proxy, fd, LISTEN_RELAY, &nowhere, true);
}

/* --- what becomes of them ------------------------------------------------------------------------ */

static void on_again(struct adopted *a, struct exchange *x)
{
    tunnel_steer(relay_of(a)->tunnels, x);
}

static bool on_refused(struct adopted *a, struct exchange *x, enum page_reason why)
{
    struct tunnels *t = relay_of(a)->tunnels;
    if (why != PAGE_TUNNEL_DOWN)
        return tunnel_refused(x, why);
    /* It has ended there, or moved: there is news on its way. */
    const struct field *f = fields_find(&x->request.fields, FIELD_LINKUP_TUNNEL);
    enum err e = span_to_u64(f->value, &x->tunnel.missed);
    CHECK(e == ERR_OK); /* relay_start has written it */
    tunnel_steer(t, x);
    return true;
}

static void on_crowded(struct adopted *a)
{
    open_connection(relay_of(a));
}

static void on_leaving(struct adopted *a)
{
    (void)a; /* the next request opens another */
}

static void on_gone(struct adopted *a)
{
    relay_of(a)->n_connections = 0;
}

static const struct adopted_ops relay_ops = {
    .again = on_again,
    .refused = on_refused,
    .crowded = on_crowded,
    .leaving = on_leaving,
    .gone = on_gone,
};

/* --- the way ------------------------------------------------------------------------------------- */

static struct relay *relay_to(struct tunnels *t, unsigned worker)
{
    struct relay *r = t->relays;
    while (r && r->worker != worker)
        r = r->next;
    if (r)
        return r;
    r = NEW(struct relay);
    r->tunnels = t;
    r->worker = worker;
    snprintf(r->name, sizeof r->name, "worker-%u", worker);
    r->adopted = (struct adopted){
        .ops = &relay_ops,
        .proxy = t->proxy,
        .name = r->name,
        .hash = span_hash(span_str(r->name)),
        .streams = TUNNEL_STREAMS,
        .when_lost = PAGE_TUNNEL_LOST,
    };
    r->next = t->relays;
    t->relays = r;
    return r;
}

void relay_start(struct tunnels *t, unsigned worker, uint64_t id, struct exchange *x)
{
    struct relay *r = relay_to(t, worker);
    struct span text = arena_printf(&x->arena, "%llu", (unsigned long long)id);
    if (!text.p || fields_set(&x->request.fields, &x->arena, FIELD_LINKUP_TUNNEL, text) != ERR_OK) {
        own_answer_page(x, PAGE_FIELDS_TOO_LARGE, NULL);
        return;
    }
    if (!adopted_takes(&r->adopted))
        open_connection(r);
    if (adopted_takes(&r->adopted))
        adopted_start(&r->adopted, x);
    else
        own_answer_page(x, PAGE_OVERLOADED, NULL);
}

void relays_free(struct tunnels *t)
{
    while (t->relays) {
        struct relay *r = t->relays;
        t->relays = r->next;
        CHECK(!r->adopted.pool);
        mem_free(r);
    }
}
