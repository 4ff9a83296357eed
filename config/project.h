/* An engineer's project file, linkup.yaml: the services of a system, where each runs shared and where on
 * this machine, and the hosts that lead to them. It has the shape of Linkup's own.
 *
 * Made whole by project_load, never changed afterwards, freed by project_free. Strings are terminated, in
 * the project's own arena; absent ones are NULL. */
#pragma once

#include "config/config.h"

struct project_health {
    const char *path; /* NULL: none given */
    struct config_statuses *statuses;
    size_t n_statuses;
};

struct project_service {
    const char *name;
    struct config_backend remote; /* its url is NULL where the edge's own shared backend is meant */
    struct config_backend local;
    const char *directory; /* absolute, or NULL */
    struct config_rewrite *rewrites;
    size_t n_rewrites;
    struct project_health health;
};

struct project {
    const char *file;   /* absolute */
    const char *folder; /* that it stands in, with a final '/' */
    const char *edge_url;
    const char *token; /* a secret */
    struct config_strings cache_routes;
    struct project_service *services;
    size_t n_services;
    struct config_domain *domains;
    size_t n_domains;
};

/* Reads and checks FILE. On ERR_SYNTAX (or ERR_IO: unreadable) *ERRORS lists every error found. The
 * environment is read for ${NAME}. */
enum err project_load(const char *file, struct project **out,
                      struct config_errors *errors) MUST_USE;
/* The same from memory. */
enum err project_parse(const char *file, struct span yaml, struct project **out,
                       struct config_errors *errors) MUST_USE;
void project_free(struct project *p);
/* The service of that name, or NULL. */
const struct project_service *project_find(const struct project *p, struct span name);
/* The reference of all keys, as config_describe's. */
enum err project_describe(struct buf *out) MUST_USE;
/* The same as the items of linkup.yaml(5). */
enum err project_describe_mdoc(struct buf *out) MUST_USE;
