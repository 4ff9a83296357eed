/* A worker's side of tunnels: where each session's tunnel is, those whose connections are held here, and the
 * ways to the workers that hold the others.
 *
 * A request for a session's tunnel goes over the connection, where it is held here, or by a relay to the
 * worker that holds it: an HTTP/2 connection between the two, on which it is an exchange once more
 * (LISTEN_RELAY). While a tunnel is down, or just being handed over, requests wait for WAIT_MS at most;
 * what is known to be down for longer is told so at once. One worker's thread only. */
#pragma once

#include "proxy/exchange.h"
#include "tunnel/edge/tunnel_news.h"

struct tunnels;

struct tunnels_hooks {
    void *ctx;
    /* The tunnel ID, held here, takes no more requests. */
    void (*ended)(void *ctx, uint64_t id);
    /* FD (given away) is to be the other end of a relay, at WORKER: tunnels_relay. */
    void (*reach)(void *ctx, unsigned worker, int fd);
};

/* SELF: which worker this is. STARTED_MS: wall clock; before that nothing was known of anyone. PROXY and HOOKS
 * are borrowed. */
struct tunnels *tunnels_new(struct proxy *proxy, unsigned self, const struct tunnels_hooks *hooks,
                            int64_t started_ms);
/* After the proxy has been freed. */
void tunnels_free(struct tunnels *t);

/* From control: what has changed. */
void tunnels_apply(struct tunnels *t, const struct tunnel_news *news);
/* The tunnel ID has come: FROM is moved. Ids come here in their order. */
void tunnels_hold(struct tunnels *t, uint64_t id, struct conn *from, const struct addr *client);
/* From another worker: FD is the end of a relay. */
void tunnels_relay(struct tunnels *t, int fd);
/* Agents are told to go elsewhere. */
void tunnels_drain(struct tunnels *t);

/* X's route leads to its session's tunnel, and its head is ready for the way. */
void tunnels_start(struct tunnels *t, struct exchange *x);
/* X came by a relay. */
void tunnels_start_relayed(struct tunnels *t, struct exchange *x);
