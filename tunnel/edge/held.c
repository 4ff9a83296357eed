#include <stdio.h>

#include "core/log.h"
#include "tunnel/edge/tunnels_parts.h"

/* A tunnel whose connection is this worker's. */
struct held {
    struct table_node node; /* until it has gone */
    struct turn_item reap;
    struct tunnels *tunnels;
    uint64_t id;
    char name[32];
    struct adopted adopted;
};

static struct held *held_of(struct adopted *a)
{
    return CONTAINER_OF(a, struct held, adopted);
}

static struct span id_of(const struct table_node *n)
{
    const struct held *h = CONTAINER_OF(n, const struct held, node);
    return span_of(&h->id, sizeof h->id);
}

static struct held *find(const struct tunnels *t, uint64_t id)
{
    struct table_node *n = table_find(&t->held, span_of(&id, sizeof id));
    return n ? CONTAINER_OF(n, struct held, node) : NULL;
}

struct adopted *held_find(const struct tunnels *t, uint64_t id)
{
    struct held *h = find(t, id);
    return h && adopted_takes(&h->adopted) ? &h->adopted : NULL;
}

void held_retire(struct tunnels *t, uint64_t id)
{
    struct held *h = find(t, id);
    if (h)
        adopted_retire(&h->adopted);
}

void tunnels_drain(struct tunnels *t)
{
    struct table_iter it;
    for (struct table_node *n = table_first(&t->held, &it); n; n = table_next(&it))
        adopted_retire(&CONTAINER_OF(n, struct held, node)->adopted);
}

/* --- what becomes of it -------------------------------------------------------------------------- */

static void on_again(struct adopted *a, struct exchange *x)
{
    tunnel_steer(held_of(a)->tunnels, x);
}

static bool on_refused(struct adopted *a, struct exchange *x, enum page_reason why)
{
    (void)a;
    return tunnel_refused(x, why);
}

static void on_leaving(struct adopted *a)
{
    struct held *h = held_of(a);
    h->tunnels->hooks->ended(h->tunnels->hooks->ctx, h->id);
}

static void free_held(struct turn_item *i)
{
    mem_free(CONTAINER_OF(i, struct held, reap));
}

static void on_gone(struct adopted *a)
{
    struct held *h = held_of(a);
    struct tunnels *t = h->tunnels;
    LOG(LOG_DEBUG, "tunnel_closed", LOG_U("tunnel", h->id));
    metrics_sub(t->proxy->metrics, METRIC_TUNNELS_OPEN, 1);
    table_remove(&t->held, &h->node);
    h->reap.run = free_held;
    turn_reap(&t->proxy->conns.turn, &h->reap);
}

static const struct adopted_ops held_ops = {
    .again = on_again,
    .refused = on_refused,
    .leaving = on_leaving,
    .gone = on_gone,
};

/* --- life ---------------------------------------------------------------------------------------- */

/* Those who wait for one of its sessions. */
static void wake(struct tunnels *t, uint64_t id)
{
    struct span names[API_TUNNEL_SESSIONS_MAX];
    size_t n = 0;
    struct table_iter it;
    for (struct table_node *k = table_first(&t->known, &it); k && n < ARRAY_LEN(names);
         k = table_next(&it)) {
        const struct tunnel_route *r = &CONTAINER_OF(k, struct known_session, node)->route;
        if (r->id == id)
            names[n++] = span_str(r->session);
    }
    for (size_t i = 0; i < n; i++)
        waiting_wake(t, names[i]);
}

void tunnels_hold(struct tunnels *t, uint64_t id, struct conn *from, const struct addr *client)
{
    struct held *h = NEW(struct held);
    CHECK(id > t->last_held);
    t->last_held = id;
    h->tunnels = t;
    h->id = id;
    snprintf(h->name, sizeof h->name, "tunnel-%llu", (unsigned long long)id);
    h->adopted = (struct adopted){
        .ops = &held_ops,
        .proxy = t->proxy,
        .name = h->name,
        .hash = span_hash(span_str(h->name)),
        .streams = TUNNEL_STREAMS,
        .when_lost = PAGE_TUNNEL_LOST,
    };
    enum err e = table_insert(&t->held, &h->node);
    CHECK(e == ERR_OK);
    metrics_add(t->proxy->metrics, METRIC_TUNNELS, 1);
    metrics_add(t->proxy->metrics, METRIC_TUNNELS_OPEN, 1);
    adopted_bring(&h->adopted, from, client);
    if (t->n_waiting > 0)
        wake(t, id);
}

void held_init(struct tunnels *t)
{
    table_init(&t->held, id_of);
}

void held_deinit(struct tunnels *t)
{
    CHECK(table_count(&t->held) == 0);
    table_deinit(&t->held);
}
