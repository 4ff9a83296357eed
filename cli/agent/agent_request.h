/* What the agent is asked over its socket: one JSON object a line, and one for each answer.
 *
 *     < {"agent": "0.1.0", "pid": 4711}                               as soon as one connects
 *     > {"do": "set", "edge": ..., "token": ..., "session": ..., "services": {"web": "http://localhost:3000"},
 *        "connect": ..., "ca": ..., "project": ..., "anew": true}     the last four may be left out
 *     > {"do": "drop", "edge": ..., "session": ...}
 *     > {"do": "status"}                                              answered by the status (agent_held.h)
 *     > {"do": "watch"}                                               the same, and again with each change
 *     > {"do": "replace"}                                             ends the agent, which forgets nothing
 *     < {"ok": true}, or {"error": "..."}
 *
 * The greeting and "replace" stay as they are for ever: they are what versions say to each other. */
#pragma once

#include <jansson.h>

#include "core/err.h"
#include "core/span.h"

/* A CA and the services of a session fit many times over. */
#define AGENT_LINE_MAX ((size_t)256 << 10)

enum agent_verb { AGENT_SET, AGENT_DROP, AGENT_STATUS, AGENT_WATCH, AGENT_REPLACE };

struct agent_request {
    enum agent_verb verb;
    const char *edge, *session;                 /* set, drop */
    const char *token, *connect, *ca, *project; /* set; "" where left out, but the token */
    json_t *services;                           /* set: name to URL */
    int anew;     /* set: by another connection, though there is one */
    json_t *json; /* owns all of it */
};

#define AGENT_WHY_TEXT 200

/* LINE is without its end. ERR_SYNTAX: WHY says what is wrong. Free it with agent_request_deinit either way. */
enum err agent_request_parse(struct span line, struct agent_request *out,
                             char why[AGENT_WHY_TEXT]) MUST_USE;
/* The same for a "set" that was kept: a session of the state file. J's reference is not taken. */
enum err agent_request_from(json_t *j, struct agent_request *out,
                            char why[AGENT_WHY_TEXT]) MUST_USE;
void agent_request_deinit(struct agent_request *r);
