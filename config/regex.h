/* Whether a regex compiles: asked of those in the file and of those that sessions bring. */
#pragma once

#include <stdint.h>

#include "core/err.h"
#include "core/span.h"

/* PCRE2 options that every regex of ours is compiled with: paths are bytes, and no pattern may ask
 * for UTF mode, in which a request's malformed path would be an error instead of a mismatch. */
uint32_t regex_options(void);

#define REGEX_WHY_MAX 160
/* ERR_SYNTAX with a sentence and the offset in WHY. *GROUPS (may be NULL) is the highest $n that a
 * target may use. */
enum err regex_check(struct span pattern, uint32_t *groups, char why[REGEX_WHY_MAX]) MUST_USE;
