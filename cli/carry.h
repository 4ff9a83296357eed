/* Handing a session to the agent, and waiting until its tunnel is up: what `start`, `route` and `http` have in
 * common. */
#pragma once

#include "cli/agent_client.h"
#include "cli/book.h"

/* The entry's local services at the edge of the settings; in force in the agent when it returns. ANEW: by another
 * connection, for the session may be another one than the tunnel that is up knows. */
enum exit_code carry_give(struct cli *c, struct agent_client *a, const json_t *entry,
                          bool anew) MUST_USE;
/* The agent knows it no more. None that runs is none that has to be told. */
enum exit_code carry_take(struct cli *c, const char *edge, const char *session) MUST_USE;
/* Until the edge has the tunnel in force. A is of no use for requests afterwards: it watches. Says why not. */
enum exit_code carry_wait(struct cli *c, struct agent_client *a, const char *session) MUST_USE;
/* All three steps in one: agent found or started, session given, tunnel up. */
enum exit_code carry_up(struct cli *c, const json_t *entry, bool anew) MUST_USE;
