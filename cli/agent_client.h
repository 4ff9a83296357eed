/* The agent, from the command line's side: finding it, starting it, asking it. */
#pragma once

#include "cli/agent/agent_process.h"
#include "cli/cli.h"
#include "core/buf.h"

struct agent_client {
    int fd; /* -1: there is no agent */
    struct buf in;
    pid_t pid;
    const char *version;
};

/* Connects to the agent that runs; where none does, fd is -1. */
enum exit_code agent_client_find(struct cli *c, struct agent_client *a) MUST_USE;
/* The same, and starts one where none runs, or none that answers. One of another version is replaced: the new
 * one goes on with its sessions. */
enum exit_code agent_client_open(struct cli *c, struct agent_client *a) MUST_USE;
void agent_client_close(struct agent_client *a);

/* REQUEST's reference is taken; *REPLY (may be NULL) is kept by the run. What the agent refuses is said:
 * EXIT_INPUT. Where the agent has died, the last lines of its log are. */
enum exit_code agent_client_call(struct cli *c, struct agent_client *a, json_t *request,
                                 json_t **reply) MUST_USE;
/* The next line that it says, within MS (-1: whenever). *LINE NULL: none came in time, or a signal did. It is the
 * caller's. */
enum exit_code agent_client_next(struct cli *c, struct agent_client *a, int ms,
                                 json_t **line) MUST_USE;

/* Of a status: the tunnel that carries SESSION at EDGE, and the session in it (may be NULL). */
const json_t *agent_status_find(const json_t *status, const char *edge, const char *session,
                                const json_t **held);
/* Says that the agent died, with what it said last. */
void agent_tell_log(struct cli *c);
