/* Undoing `start`: the session ended at the edge, env files as they were, the agent told. */
#pragma once

#include "cli/place.h"

/* The session of P, which is in the book; with FORGET no longer. All is undone that can be; the first error is
 * returned. */
enum exit_code stop_session(struct cli *c, const struct place *p, bool forget) MUST_USE;
