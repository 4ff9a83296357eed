/* The access log of one worker: one line an exchange, as JSON or as text (log.format).
 *
 * Lines gather in a capped buffer and leave together, a tenth of a second after the first of them or
 * when 32 KiB are held, so that a busy worker pays one system call for hundreds. Nothing here waits:
 * what the other end does not take is kept up to the cap, then lines are dropped, counted, and the
 * count is logged. The query of a target is never written, for it may hold secrets. One worker's
 * thread only; several workers may share a file or a pipe, whole lines never mix. */
#pragma once

#include <ev.h>

#include "config/config.h"

struct access_log;
struct exchange;

/* NULL when CONFIG says off, or when the file cannot be opened (which is logged). CONFIG is borrowed for
 * the call. */
struct access_log *access_log_new(struct ev_loop *loop, const struct config_log *config);
/* Writes what can be written at once. L may be NULL. */
void access_log_free(struct access_log *l);
/* The configuration has changed, or the file was moved away: L (may be NULL) ends, and what it returns
 * is used from now on. */
struct access_log *access_log_reopen(struct access_log *l, struct ev_loop *loop,
                                     const struct config_log *config) MUST_USE;
/* To be called once X has ended, while its arena, route and session are still there. L may be NULL:
 * then it costs nothing. */
void access_log_write(struct access_log *l, const struct exchange *x);
