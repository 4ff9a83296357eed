/* What the agent holds: sessions, each in the tunnel of its edge and token, and a file of them (0600) from
 * which it goes on after a crash or a restart.
 *
 * The status that it tells is
 *
 *     {"agent": "0.1.0", "pid": 4711, "since_ms": ..., "tunnels": [
 *       {"edge": "https://...", "state": "up", "since_ms": ..., "why": "", "next_try_ms": 0, "requests": 3,
 *        "open": 0, "sessions": [{"session": "slim-gecko", "project": "...", "refusal": "",
 *                                 "services": {"web": "http://localhost:3000"}}]}]}
 *
 * "state" is idle, connecting, up, waiting or refused. No token is in it. All on the loop's thread. */
#pragma once

#include <ev.h>

#include "cli/agent/agent_request.h"

struct agent_held;

struct agent_held_ops {
    void *ctx;
    void (*changed)(void *ctx); /* of the status */
};

/* Reads FILE, where it is, and carries what is in it. A damaged one is put aside as FILE.damaged, and said
 * in the log. */
struct agent_held *agent_held_new(struct ev_loop *loop, const char *file,
                                  const struct agent_held_ops *ops);
/* Ends the tunnels; the file stays. */
void agent_held_free(struct agent_held *h);
/* In force and in the file when it returns. On an error *WHY (heap) is a sentence, and nothing has changed. */
enum err agent_held_set(struct agent_held *h, const struct agent_request *r, char **why) MUST_USE;
void agent_held_drop(struct agent_held *h, const struct agent_request *r);
bool agent_held_is_empty(const struct agent_held *h);
/* A new reference. */
json_t *agent_held_status(const struct agent_held *h);
