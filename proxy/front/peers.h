/* Connections by client address: how many each holds. One per worker.
 *
 * A client is an IPv4 address or an IPv6 /64, the least that one subscriber is given: whoever has one has
 * all of its addresses. Memory is bounded by the connections there are. */
#pragma once

#include "core/addr.h"
#include "core/table.h"

struct peer {
    struct table_node node;
    uint8_t key[9]; /* the family's letter, then the address or its network */
    uint8_t key_len;
    size_t conns;
};

struct peers {
    struct table by_key;
};

void peers_init(struct peers *p);
/* All have left. */
void peers_deinit(struct peers *p);
/* One more connection of CLIENT's, until peers_leave. */
struct peer *peers_join(struct peers *p, const struct addr *client);
void peers_leave(struct peers *p, struct peer *peer);
