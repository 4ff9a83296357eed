/* ${NAME} in values: the environment's variable of that name. "$${" stands for "${" itself. */
#pragma once

#include "core/arena.h"

/* TEXT with its variables filled in, terminated, in ARENA. ERR_SYNTAX, ERR_NOT_FOUND (not set) and
 * ERR_RANGE (longer than a value may be) with a sentence in *WHY, in ARENA too. Values of variables
 * are not looked into again. */
enum err interpolate(struct span text, struct arena *arena, struct span *out,
                     const char **why) MUST_USE;
