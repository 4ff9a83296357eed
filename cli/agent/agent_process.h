/* The agent as a process: one for each user and machine, `linkup agent`, started by `linkup start` and its
 * like, and ended by itself when there is no session left. */
#pragma once

#include "cli/cli.h"

/* Files of the agent; all are in our folders. */
struct agent_files {
    const char *socket;
    const char *lock; /* held for as long as it lives, signed with its process id */
    const char *state, *log;
};

/* With MAKE their folders are there afterwards; without, a path is NULL where there is no place for it. */
enum exit_code agent_files_find(struct cli *c, bool make, struct agent_files *f) MUST_USE;

/* `linkup agent` (cmd_agent) runs one until it ends. With --ready it says so on this descriptor when it listens. */
#define AGENT_READY_FD 3
