/* A change of who carries which session, on its way from control to every worker. Not changed once it is
 * under way. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sessions/api.h"

struct tunnel_route {
    char session[SESSION_NAME_MAX + 1];
    uint64_t id;      /* of the tunnel; 0: it is down */
    unsigned worker;  /* that holds it */
    int64_t since_ms; /* wall clock: it has been so since then */
    bool forget;      /* the session has ended: nothing is known of it any more */
};

struct tunnel_news {
    struct tunnel_route routes[API_TUNNEL_SESSIONS_MAX];
    size_t n_routes;
    uint64_t retired[API_TUNNEL_SESSIONS_MAX]; /* tunnels that carry nothing any more */
    size_t n_retired;
};
