/* A hash table of nodes that live in their owners' structures, found by a span that each holds.
 *
 * It owns nothing but its array. The keyed hash makes it safe for keys that peers choose. It grows
 * a little with each insertion, so that none of them pays for all: with 100,000 entries, too, an
 * insertion costs about the same. It never shrinks. Single-threaded. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/span.h"

struct table_node {
    struct table_node *next;
    uint64_t hash;
};

struct table_buckets {
    struct table_node **heads;
    size_t count; /* a power of two; 0 without an array */
};

struct table {
    /* The key of a node; it must not change while the node is in the table. */
    struct span (*key_of)(const struct table_node *n);
    struct table_buckets now;
    struct table_buckets old; /* those before the last growth, while they are being emptied */
    size_t moved;             /* the old buckets below have been emptied */
    size_t count;
};

/* No memory is taken before the first insertion. */
void table_init(struct table *t, struct span (*key_of)(const struct table_node *n));
/* Forgets the nodes that are still there. */
void table_deinit(struct table *t);

static inline size_t table_count(const struct table *t)
{
    return t->count;
}

/* NULL when there is none. */
struct table_node *table_find(const struct table *t, struct span key);
/* ERR_EXISTS when its key is there already: nothing was done. Dies without memory for the array,
 * which is small beside what the nodes took. */
enum err table_insert(struct table *t, struct table_node *n) MUST_USE;
/* N must be in the table. */
void table_remove(struct table *t, struct table_node *n);

/* Every node once, in no order:
 *
 *     struct table_iter it;
 *     for (struct table_node *n = table_first(t, &it); n; n = table_next(&it))
 *
 * Meanwhile the node at hand may be removed and freed; no other may, and none inserted. */
struct table_iter {
    const struct table *table;
    size_t bucket; /* the next to look into; the old ones come first */
    struct table_node *ahead;
};

struct table_node *table_first(const struct table *t, struct table_iter *it);
struct table_node *table_next(struct table_iter *it);
