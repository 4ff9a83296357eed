/* The access log of one worker: one line an exchange.
 *
 * Lines gather in a chunk that goes to the writer's thread (access_writer.h) a tenth of a second after the
 * first of them or when it is full, so that a busy worker pays for a hundred lines at once. Nothing here
 * waits or allocates: when all chunks are on their way, lines are dropped and counted. The query of a
 * target is never written, for it may hold secrets. One worker's thread only. */
#pragma once

#include <ev.h>

#include "config/config.h"
#include "core/metrics.h"

struct access_log;
struct access_writer;
struct exchange;

/* WRITER and METRICS are borrowed and outlive it; CONFIG is for the call. */
struct access_log *access_log_new(struct ev_loop *loop, struct access_writer *writer,
                                  struct metrics *metrics, const struct config_log *config);
/* The configuration has changed. L may be NULL, here and below. */
void access_log_configure(struct access_log *l, const struct config_log *config);
/* To be called once X has ended, while its arena, route and session are still there. */
void access_log_write(struct access_log *l, const struct exchange *x);
/* Hands over what is held. */
void access_log_free(struct access_log *l);
