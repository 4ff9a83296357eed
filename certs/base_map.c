#include "certs/base_map.h"

#include "core/err.h"
#include "core/mem.h"

void base_map_init(struct base_map *m, size_t n_buckets)
{
    CHECK(n_buckets > 0 && (n_buckets & (n_buckets - 1)) == 0);
    *m = (struct base_map){.n_buckets = n_buckets};
    m->buckets = mem_zalloc(n_buckets * sizeof *m->buckets);
}

void base_map_deinit(struct base_map *m)
{
    mem_free(m->buckets);
    *m = (struct base_map){.n_buckets = 0};
}

static struct base_node **bucket(const struct base_map *m, struct span base)
{
    return &m->buckets[span_hash(base) & (m->n_buckets - 1)];
}

struct base_node *base_map_find(const struct base_map *m, struct span base)
{
    for (struct base_node *n = *bucket(m, base); n; n = n->chain) {
        if (span_eq(span_str(n->base), base))
            return n;
    }
    return NULL;
}

static void link_newest(struct base_map *m, struct base_node *n)
{
    n->newer = NULL;
    n->older = m->newest;
    if (m->newest)
        m->newest->newer = n;
    m->newest = n;
    if (!m->oldest)
        m->oldest = n;
}

static void unlink_order(struct base_map *m, struct base_node *n)
{
    if (n->newer)
        n->newer->older = n->older;
    if (n->older)
        n->older->newer = n->newer;
    if (m->newest == n)
        m->newest = n->older;
    if (m->oldest == n)
        m->oldest = n->newer;
}

void base_map_add(struct base_map *m, struct base_node *n, const char *base)
{
    struct base_node **b = bucket(m, span_str(base));
    n->base = base;
    n->chain = *b;
    *b = n;
    link_newest(m, n);
    m->n++;
}

void base_map_remove(struct base_map *m, struct base_node *n)
{
    struct base_node **at = bucket(m, span_str(n->base));
    while (*at != n) {
        CHECK(*at);
        at = &(*at)->chain;
    }
    *at = n->chain;
    unlink_order(m, n);
    m->n--;
}

void base_map_touch(struct base_map *m, struct base_node *n)
{
    if (m->newest == n)
        return;
    unlink_order(m, n);
    link_newest(m, n);
}
