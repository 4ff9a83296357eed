/* The local edge's process: `linkupd` in the background, on its own, with one log.
 *
 * It is known by a lock that it inherits and holds for as long as it lives: a process id alone may be another
 * program's by now. Its standard output and error go to the place's log, of which a new start keeps nothing.
 * Whoever calls holds the place (local_edge.c), so that nobody else starts or stops it meanwhile. */
#pragma once

#include <sys/types.h>

#include "cli/local_place.h"

/* The process id, 0: it does not run. */
pid_t local_process_find(const struct local_place *p);
/* Starts LINKUPD (a path, NULL: the one beside this program, else the PATH's) and waits until it serves. Says
 * why it does not, with the end of its log. */
enum exit_code local_process_start(struct cli *c, const struct local_place *p,
                                   const char *linkupd) MUST_USE;
/* Has it read its configuration again, which LINKUPD has been asked about before, and waits until it has. */
enum exit_code local_process_reload(struct cli *c, const struct local_place *p) MUST_USE;
/* Ends it, if need be the hard way, and waits until it has ended. */
enum exit_code local_process_stop(struct cli *c, const struct local_place *p) MUST_USE;
/* Waits until it ends by itself (false) or this program is told to end by a signal (true). */
bool local_process_attend(const struct local_place *p);
/* Asks LINKUPD whether the configuration is right; it says what is wrong. */
enum exit_code local_process_check(struct cli *c, const struct local_place *p,
                                   const char *linkupd) MUST_USE;
