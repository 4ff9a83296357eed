/* Things found by the base of a certificate, in the order of their last use.
 *
 * An intrusive hash table with a list through it, newest first, so that who holds too many can let
 * the oldest go. The number of buckets is fixed; bases are chosen by peers, so the hash is keyed.
 * Single-threaded; owns nothing. */
#pragma once

#include <stddef.h>

#include "core/span.h"

struct base_node {
    struct base_node *chain; /* in the bucket */
    struct base_node *newer, *older;
    const char *base; /* the owner's, lives as long as the node is in the map */
};

struct base_map {
    struct base_node **buckets;
    size_t n_buckets, n;
    struct base_node *newest, *oldest;
};

/* N_BUCKETS is a power of two. */
void base_map_init(struct base_map *m, size_t n_buckets);
/* The nodes stay their owners'. */
void base_map_deinit(struct base_map *m);
/* NULL when there is none. Does not count as a use. */
struct base_node *base_map_find(const struct base_map *m, struct span base);
/* There must be none of that base. It counts as the newest. */
void base_map_add(struct base_map *m, struct base_node *n, const char *base);
void base_map_remove(struct base_map *m, struct base_node *n);
/* N has been used just now. */
void base_map_touch(struct base_map *m, struct base_node *n);
