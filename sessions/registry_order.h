/* Names in order, for listing page by page: a skip list whose every step costs O(log n). */
#pragma once

#include "core/span.h"

#define ORDER_LEVELS 10 /* one in four goes a level up: enough for a million */

struct order_node {
    struct span name; /* of its owner, who keeps it alive */
    unsigned levels;
    struct order_node *next[]; /* `levels` of them */
};

struct order {
    struct order_node *first[ORDER_LEVELS];
};

void order_init(struct order *o);
/* Frees the nodes. */
void order_deinit(struct order *o);
/* NAME must not be there yet. */
struct order_node *order_add(struct order *o, struct span name);
/* Frees N. */
void order_remove(struct order *o, struct order_node *n);
/* The first whose name comes after NAME (an empty one: the first of all), or NULL. */
struct order_node *order_after(const struct order *o, struct span name);
