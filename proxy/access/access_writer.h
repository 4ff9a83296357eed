/* The thread that writes the access log: one a process, so that a disk that is slow, a pipe that nobody
 * reads or a terminal that was stopped holds up this thread and nobody else.
 *
 * Workers hand it chunks of whole lines (access_log.c). What cannot be written within a while is thrown
 * away, counted and told; a line is never torn without its end being made up for. Standard output is
 * opened anew, so that the flags of the one we share with who started us stay as they are. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "core/span.h"

struct access_writer;

/* Whole lines on their way. The worker's, or while `taken` the writer's. */
struct access_chunk {
    struct access_chunk *next;
    _Atomic bool taken;
    /* Not NULL: called on the writer's thread instead of writing; the chunk may be freed by it. */
    void (*done)(struct access_chunk *c);
    uint64_t dropped; /* lines that the worker had to leave out before these */
    struct span lines;
};

/* Opens what CONFIG names and starts the thread. Where it cannot be opened this is logged, and lines are
 * dropped until access_writer_reopen. With access: off nothing is written. */
struct access_writer *access_writer_new(const struct config_log *config);
/* The configuration has changed, or the file was moved away: opens anew, on the writer's thread, after
 * what was submitted before. What cannot be opened leaves the old one in use. */
void access_writer_reopen(struct access_writer *w, const struct config_log *config);
/* From any thread: C is the writer's until `taken` is false. */
void access_writer_submit(struct access_writer *w, struct access_chunk *c);
/* Writes what was submitted, for at most a second, and ends the thread. A thread that the kernel holds in
 * a write is left behind. W may be NULL. No submissions may follow. */
void access_writer_free(struct access_writer *w);
