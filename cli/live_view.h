/* The status as it changes: drawn anew on a terminal, a line for each change in a pipe. The agent tells of changes;
 * nothing is asked for in between. Ends by SIGINT, SIGTERM or SIGHUP. */
#pragma once

#include "cli/place.h"

/* All sessions of this machine (SESSION NULL), or that one. */
enum exit_code live_view_watch(struct cli *c, const char *session) MUST_USE;
/* The session of P alone; at the end it is stopped, as `linkup stop` does it. An agent that dies is replaced. */
enum exit_code live_view_until_end(struct cli *c, const struct place *p) MUST_USE;
