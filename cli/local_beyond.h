/* The zone's own edge, as the local one needs to know it: the settings' (c->settings). What can only be asked
 * there is asked in silence, and done without by who is offline. */
#pragma once

#include "cli/local_config.h"

/* The settings, a project file's hint with them, and that they tell the zone. */
enum exit_code local_beyond_need_zone(struct cli *c) MUST_USE;
/* How it is reached; its CA, where it is its own, goes into the place. */
enum exit_code local_beyond_find(struct cli *c, const struct local_place *p,
                                 struct local_beyond *out) MUST_USE;
/* The names of its services, asked for now, or as they were last seen; NULL: never. Kept by the run. */
json_t *local_beyond_services(struct cli *c, const struct local_place *p);
/* A name means one session. Where the zone's edge has one of that name, the context that goes along with requests
 * for shared services would lead into it: EXIT_MISSING. Says so when the edge cannot be reached. */
enum exit_code local_beyond_need_free(struct cli *c, const char *session) MUST_USE;
