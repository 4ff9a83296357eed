/* Other programs, run to their end without a shell. */
#pragma once

#include "core/buf.h"

/* Runs ARGV (ended by NULL; found through PATH). With OUT its standard output is collected there and
 * its standard error thrown away; else both go to our standard error. Returns its exit code, 128 when
 * a signal ended it, -1 when it could not be started (errno says why). */
int tool_run(const char *const argv[], struct buf *out);
/* Whether PATH, or the usual sbin folders, hold NAME; FULL gets the path. */
bool tool_find(const char *name, char *full, size_t size);
