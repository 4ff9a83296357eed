#include "sessions/image.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "core/mem.h"
#include "sessions/image_parts.h"

static struct span domain_key(const struct table_node *n)
{
    return CONTAINER_OF(n, const struct image_domain, node)->name;
}

static struct span service_key(const struct table_node *n)
{
    return CONTAINER_OF(n, const struct image_service, node)->key;
}

static int by_name(const void *a, const void *b)
{
    const struct image_service *x = a, *y = b;
    return span_cmp(x->key, y->key);
}

static void add_services(struct edge_image *i, struct image_maker *m)
{
    const struct config *c = i->config;
    i->services = image_array(&i->arena, c->n_services, sizeof *i->services);
    for (size_t k = 0; k < c->n_services; k++) {
        const struct config_service *from = &c->services[k];
        struct image_service *s = &i->services[i->n_services++];
        s->name = from->name;
        s->key = span_str(from->name);
        s->passthrough = from->passthrough;
        i->n_passthrough += from->passthrough;
        s->health = from->health.path ? &from->health : NULL;
        if (s->health)
            image_checked_backend(from, &s->backend);
        else
            image_backend(&from->backend, &s->backend);
        CHECK(image_rewrites(m, from->rewrites, from->n_rewrites, "", &s->rewrites) == ERR_OK);
    }
    if (i->n_services > 1)
        qsort(i->services, i->n_services, sizeof *i->services, by_name);
}

/* The nodes stay where they are from now on. A name that is there twice cannot be: config_load
 * refuses it. */
static void index_names(struct edge_image *i)
{
    table_init(&i->domain_index, domain_key);
    table_init(&i->service_index, service_key);
    for (size_t k = 0; k < i->n_domains; k++)
        CHECK(table_insert(&i->domain_index, &i->domains[k].node) == ERR_OK);
    for (size_t k = 0; k < i->n_services; k++)
        CHECK(table_insert(&i->service_index, &i->services[k].node) == ERR_OK);
}

struct edge_image *edge_image_new(struct config *c)
{
    struct edge_image *i = NEW(struct edge_image);
    atomic_init(&i->refs, 1);
    arena_init(&i->arena, NULL, 0, SIZE_MAX);
    i->config = config_ref(c);
    i->zone = span_str(c->zone);
    i->host = arena_printf(&i->arena, "edge.%s", c->zone);
    CHECK(i->host.p != NULL);

    struct image_maker m = {.arena = &i->arena, .trusted = true};
    add_services(i, &m);
    CHECK(image_domains(&m, c->domains, c->n_domains, &i->domains, &i->n_domains) == ERR_OK);
    CHECK(image_regexes(&m, &c->cache_routes, "", &i->cache_routes, &i->n_cache_routes) == ERR_OK);
    index_names(i);
    return i;
}

struct edge_image *edge_image_ref(struct edge_image *i)
{
    CHECK(atomic_fetch_add_explicit(&i->refs, 1, memory_order_relaxed) > 0);
    return i;
}

void edge_image_unref(struct edge_image *i)
{
    if (!i || atomic_fetch_sub_explicit(&i->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t k = 0; k < i->n_services; k++)
        image_rewrites_drop(&i->services[k].rewrites);
    image_domains_drop(i->domains, i->n_domains);
    image_regexes_drop(i->cache_routes, i->n_cache_routes);
    table_deinit(&i->domain_index);
    table_deinit(&i->service_index);
    arena_deinit(&i->arena);
    config_unref(i->config);
    mem_free(i);
}

const struct image_domain *edge_image_domain(const struct edge_image *i, struct span name)
{
    const struct table_node *n = table_find(&i->domain_index, name);
    return n ? CONTAINER_OF(n, const struct image_domain, node) : NULL;
}

const struct image_service *edge_image_service(const struct edge_image *i, struct span name)
{
    const struct table_node *n = table_find(&i->service_index, name);
    return n ? CONTAINER_OF(n, const struct image_service, node) : NULL;
}
