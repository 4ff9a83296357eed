/* Which session and service a request is for, and where it goes: DESIGN's host table, context, routes
 * and rewrites. Pure but for the scratch of the table: the same code routes traffic and answers
 * /v1/explain. Allocates nothing from the heap. */
#pragma once

#include "sessions/context.h"
#include "sessions/table.h"

struct route_query {
    struct span host; /* normalised (host_normalise) */
    struct span path; /* without the query; starts with '/', or "*" */
    const struct route_context *context;
};

enum route_outcome {
    ROUTE_TO_BACKEND,       /* backend */
    ROUTE_TO_TUNNEL,        /* session's override is a tunnel */
    ROUTE_TO_EDGE,          /* edge.<zone>: API */
    ROUTE_UNKNOWN_HOST,     /* 404: none of the labels and domains there are */
    ROUTE_UNKNOWN_SESSION,  /* 404: the host names a session that does not live */
    ROUTE_UNKNOWN_SERVICE,  /* 404 that lists the services there are */
    ROUTE_SESSION_REQUIRED, /* 422 */
};

enum route_place { PLACE_SHARED, PLACE_SESSION, PLACE_TUNNEL };

/* How the session was found. */
enum session_source {
    SESSION_NONE,
    SESSION_FROM_HOST,
    SESSION_FROM_BAGGAGE,
    SESSION_FROM_TRACESTATE,
    SESSION_FROM_REFERER,
    SESSION_FROM_ORIGIN,
};

enum service_source {
    SERVICE_FROM_LABEL, /* <service>.<session>.<zone>, <service>--<session>.<zone>, <service>.<zone> */
    SERVICE_FROM_ROUTE,   /* a domain's path route */
    SERVICE_FROM_DEFAULT, /* a domain's default service */
};

struct route_result {
    enum route_outcome outcome;
    struct session_entry *session; /* NULL: none; not pinned */
    struct span session_name;      /* also of one that does not live */
    struct span service;
    enum session_source session_source;
    enum service_source service_source;
    const struct image_domain *domain; /* NULL: none took part */
    const struct image_route *route;   /* SERVICE_FROM_ROUTE */
    enum route_place place;
    const struct route_backend *backend;   /* ROUTE_TO_BACKEND */
    const struct image_override *override; /* NULL: shared */
    const struct image_service *shared;    /* the shared copy, NULL: there is none */
    bool fell_back;                        /* to the shared copy, for the session's own was down */
};

/* The result's pointers live as long as the session entry (pin it) and the table's edge image (hold a
 * reference); the names may also point into the query's host. */
void route(const struct route_table *t, const struct route_query *q, struct route_result *out);

enum route_passthrough {
    PASSTHROUGH_NOT,     /* the edge's TLS, and HTTP */
    PASSTHROUGH,         /* the bytes go to the result's backend as they are */
    PASSTHROUGH_UNKNOWN, /* they would, but the session that HOST names does not live */
};

/* What is to be done with a TLS connection for HOST (normalised), of which nothing else is known: a path
 * or a context takes no part. It is passed through when HOST's service is marked so and the backend is
 * an https one; a session's own copy that is plain HTTP is served as any other. The hosts of domains with
 * routes are never passed through. */
enum route_passthrough route_passthrough(const struct route_table *t, struct span host,
                                         struct route_result *out);

/* When the session's own copy cannot be reached: turns R to the shared one, if the override allows it
 * ("fallback": "shared") and there is one. */
bool route_may_fall_back(const struct route_result *r);
bool route_fall_back(struct route_result *r);

/* The path for the backend: rewrites in order (session's, override's, service's), then the backend's
 * base path in front; the query is not touched. PATH itself when nothing changes, and for "*". ERR_FULL when it
 * would become too long (414), ERR_SYNTAX when a rewrite makes what is no path (a bug of the rewrite). */
enum err route_path(const struct route_table *t, const struct route_result *r, struct span path,
                    struct arena *arena, struct span *out) MUST_USE;
/* Whether PATH is one of cache_routes (of the session, else the edge). */
bool route_is_cache_route(const struct route_table *t, const struct route_result *r,
                          struct span path);
/* The rule in words for linkup-rule and explain, visible ASCII, in ARENA (empty when that is full):
 * "session by host; service by route ^/api/ of dev.example.com; override". */
struct span route_rule(const struct route_result *r, struct arena *arena);
/* Whether OTHER_HOST (of an Origin, as written) names the session that R was routed to (CORS). False
 * without a session: the shared copies answer for themselves. */
bool route_same_session(const struct route_table *t, const struct route_result *r,
                        struct span other_host);
