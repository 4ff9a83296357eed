#include "proxy/health/health.h"

#include <stdatomic.h>
#include <stdio.h>

#include "core/mem.h"

const char *health_why(enum health_outcome outcome, int status, char out[HEALTH_WHY_MAX])
{
    static const char *const words[] = {
        [HEALTH_WELL] = "well",
        [HEALTH_REFUSED] = "connection refused",
        [HEALTH_BROKE] = "connection broke",
        [HEALTH_SILENT] = "no answer in time",
        [HEALTH_NAME] = "name not resolved",
        [HEALTH_UNTRUSTED] = "TLS failed",
        [HEALTH_OTHER] = "could not be asked",
    };
    if (outcome == HEALTH_STATUS)
        snprintf(out, HEALTH_WHY_MAX, "status %d", status);
    else
        snprintf(out, HEALTH_WHY_MAX, "%s", words[outcome]);
    return out;
}

const char *health_state_word(enum health_state s)
{
    static const char *const words[] = {
        [HEALTH_UNKNOWN] = "unknown", [HEALTH_UP] = "up", [HEALTH_DOWN] = "down"};
    return words[s];
}

static struct span entry_key(const struct table_node *n)
{
    const struct health_entry *e = CONTAINER_OF(n, const struct health_entry, node);
    return span_of(&e->hash, sizeof e->hash);
}

struct health_image *health_image_new(size_t n)
{
    struct health_image *i = mem_zalloc(sizeof *i + n * sizeof(struct health_entry));
    atomic_init(&i->refs, 1);
    table_init(&i->by_hash, entry_key);
    return i;
}

void health_image_seal(struct health_image *i)
{
    for (size_t k = 0; k < i->n; k++)
        CHECK(table_insert(&i->by_hash, &i->v[k].node) == ERR_OK);
}

struct health_image *health_image_ref(struct health_image *i)
{
    CHECK(atomic_fetch_add_explicit(&i->refs, 1, memory_order_relaxed) > 0);
    return i;
}

void health_image_unref(struct health_image *i)
{
    if (!i || atomic_fetch_sub_explicit(&i->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t k = 0; k < i->n; k++)
        table_remove(&i->by_hash, &i->v[k].node);
    table_deinit(&i->by_hash);
    mem_free(i);
}

const struct health_entry *health_image_find(const struct health_image *i, uint64_t hash)
{
    struct table_node *n = i ? table_find(&i->by_hash, span_of(&hash, sizeof hash)) : NULL;
    return n ? CONTAINER_OF(n, const struct health_entry, node) : NULL;
}
