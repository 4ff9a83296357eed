/* Names for sessions that come without one. */
#pragma once

#include "sessions/session.h"

/* A name that is free: "slim-gecko"; after 20 that are reserved (C) or TAKEN one with a suffix of six
 * random characters, "slim-gecko-k3x9qz". */
void session_name_generate(const struct config *c, bool (*taken)(void *ctx, struct span name),
                           void *ctx, char out[SESSION_NAME_MAX + 1]);

/* The name of a preview: six hexadecimal digits of its content's hash, the same at every deployment.
 * Where that name is another content's, ask again with ATTEMPT 1, 2...: each has two digits more,
 * up to 40. ERR_RANGE beyond ATTEMPT 17. */
enum err session_name_of_content(const struct session *s, unsigned attempt,
                                 char out[SESSION_NAME_MAX + 1]) MUST_USE;
