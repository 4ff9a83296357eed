/* Durations as people write them: a number and one unit, "250ms", "90s", "10m", "12h", "7d".
 * Pure. */
#pragma once

#include <stdint.h>

#include "core/err.h"
#include "core/span.h"

#define DURATION_TEXT_MAX 32

#define DURATION_SECOND UINT64_C(1000)
#define DURATION_MINUTE (60 * DURATION_SECOND)
#define DURATION_HOUR (60 * DURATION_MINUTE)
#define DURATION_DAY (24 * DURATION_HOUR)

/* Milliseconds. The unit is required, even with 0; no sign, no fraction, no space. ERR_SYNTAX, or
 * ERR_RANGE where the milliseconds do not fit into an int64_t. */
enum err duration_parse(struct span s, uint64_t *ms) MUST_USE;
/* In the largest unit that says it exactly: "7d", "90s", "0s". duration_parse gives MS back.
 * Returns OUT. */
const char *duration_text(uint64_t ms, char out[DURATION_TEXT_MAX]);
