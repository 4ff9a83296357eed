#include "tunnel/edge/tunnels_parts.h"

static struct span name_of(const struct table_node *n)
{
    return span_str(CONTAINER_OF(n, const struct known_session, node)->route.session);
}

/* --- what is known ------------------------------------------------------------------------------- */

static struct known_session *find(const struct tunnels *t, struct span session)
{
    struct table_node *n = table_find(&t->known, session);
    return n ? CONTAINER_OF(n, struct known_session, node) : NULL;
}

const struct tunnel_route *tunnels_known(const struct tunnels *t, struct span session)
{
    const struct known_session *k = find(t, session);
    return k ? &k->route : NULL;
}

static void forget(struct tunnels *t, struct known_session *k)
{
    table_remove(&t->known, &k->node);
    mem_free(k);
}

static void learn(struct tunnels *t, const struct tunnel_route *r)
{
    struct known_session *k = find(t, span_str(r->session));
    if (r->forget) {
        if (k)
            forget(t, k);
        return;
    }
    if (k) {
        k->route = *r;
        return;
    }
    k = NEW(struct known_session);
    k->route = *r;
    enum err e = table_insert(&t->known, &k->node);
    CHECK(e == ERR_OK);
}

void tunnels_apply(struct tunnels *t, const struct tunnel_news *news)
{
    for (size_t i = 0; i < news->n_routes; i++)
        learn(t, &news->routes[i]);
    for (size_t i = 0; i < news->n_retired; i++)
        held_retire(t, news->retired[i]);
    for (size_t i = 0; i < news->n_routes; i++)
        waiting_wake(t, span_str(news->routes[i].session));
}

/* --- life ---------------------------------------------------------------------------------------- */

struct tunnels *tunnels_new(struct proxy *proxy, unsigned self, const struct tunnels_hooks *hooks,
                            int64_t started_ms)
{
    struct tunnels *t = NEW(struct tunnels);
    t->loop = proxy->conns.loop;
    t->proxy = proxy;
    t->hooks = hooks;
    t->self = self;
    t->started_ms = started_ms;
    table_init(&t->known, name_of);
    held_init(t);
    waiting_init(t);
    return t;
}

void tunnels_free(struct tunnels *t)
{
    struct table_iter it;
    waiting_deinit(t);
    held_deinit(t);
    relays_free(t);
    for (struct table_node *n = table_first(&t->known, &it); n; n = table_next(&it))
        forget(t, CONTAINER_OF(n, struct known_session, node));
    table_deinit(&t->known);
    mem_free(t);
}
