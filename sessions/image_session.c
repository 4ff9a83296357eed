/* The image of one session. There may be 100,000: each is one piece of memory, as large as needed. */
#include <stdatomic.h>
#include <stdio.h>

#include "core/mem.h"
#include "sessions/image.h"
#include "sessions/image_parts.h"

static size_t room_for(size_t n, size_t size)
{
    size_t align = _Alignof(max_align_t);
    return (n * size + align - 1) & ~(align - 1);
}

/* What the arrays take, each aligned. */
static size_t room_needed(const struct session *s)
{
    size_t room = room_for(s->n_overrides, sizeof(struct image_override)) +
                  room_for(s->n_domains, sizeof(struct image_domain)) +
                  room_for(s->n_rewrites, sizeof(struct rewrite_rule)) +
                  room_for(s->cache_routes.n, sizeof(struct regex *));
    for (size_t i = 0; i < s->n_overrides; i++)
        room += room_for(s->overrides[i].n_rewrites, sizeof(struct rewrite_rule));
    for (size_t i = 0; i < s->n_domains; i++)
        room += room_for(s->domains[i].n_routes, sizeof(struct image_route));
    return room;
}

static enum err add_overrides(struct session_image *i, struct image_maker *m)
{
    const struct session *s = i->session;
    char path[128];
    i->overrides = image_array(&i->arena, s->n_overrides, sizeof *i->overrides);
    for (size_t k = 0; k < s->n_overrides; k++) {
        const struct session_override *from = &s->overrides[k];
        struct image_override *o = &i->overrides[i->n_overrides++];
        o->service = from->service;
        o->key = span_str(from->service);
        o->kind = from->kind;
        o->fallback_shared = from->fallback_shared;
        image_backend(&from->backend, &o->backend);
        snprintf(path, sizeof path, "services.%s.rewrites", from->service);
        TRY(image_rewrites(m, from->rewrites, from->n_rewrites, path, &o->rewrites));
    }
    return ERR_OK;
}

static enum err fill(struct session_image *i, struct image_maker *m)
{
    const struct session *s = i->session;
    TRY(add_overrides(i, m));
    TRY(image_domains(m, s->domains, s->n_domains, &i->domains, &i->n_domains));
    TRY(image_rewrites(m, s->rewrites, s->n_rewrites, "rewrites", &i->rewrites));
    return image_regexes(m, &s->cache_routes, "cache_routes", &i->cache_routes, &i->n_cache_routes);
}

enum err session_image_new(struct session *s, struct session_image **out,
                           struct session_fault *fault)
{
    size_t align = _Alignof(max_align_t);
    size_t head = (sizeof(struct session_image) + align - 1) & ~(align - 1);
    size_t room = room_needed(s);
    struct session_image *i = mem_zalloc(head + room);
    atomic_init(&i->refs, 1);
    arena_init(&i->arena, (char *)i + head, room, SIZE_MAX);
    i->session = session_ref(s);
    i->name = span_str(s->name);

    struct image_maker m = {.arena = &i->arena, .fault = fault};
    enum err e = fill(i, &m);
    if (e != ERR_OK) {
        session_image_unref(i);
        return e;
    }
    *out = i;
    return ERR_OK;
}

struct session_image *session_image_ref(struct session_image *i)
{
    CHECK(atomic_fetch_add_explicit(&i->refs, 1, memory_order_relaxed) > 0);
    return i;
}

void session_image_unref(struct session_image *i)
{
    if (!i || atomic_fetch_sub_explicit(&i->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t k = 0; k < i->n_overrides; k++)
        image_rewrites_drop(&i->overrides[k].rewrites);
    image_domains_drop(i->domains, i->n_domains);
    image_rewrites_drop(&i->rewrites);
    image_regexes_drop(i->cache_routes, i->n_cache_routes);
    arena_deinit(&i->arena);
    session_unref(i->session);
    mem_free(i);
}

/* A session has a few dozen at most. */
const struct image_domain *session_image_domain(const struct session_image *i, struct span name)
{
    for (size_t k = 0; k < i->n_domains && i->domains[k].name.len >= name.len; k++)
        if (span_eq(i->domains[k].name, name))
            return &i->domains[k];
    return NULL;
}

const struct image_override *session_image_override(const struct session_image *i,
                                                    struct span service)
{
    size_t from = 0, to = i->n_overrides;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        int order = span_cmp(i->overrides[mid].key, service);
        if (order == 0)
            return &i->overrides[mid];
        if (order < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return NULL;
}
