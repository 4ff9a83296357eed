/* Messages from any thread to the thread that runs a loop.
 *
 * A mail is embedded in its sender's structure and is the receiver's from the moment it is posted
 * until its deliver function has run; deliver frees it or posts it back. Mails of one sender arrive
 * in the order they were posted. mailbox_post never blocks and takes no lock. */
#pragma once

#include <ev.h>
#include <stdatomic.h>

struct mail {
    struct mail *next;
    /* Runs on the receiver's thread. CTX is the mailbox's. */
    void (*deliver)(struct mail *m, void *ctx);
};

struct mailbox {
    struct ev_loop *loop;
    ev_async wake;
    _Atomic(struct mail *) head; /* newest first */
    void *ctx;
};

/* On the loop's thread, or before the thread runs. Does not keep the loop alive by itself. */
void mailbox_init(struct mailbox *mb, struct ev_loop *loop, void *ctx);
/* Delivers what is still there, then stops. On the loop's thread, when no one posts any more. */
void mailbox_deinit(struct mailbox *mb);
/* From any thread. M is not touched once the receiver can have it; MB must outlive the call. */
void mailbox_post(struct mailbox *mb, struct mail *m);
