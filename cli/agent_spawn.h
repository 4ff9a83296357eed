/* Starting the agent's process, and ending one that does not answer. */
#pragma once

#include "cli/agent/agent_process.h"

/* Ready when it returns; says what is wrong. */
enum exit_code agent_spawn(struct cli *c, const struct agent_files *f) MUST_USE;
/* Returns when nobody holds the agent's lock: who does has SECONDS to end by itself, then is ended by SIGTERM,
 * and when it does not heed that, by SIGKILL. */
void agent_make_room(struct cli *c, const struct agent_files *f, unsigned seconds);
