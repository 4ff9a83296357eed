/* Asking services whether they are well, all at the same time: over HTTP, or only whether somebody listens. */
#pragma once

#include "cli/cli.h"
#include "config/project.h"

#define PROBE_MS 2000

enum probe_state {
    PROBE_NONE, /* not asked */
    PROBE_UP,
    PROBE_DOWN,
};

struct probe {
    const char *url; /* of the service, its base path included; NULL: it is not asked */
    const struct project_health *health; /* NULL: a GET of "/", and 200-399 is well */
    bool connect_only;
    enum probe_state state; /* afterwards */
    const char *why;        /* "status 500", "connection refused"; "" where it is up */
};

/* Takes PROBE_MS at most. */
void probe_all(struct cli *c, struct probe *v, size_t n);
/* Whether STATUS is one of a service that is well. Pure. */
bool probe_is_well(const struct project_health *h, long status);
