/* Wall-clock times as text, always UTC: RFC 3339 for people and the API, IMF-fixdate for HTTP.
 * All functions are pure; neither locale nor time zone has a say. */
#pragma once

#include <stdint.h>

#include "core/err.h"
#include "core/span.h"

#define TIMEFMT_MAX 32

/* Milliseconds since 1970 for every function. Years 0000 to 9999; beyond, the nearest of these
 * times is written. The functions that write return OUT, terminated. */

/* "2026-05-01T10:00:00.123Z" */
const char *timefmt_rfc3339(int64_t wall_ms, char out[TIMEFMT_MAX]);
/* "2026-05-01T10:00:00Z"; the fraction is dropped. */
const char *timefmt_rfc3339_seconds(int64_t wall_ms, char out[TIMEFMT_MAX]);
/* RFC 3339 with "Z" or "z", "T" or "t", and any number of fraction digits, of which three count.
 * Other offsets and leap seconds are ERR_UNSUPPORTED, fields out of their limits ERR_RANGE. */
enum err timefmt_rfc3339_parse(struct span s, int64_t *wall_ms) MUST_USE;
/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7) */
const char *timefmt_imf_fixdate(int64_t wall_ms, char out[TIMEFMT_MAX]);
