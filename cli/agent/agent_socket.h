/* The agent's socket: takes requests (agent_request.h) of this user's other processes, and tells who watches
 * of changes. A peer that is another user's is closed at once. All on the loop's thread. */
#pragma once

#include <ev.h>

#include "cli/agent/agent_held.h"

struct agent_socket;

struct agent_socket_ops {
    void *ctx;
    /* "replace" was asked for. */
    void (*replace)(void *ctx);
    /* A request was done; what is held may be nothing now. */
    void (*done)(void *ctx);
};

/* FD listens, and becomes the socket's. */
struct agent_socket *agent_socket_new(struct ev_loop *loop, int fd, struct agent_held *held,
                                      const struct agent_socket_ops *ops);
/* Closes all; what was answered is in the peers' hands. */
void agent_socket_free(struct agent_socket *s);
/* The status has changed: who watches is told at the end of this turn of the loop. */
void agent_socket_tell(struct agent_socket *s);
