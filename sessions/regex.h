/* Regular expressions of routes and rewrites: PCRE2 with JIT and match limits, so that no pattern can
 * hold a worker. A compiled regex is immutable and shared by threads; the scratch is one thread's. */
#pragma once

#include <stdbool.h>

#include "core/arena.h"
#include "core/span.h"

struct regex;
struct regex_scratch;

#define REGEX_PATTERN_MAX 1024
#define REGEX_RESULT_MAX ((size_t)16 * 1024) /* no longer than a request's target may be */

struct regex *regex_ref(struct regex *r);
void regex_unref(struct regex *r);
/* For patterns that a session brings: bounded in length (REGEX_PATTERN_MAX) and in what they compile
 * to. On ERR_SYNTAX *WHY_AT is the offset and WHY the reason. */
enum err regex_new(const char *pattern, struct regex **out, char why[128], size_t *why_at) MUST_USE;
/* For patterns of the configuration, which has checked them: without bounds, and never NULL. */
struct regex *regex_new_trusted(const char *pattern) __attribute__((returns_nonnull));

/* What it was made of. */
const char *regex_pattern(const struct regex *r);

struct regex_scratch *regex_scratch_new(void);
void regex_scratch_free(struct regex_scratch *s);

/* Unanchored. A match that exceeds the limits counts as none. */
bool regex_matches(const struct regex *r, struct regex_scratch *s, struct span subject);
/* When it matches: the subject with the first match replaced by TARGET ($0..$99 and ${n} are groups, $$ a dollar
 * sign), in ARENA. "$12" is group 12 where there are so many, else group 1 and a "2"; a group that took no
 * part is empty; what is no group stands for itself. ERR_NOT_FOUND without a match, ERR_FULL when the
 * result does not fit into REGEX_RESULT_MAX or the arena. */
enum err regex_replace(const struct regex *r, struct regex_scratch *s, struct span subject,
                       struct span target, struct arena *arena, struct span *out) MUST_USE;
/* The first group in TARGET that a pattern with GROUPS groups does not have, or -1. */
int regex_target_stray(struct span target, uint32_t groups);
