#include "proxy/front/peers.h"

#include "core/mem.h"

#define V6_NETWORK 8 /* bytes of a /64 */

static struct span peer_key(const struct table_node *n)
{
    const struct peer *p = CONTAINER_OF(n, const struct peer, node);
    return span_of(p->key, p->key_len);
}

void peers_init(struct peers *p)
{
    table_init(&p->by_key, peer_key);
}

void peers_deinit(struct peers *p)
{
    CHECK(table_count(&p->by_key) == 0);
    table_deinit(&p->by_key);
}

static void set_key(struct peer *p, const struct addr *client)
{
    size_t len = 0;
    const uint8_t *ip = addr_ip_bytes(client, &len);
    if (len > V6_NETWORK)
        len = V6_NETWORK;
    p->key[0] = len == 4 ? '4' : '6';
    memcpy(p->key + 1, ip, len);
    p->key_len = (uint8_t)(len + 1);
}

struct peer *peers_join(struct peers *p, const struct addr *client)
{
    struct peer wanted;
    set_key(&wanted, client);
    struct table_node *n = table_find(&p->by_key, span_of(wanted.key, wanted.key_len));
    struct peer *peer = n ? CONTAINER_OF(n, struct peer, node) : NULL;
    if (!peer) {
        peer = NEW(struct peer);
        set_key(peer, client);
        enum err e = table_insert(&p->by_key, &peer->node);
        CHECK(e == ERR_OK);
    }
    peer->conns++;
    return peer;
}

void peers_leave(struct peers *p, struct peer *peer)
{
    CHECK(peer->conns > 0);
    if (--peer->conns > 0)
        return;
    table_remove(&p->by_key, &peer->node);
    mem_free(peer);
}
