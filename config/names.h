/* What names may be: labels, session names, service names, hosts. Pure; RFC 1123 2.1, RFC 5891 is
 * not needed: names are ASCII. */
#pragma once

#include <stdbool.h>

#include "config/config.h"
#include "core/span.h"

/* [a-z0-9] and inner '-', 1..63 bytes. */
bool name_is_label(struct span s);
/* A DNS label of 1..40 bytes without "--". Not whether it is reserved. */
bool name_is_session(struct span s);
/* As a session name, but 1..63 bytes. */
bool name_is_service(struct span s);
/* Labels joined by dots, 1..253 bytes, lower case, no final dot. */
bool name_is_host(struct span s);
/* Whether S is BASE or below it, label by label ("notexample.com" is not below "example.com").
 * *PREFIX (may be NULL) gets what stands before ".BASE", empty when equal. */
bool name_below(struct span s, struct span base, struct span *prefix);
/* Why NAME cannot be a session of this edge ("edge", "ns1"..., "www", a service's name, a domain's
 * first label), or NULL when it can. */
const char *name_session_reserved(const struct config *c, struct span name);
