/* One worker's routing table: the edge's image and the images of all live sessions by name.
 *
 * Used by its worker's thread only; control changes it by deltas (mails). An exchange pins the entry
 * it uses: an entry taken out of the table lives until its last pin has gone. Pins are plain counts. */
#pragma once

#include "core/table.h"
#include "sessions/image.h"

struct session_entry {
    struct table_node node;
    struct session_image *image;
    uint64_t pins;
    uint64_t used_ms; /* of the loop's clock: when a use was last reported to control */
    bool gone;        /* out of the table */
};

struct route_table {
    struct edge_image *edge;
    struct table sessions;
    struct regex_scratch *scratch;
};

/* EDGE is referenced. */
void route_table_init(struct route_table *t, struct edge_image *edge);
void route_table_deinit(struct route_table *t);
void route_table_set_edge(struct route_table *t, struct edge_image *edge);
/* Adds or replaces; IMAGE is referenced. The entry it replaces goes on for those who pinned it. */
void route_table_put(struct route_table *t, struct session_image *image);
void route_table_remove(struct route_table *t, struct span name);
struct session_entry *route_table_find(const struct route_table *t, struct span name);
size_t route_table_count(const struct route_table *t);

void session_entry_pin(struct session_entry *e);
void session_entry_unpin(struct session_entry *e);
