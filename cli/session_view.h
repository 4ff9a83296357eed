/* A session's JSON as people see it. */
#pragma once

#include "cli/cli.h"

/* What one wants after making or changing it: the URLs, one a line in a pipe, a table on a terminal;
 * with --json the document. */
void session_print_urls(struct cli *c, const json_t *session);
/* All of it. */
void session_print(struct cli *c, const json_t *session);
/* A line each. */
void session_print_list(struct cli *c, const json_t *sessions);

/* "in 6d 23h", "5m ago", "never" for "" (a pinned session). NOW in ms since 1970. Pure. */
const char *session_when(struct cli *c, const char *rfc3339, int64_t now_ms);
/* The session's: a time, on a terminal how long until then; or "pinned". */
const char *session_expiry(struct cli *c, const json_t *session);
