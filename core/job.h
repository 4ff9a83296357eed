/* A thread for slow things (disk, key generation) with a queue before it.
 *
 * A job is embedded in its owner's structure. `work` runs on the job thread; then `done` runs on
 * the thread of the mailbox given at the submission. Jobs of one runner run in order, one at a
 * time. `batch_end`, if set, runs on the job thread whenever the queue has been emptied or MAX jobs
 * have run since the last time, and the `done`s of that batch are posted only after it: for group
 * commit. */
#pragma once

#include <stddef.h>

#include "core/mailbox.h"

struct job_runner;

struct job {
    struct mail mail; /* carries the job to the runner and back */
    void (*work)(struct job *j, void *runner_ctx);
    void (*done)(struct job *j, void *mailbox_ctx);
    struct mailbox *reply_to;
};

struct job_runner_ops {
    void (*batch_begin)(void *ctx); /* may be NULL */
    void (*batch_end)(void *ctx);   /* may be NULL */
    size_t batch_max;               /* 0: no bound */
};

/* Starts the thread; NAME (at most 15 bytes) shows in ps. OPS (copied) may be NULL: no batches.
 * Dies when no thread can be made. The thread takes no signals. */
struct job_runner *job_runner_new(const char *name, const struct job_runner_ops *ops, void *ctx);
/* Runs what is queued, then ends the thread; the `done`s are in their mailboxes when it returns. */
void job_runner_free(struct job_runner *r);
/* From any thread. J is the runner's until `done` runs. REPLY_TO may be NULL: then `done` is not
 * used, and J is its work function's, which may free it. */
void job_submit(struct job_runner *r, struct job *j, struct mailbox *reply_to);
