/* What a backend says of its own host, turned into what the client knows: location and the domain of a
 * cookie. Pure. */
#pragma once

#include "proxy/head/forward.h"

/* LOCATION as the client should have it, LOCATION itself when nothing is to be turned; p is NULL when the
 * arena is full. Turned are URLs and network-path references to the backend's host and port, without its
 * base path; and paths below that base path, which the edge would put in front a second time. */
struct span turn_location(struct span location, const struct forward_facts *facts,
                          struct arena *arena);
/* VALUE of a set-cookie whose domain is the backend's host, with the public host in its place, byte for
 * byte the same otherwise. As above. */
struct span turn_cookie(struct span value, const struct forward_facts *facts, struct arena *arena);
