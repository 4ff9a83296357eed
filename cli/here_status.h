/* What runs on this machine and how it is: sessions, their tunnels, their services.
 *
 *     {"agent": {"version": ..., "pid": ...} or null,
 *      "sessions": [{"session", "edge", "project", "domain_urls", "services": [...] (here_view.h),
 *                    "tunnel": {"state": "up", "since": ..., "why": ""}}]}
 *
 * "state" is one of agent_held.h's, "stopped" where the agent does not have it, or "alone": there is no tunnel,
 * for it is on this machine alone. */
#pragma once

#include "cli/cli.h"

/* SESSION NULL: all that are started. AGENT: its status, NULL: it does not run. Services are asked. Kept by the
 * run. */
json_t *here_status(struct cli *c, const json_t *agent, const char *edge, const char *session);
/* The agent's status, NULL when none runs; kept by the run. */
enum exit_code here_ask_agent(struct cli *c, json_t **status) MUST_USE;
/* The edge's own word, of GET /v1/services, on those that are shared; for the sessions of EDGE. */
void here_take_shared(json_t *here, const char *edge, const json_t *services);

/* Tables on a terminal; in a pipe a line a service: session, service, place, health, URL, backend. */
void here_print(struct cli *c, const json_t *here);
