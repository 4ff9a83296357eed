/* Our folders, by the XDG base directory rules: a relative variable is ignored, the usual place below $HOME
 * stands in. They are made, closed to others (0700), by who writes there. */
#pragma once

#include "cli/cli.h"

/* BASE's folder "linkup", or below HOME/ELSE. NULL when there is no home either. Pure but for ENV, getenv
 * or a stand-in. */
const char *folder_named(struct arena *arena, const char *base, const char *elsewhere,
                         char *(*env)(const char *name));
/* Makes PATH and what leads to it, ours closed to others. On false errno says why. */
bool folder_make(const char *path, struct arena *arena);

/* FILE in the folder for state ($XDG_STATE_HOME/linkup). *PATH NULL: there is no place for it; who MAKEs the
 * folder is told so. */
enum exit_code folder_state(struct cli *c, const char *file, bool make, const char **path) MUST_USE;
/* FILE in the folder for what lives no longer than the login ($XDG_RUNTIME_DIR/linkup, where there is one
 * that is ours), else in the one for state. */
enum exit_code folder_runtime(struct cli *c, const char *file, bool make,
                              const char **path) MUST_USE;
