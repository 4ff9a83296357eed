/* What routing reads, compiled once: the edge's part (from the configuration) and one small image a
 * session. Both immutable, counted atomically, made by control, read by workers. */
#pragma once

#include "config/config.h"
#include "core/table.h"
#include "sessions/regex.h"
#include "sessions/session.h"

/* A backend as routing hands it out. Lives as long as the image that holds it. */
struct route_backend {
    struct config_backend to;
    /* Of scheme, host, port and TLS settings, and of a checked service its name and what is asked for:
     * the key of a connection pool, and of what the checks find. */
    uint64_t hash;
};

struct rewrite_rule {
    struct regex *source;
    const char *target;
};

struct rewrite_set {
    struct rewrite_rule *v;
    size_t n;
};

struct image_route {
    struct regex *path;
    const char *service;
};

struct image_domain {
    struct table_node node; /* in the edge's domain_index */
    struct span name;       /* the same as domain */
    const char *domain;
    const char *default_service;
    struct image_route *routes;
    size_t n_routes;
};

struct image_service {
    struct table_node node; /* in the edge's service_index */
    struct span key;        /* the same as name */
    const char *name;
    struct route_backend backend;
    struct rewrite_set rewrites;
    bool passthrough;
    const struct config_health *health; /* NULL: it is not checked */
};

struct edge_image {
    _Atomic unsigned refs;
    struct arena arena;
    struct config *config;                    /* referenced */
    struct span zone, host;                   /* host: edge.<zone> */
    struct table domain_index, service_index; /* complete before anyone else sees the image */
    struct image_service *services;           /* sorted by name */
    size_t n_services;
    size_t n_passthrough;         /* of the services */
    struct image_domain *domains; /* longest first */
    size_t n_domains;
    struct regex **cache_routes;
    size_t n_cache_routes;
};

struct image_override {
    const char *service;
    struct span key; /* the same */
    enum override_kind kind;
    struct route_backend backend;
    struct rewrite_set rewrites;
    bool fallback_shared;
};

struct session_image {
    _Atomic unsigned refs;
    struct arena arena;
    struct session *session; /* referenced */
    struct span name;
    struct image_override *overrides; /* sorted by service */
    size_t n_overrides;
    struct image_domain *domains; /* longest first */
    size_t n_domains;
    struct rewrite_set rewrites;
    struct regex **cache_routes;
    size_t n_cache_routes;
};

struct edge_image *edge_image_new(struct config *c);
struct edge_image *edge_image_ref(struct edge_image *i);
void edge_image_unref(struct edge_image *i);
/* NULL when there is none. */
const struct image_domain *edge_image_domain(const struct edge_image *i, struct span name);
const struct image_service *edge_image_service(const struct edge_image *i, struct span name);

/* S is referenced. ERR_SYNTAX with FAULT when a regex does not compile. */
enum err session_image_new(struct session *s, struct session_image **out,
                           struct session_fault *fault) MUST_USE;
struct session_image *session_image_ref(struct session_image *i);
void session_image_unref(struct session_image *i);
/* NULL when there is none. */
const struct image_domain *session_image_domain(const struct session_image *i, struct span name);
const struct image_override *session_image_override(const struct session_image *i,
                                                    struct span service);
