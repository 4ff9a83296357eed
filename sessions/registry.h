/* The truth about sessions, on the control thread: validated, stored, published to the workers, and
 * only then answered. Changes of one name are done one after another, of different names at once. */
#pragma once

#include <ev.h>

#include "sessions/image.h"
#include "sessions/store.h"

struct registry;

struct registry_ops {
    void *ctx;
    /* Puts IMAGE into every worker's table (or takes NAME out, when IMAGE is NULL) and calls DONE on
     * the control thread after the last acknowledgement. IMAGE is borrowed. NULL: there are no
     * workers. */
    void (*publish)(void *ctx, struct span name, struct session_image *image,
                    void (*done)(void *done_ctx), void *done_ctx);
    /* A session was made, changed ("created", "changed", "expired", "deleted"): for /v1/events. Of a
     * session that has gone, S is what it last was. */
    void (*event)(void *ctx, const char *what, const struct session *s);
    /* Milliseconds of the wall clock; NULL: the system's. */
    int64_t (*now_ms)(void *ctx);
};

/* Loads every session from STORE (borrowed), without publishing: see registry_each. */
enum err registry_new(struct ev_loop *loop, struct config *c, struct store *store,
                      const struct registry_ops *ops, struct registry **out, char **why) MUST_USE;
/* Before the store is freed. What is under way still reaches the store, and its `done` is still called;
 * what waits behind it is refused; nothing is published any more. */
void registry_free(struct registry *r);
void registry_set_config(struct registry *r, struct config *c);
size_t registry_count(const struct registry *r);
/* Every live session's image, in no order: for a worker that starts. */
void registry_each(struct registry *r, void (*each)(void *ctx, struct session_image *image),
                   void *ctx);
/* A worker saw NAME in use. */
void registry_touch(struct registry *r, struct span name);
/* When it will expire, wall clock ms; 0: pinned. */
int64_t registry_expires_ms(const struct registry *r, const struct session *s);

/* The live session NAME, or NULL; borrowed until the next turn of the loop. */
struct session *registry_find(const struct registry *r, struct span name);
/* The first live one whose name comes after NAME, in bytewise order; NULL after the last. */
struct session *registry_after(const struct registry *r, struct span name);

enum registry_verb {
    REGISTRY_CREATE, /* the body may name it, else a name is made up */
    REGISTRY_PUT,    /* makes or replaces */
    REGISTRY_PATCH,  /* RFC 7396 */
    REGISTRY_DELETE,
    REGISTRY_EXTEND, /* begins its lifetime anew, with another ttl where the body has one */
};

#define REGISTRY_MATCH_MAX 8

/* If-Match: which versions of the session the change is meant for. */
struct registry_match {
    bool given, any; /* any: "*", whatever there is */
    uint64_t versions[REGISTRY_MATCH_MAX];
    size_t n;
};

struct registry_change {
    enum registry_verb verb;
    const char *actor_token; /* id of the token; "" over the admin socket */
    bool actor_admin;
    struct span name; /* a session name; not for REGISTRY_CREATE */
    struct registry_match match;
    json_t *body; /* an object; NULL for REGISTRY_DELETE */
};

enum registry_outcome {
    REGISTRY_CREATED,
    REGISTRY_CHANGED,
    REGISTRY_SAME, /* an identical unnamed preview is there already */
    REGISTRY_DELETED,
    /* refused, and nothing has changed: */
    REGISTRY_BAD,       /* fault says why */
    REGISTRY_NO_SUCH,   /* there is no such session */
    REGISTRY_TAKEN,     /* the name is another's, or not free */
    REGISTRY_FOREIGN,   /* it is another's */
    REGISTRY_STALE,     /* If-Match names another version */
    REGISTRY_TOO_MANY,  /* sessions.max */
    REGISTRY_DISK_FULL, /* the store has no room */
    REGISTRY_NOT_KEPT,  /* the store failed */
};

struct registry_answer {
    enum registry_outcome outcome;
    const struct session *session; /* as it is now (deleted: last was); NULL where there is none */
    const struct session_fault *fault; /* REGISTRY_BAD */
};

typedef void registry_done(void *ctx, const struct registry_answer *a);

/* Carries CH out, after the changes of the same name that came before. All it holds is copied or
 * referenced. DONE may be called before it returns; what it is given lives during the call. */
void registry_change(struct registry *r, const struct registry_change *ch, registry_done *done,
                     void *ctx);

/* What the timers do: ends what has expired, writes down what was used. */
void registry_tick(struct registry *r);
