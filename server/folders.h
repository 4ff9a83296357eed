/* The folders the edge needs, and whose they are. */
#pragma once

#include <sys/types.h>

#include "config/config.h"

/* Makes the folder that PATH lies in (one level) when there is none. *WHY (heap) on failure. */
enum err folder_make_parent(const char *path, mode_t mode, char **why) MUST_USE;
/* Makes the state folder (0700) when there is none and checks that it can be written. */
enum err folder_prepare_state(const char *path, char **why) MUST_USE;

/* Becomes USER for good: groups, gid, uid; the folders and files in OWNED (NULL-terminated) are given
 * to it first. NULL: nothing is done. Needs root. */
enum err privileges_drop(const char *user, const char *const *owned, char **why) MUST_USE;
