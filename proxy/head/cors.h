/* cors: same-session. Services of one session live under different hosts and call each other from the
 * browser; where a backend says nothing of CORS, the edge allows its siblings, with credentials, and
 * nobody else. WHATWG Fetch 3.2. Pure. */
#pragma once

#include "proxy/head/forward.h"

/* The request's origin when it may be allowed: one origin, https, of the same session; else empty. */
struct span cors_allowed_origin(const struct request_head *request,
                                const struct route_result *route, const struct route_table *table,
                                const struct config *config);
/* Whether the response speaks of CORS itself. */
bool cors_is_answered(const struct response_head *h);
/* Allows ORIGIN in H; for a preflight what was asked for, too. */
enum err cors_allow(struct response_head *h, const struct request_head *request, struct span origin,
                    struct arena *arena) MUST_USE;
