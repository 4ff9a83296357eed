/* Control's side of the active health checks: takes in what the worker that checks has found, keeps it,
 * tells the other workers, the log and the listeners to events, and answers the API. */
#pragma once

#include "server/control.h"

/* The services of C's image; what is known of those that did not change is kept. Tells the workers. */
void health_configure(struct control *c);
void health_deinit(struct control *c);
/* On a worker's thread: R is what it has found. */
void health_report(struct edge_worker *w, const struct health_round *r);

/* On control, for the API; new references. NULL: SERVICE is not checked. */
json_t *health_of_service(const struct control *c, const char *service);
/* How many services are up, down, and not known yet. */
json_t *health_counts(const struct control *c);
