/* What the registry's files share; see registry.h. */
#pragma once

#include "core/table.h"
#include "sessions/registry.h"
#include "sessions/registry_expiry.h"
#include "sessions/registry_order.h"
#include "sessions/sha256.h"

#define PREVIEW_DIGEST_LEN SHA256_LEN

/* A name with a session, or with changes that wait, or both. */
struct entry {
    struct table_node node;
    struct registry *registry;
    char *name;
    struct session *session; /* NULL: none (yet, any more) */
    struct session_image *image;
    struct order_node *order;
    struct expiry_item expiry;
    int64_t used_ms, used_stored_ms;      /* last use, and the one that the store knows */
    struct entry *next_used, **used_link; /* in the list of uses to be written; NULL: it is not */
    bool ending;                          /* an expiry waits among the changes */

    struct mutation *first, **last; /* the changes of this name; the first is under way */
    bool advancing;

    struct table_node by_digest; /* an unnamed preview: found by its content */
    uint8_t digest[PREVIEW_DIGEST_LEN];
    bool has_digest;
};

enum mutation_state { MUTATION_WAITS, MUTATION_RUNS, MUTATION_DONE };

struct mutation {
    struct entry *entry;
    struct mutation *next;
    enum mutation_state state;
    enum registry_verb verb;
    bool expiry; /* a REGISTRY_DELETE by the clock */
    char *actor_token;
    bool actor_admin;
    struct registry_match match;
    json_t *body;
    registry_done *done; /* may be NULL */
    void *ctx;

    struct session *made; /* what it makes; of a deletion: what it ended */
    struct session_image *image;
    bool counted; /* among registry.creating */
    enum registry_outcome outcome;
    struct session_fault fault;
};

struct registry {
    struct ev_loop *loop;
    struct config *config;
    struct store *store;
    struct registry_ops ops;
    struct table entries, previews;
    struct order order;
    struct expiry expiry;
    size_t live, creating; /* sessions; those on their way into the store */
    ev_timer expire_timer, use_timer;
    struct entry *used, **used_last;
    size_t under_way; /* mutations that the store or the workers hold */
    bool closed;      /* freed by its owner, kept for those */
};

int64_t registry_now_ms(const struct registry *r);
struct entry *registry_entry(const struct registry *r, struct span name);
struct entry *registry_entry_new(struct registry *r, struct span name);
/* Frees it when it has neither session nor changes. */
void registry_entry_release(struct entry *e);
/* Makes S (a reference is taken; NULL: none) what E is. */
void registry_entry_set(struct entry *e, struct session *s, struct session_image *image);
void registry_entry_set_digest(struct entry *e, const uint8_t digest[PREVIEW_DIGEST_LEN]);
void registry_entry_clear_digest(struct entry *e);
void registry_free_if_unused(struct registry *r);

/* registry_judge.c */

/* The entry that M is about, found or made; NULL when it is refused at once, with m->outcome. */
struct entry *mutation_entry(struct registry *r, struct mutation *m, struct span name);
/* Whether M may be done now that its turn has come, and what it makes: m->made, m->image. Sets
 * m->outcome to what it will be; when it may not, to why. */
bool mutation_judge(struct mutation *m);
/* A preview is one with its content of its owner: what identical ones have in common. */
void preview_digest(const struct session *s, const char *owner_token,
                    uint8_t out[PREVIEW_DIGEST_LEN]);

/* registry_change.c */
void mutation_expire(struct entry *e);

/* registry_lifetime.c */
void lifetime_init(struct registry *r);
void lifetime_deinit(struct registry *r);
/* After E's session has been set. */
void lifetime_follow(struct entry *e);
/* E is about to be freed, or has no session any more. */
void lifetime_forget(struct entry *e);
int64_t lifetime_expires_ms(const struct entry *e);
