/* What the sightings of a watched request say: which service handed the session's context on to which, and
 * where it was lost. Pure but for the arena that the findings live in. */
#pragma once

#include "cli/doctor.h"

struct context_seen {
    const char *session;
    const json_t *sightings; /* of DELETE /v1/watches/{trace_id}, in the order of time */
    const json_t *own;       /* the session's `services`: what is its own */
    json_int_t missed;
};

/* Adds them to D, and what mends them. The first sighting is the request itself. */
void context_find(struct doctor *d, const struct context_seen *seen);
