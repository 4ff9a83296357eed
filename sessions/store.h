/* Where sessions and tokens are kept: one interface, SQLite behind it today, etcd later.
 *
 * All calls are made on the control thread and answer there; the work is done on the store's own
 * thread, in order, many in one transaction when many wait (group commit). When `done` is called with
 * ERR_OK the change is on disk; else nothing of it was kept: ERR_FULL (no room on the disk),
 * ERR_CORRUPT or ERR_IO. */
#pragma once

#include "core/mailbox.h"
#include "sessions/session.h"

struct store;

/* A record as stored: JSON text under a kind and a key. STORE_USE is when a session was last used,
 * apart from the session because it is written far more often. */
enum store_kind { STORE_SESSION, STORE_TOKEN, STORE_USE, STORE_KINDS };

typedef void store_done(void *ctx, enum err e);

struct store_ops {
    /* Calls EACH for every record; on the caller's thread, before a record of this kind is asked to
     * change. The texts live during the call. A record that EACH refuses ends the load with its error. */
    enum err (*load)(struct store *s, enum store_kind kind,
                     enum err (*each)(void *ctx, struct span key, struct span json), void *ctx);
    /* KEY and JSON are copied. DONE never runs before put returns. */
    void (*put)(struct store *s, enum store_kind kind, struct span key, struct span json,
                store_done *done, void *ctx);
    /* What is not there counts as removed. */
    void (*remove)(struct store *s, enum store_kind kind, struct span key, store_done *done,
                   void *ctx);
    /* Tells of changes made by others (other edges). NULL json: removed. */
    void (*watch)(struct store *s,
                  void (*changed)(void *ctx, enum store_kind kind, struct span key,
                                  struct span json),
                  void *ctx);
    /* Finishes what was asked, then closes. The `done`s still come, through the mailbox. */
    void (*free)(struct store *s);
};

struct store {
    const struct store_ops *ops;
};

/* Opens (or makes, 0600) the database PATH, for this process alone. A corrupt, foreign or newer one is
 * refused (ERR_CORRUPT, ERR_UNSUPPORTED), and so is one that cannot be written (ERR_DENIED, ERR_FULL,
 * ERR_IO) or that another process holds (ERR_CONFLICT); *WHY (heap) says what to do. It is never
 * replaced, and one that is refused is left as it was. */
enum err store_sqlite_open(const char *path, struct mailbox *control, struct store **out,
                           char **why) MUST_USE;
