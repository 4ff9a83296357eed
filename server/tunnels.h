/* Tunnels between control, which keeps the book of them, and the workers, which hold their connections.
 * See tunnel/edge/. */
#pragma once

#include <jansson.h>

#include "server/control.h"

/* --- on control ---------------------------------------------------------------------------------- */

void tunnels_init(struct control *c);
void tunnels_deinit(struct control *c);
/* api_facts; CTX is the control. */
void tunnels_open(void *ctx, struct api_call *call, const struct api_tunnel_ask *ask,
                  api_tunnel_opened *opened, void *opened_ctx);
void tunnels_lost(void *ctx, uint64_t id);
void tunnels_revoke(void *ctx, const char *token);
json_t *tunnels_of(void *ctx, const char *session);
/* S has ended. */
void tunnels_session_gone(struct control *c, const struct session *s);

/* --- on a worker --------------------------------------------------------------------------------- */

void tunnels_worker_init(struct edge_worker *w);
/* conn_taker: the tunnel of ctx, a struct tunnel_arrival, has come. */
struct tunnel_arrival {
    struct edge_worker *worker;
    uint64_t id;
};
void tunnels_arrive(void *ctx, struct conn *from, const struct addr *client);
/* It will not come: its client has gone. */
void tunnels_missed(struct edge_worker *w, uint64_t id);
