#include "sessions/registry.h"

#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "sessions/registry_internal.h"

int64_t registry_now_ms(const struct registry *r)
{
    return r->ops.now_ms ? r->ops.now_ms(r->ops.ctx) : clock_wall_ms();
}

/* Entries */

static struct span entry_key(const struct table_node *n)
{
    return span_str(CONTAINER_OF(n, const struct entry, node)->name);
}

static struct span digest_key(const struct table_node *n)
{
    return span_of(CONTAINER_OF(n, const struct entry, by_digest)->digest, PREVIEW_DIGEST_LEN);
}

struct entry *registry_entry(const struct registry *r, struct span name)
{
    struct table_node *n = table_find(&r->entries, name);
    return n ? CONTAINER_OF(n, struct entry, node) : NULL;
}

struct entry *registry_entry_new(struct registry *r, struct span name)
{
    struct entry *e = NEW(struct entry);
    e->registry = r;
    e->name = mem_strndup(name.p, name.len);
    e->last = &e->first;
    expiry_item_init(&e->expiry);
    CHECK(table_insert(&r->entries, &e->node) == ERR_OK);
    return e;
}

void registry_entry_clear_digest(struct entry *e)
{
    if (e->has_digest)
        table_remove(&e->registry->previews, &e->by_digest);
    e->has_digest = false;
}

void registry_entry_set_digest(struct entry *e, const uint8_t digest[PREVIEW_DIGEST_LEN])
{
    registry_entry_clear_digest(e);
    memcpy(e->digest, digest, PREVIEW_DIGEST_LEN);
    /* Another may have become identical by a PATCH: the first one stays the one that is found. */
    e->has_digest = table_insert(&e->registry->previews, &e->by_digest) == ERR_OK;
}

static void entry_free(struct entry *e)
{
    struct registry *r = e->registry;
    registry_entry_clear_digest(e);
    lifetime_forget(e);
    if (e->order)
        order_remove(&r->order, e->order);
    table_remove(&r->entries, &e->node);
    session_unref(e->session);
    session_image_unref(e->image);
    mem_free(e->name);
    mem_free(e);
}

void registry_entry_release(struct entry *e)
{
    if (!e->session && !e->first && !e->advancing)
        entry_free(e);
}

static void follow_digest(struct entry *e)
{
    if (!e->session || !e->session->preview) {
        registry_entry_clear_digest(e);
        return;
    }
    uint8_t digest[PREVIEW_DIGEST_LEN];
    preview_digest(e->session, e->session->owner_token, digest);
    if (!e->has_digest || memcmp(digest, e->digest, sizeof digest) != 0)
        registry_entry_set_digest(e, digest);
}

void registry_entry_set(struct entry *e, struct session *s, struct session_image *image)
{
    struct registry *r = e->registry;
    struct session *old = e->session;
    struct session_image *old_image = e->image;
    e->session = s ? session_ref(s) : NULL;
    e->image = image ? session_image_ref(image) : NULL;
    if (s && !old) {
        r->live++;
        e->order = order_add(&r->order, span_str(e->name));
    }
    if (!s && old) {
        r->live--;
        order_remove(&r->order, e->order);
        e->order = NULL;
    }
    follow_digest(e);
    if (s)
        lifetime_follow(e);
    else
        lifetime_forget(e);
    session_unref(old);
    session_image_unref(old_image);
}

/* Loading */

struct loading {
    struct registry *r;
    char **why;
    size_t expired;
};

static enum err damaged(struct loading *l, struct span key, const char *text)
{
    *l->why = mem_printf("the stored session \"" SPAN_FMT
                         "\" cannot be read: %s. Nothing was changed: "
                         "restore the database from a backup, or take that one session out of it "
                         "(DELETE FROM sessions WHERE key = '" SPAN_FMT "').",
                         SPAN_ARG(key), text, SPAN_ARG(key));
    return ERR_CORRUPT;
}

static enum err load_session(void *ctx, struct span key, struct span json)
{
    struct loading *l = (struct loading *)ctx;
    struct session *s = NULL;
    struct session_image *image = NULL;
    struct session_fault fault = {0};
    json_error_t json_error;
    json_t *record = json_loadb(json.p, json.len, JSON_REJECT_DUPLICATES, &json_error);
    if (!record)
        return damaged(l, key, json_error.text);
    enum err e = session_from_stored(record, &s, &fault);
    json_decref(record);
    if (e != ERR_OK)
        return damaged(l, key, fault.text);
    if (!span_eq(key, span_str(s->name)))
        e = damaged(l, key, "it has another name inside");
    else if (session_image_new(s, &image, &fault) != ERR_OK)
        e = damaged(l, key, fault.text);
    if (e == ERR_OK)
        registry_entry_set(registry_entry_new(l->r, key), s, image);
    session_unref(s);
    session_image_unref(image);
    return e;
}

/* A use whose session has gone, or which cannot be read, is of no worth. */
static enum err load_use(void *ctx, struct span key, struct span json)
{
    struct loading *l = (struct loading *)ctx;
    struct registry *r = l->r;
    json_int_t used = 0;
    json_t *record = json_loadb(json.p, json.len, 0, NULL);
    bool ok = json_unpack(record, "{s:I}", "used", &used) == 0;
    json_decref(record);
    struct entry *e = registry_entry(r, key);
    if (!e || !ok) {
        r->store->ops->remove(r->store, STORE_USE, key, NULL, NULL);
        return ERR_OK;
    }
    /* A clock that was ahead must not keep it for ever. */
    int64_t now = registry_now_ms(r);
    e->used_ms = e->used_stored_ms = used < now ? used : now;
    lifetime_follow(e);
    return ERR_OK;
}

/* Nobody was served by them while the edge was down, and nobody will be. */
static void drop_expired(struct loading *l)
{
    struct registry *r = l->r;
    int64_t now = registry_now_ms(r);
    struct expiry_item *first;
    while ((first = expiry_first(&r->expiry)) && first->due_ms <= now) {
        struct entry *e = CONTAINER_OF(first, struct entry, expiry);
        r->store->ops->remove(r->store, STORE_SESSION, span_str(e->name), NULL, NULL);
        r->store->ops->remove(r->store, STORE_USE, span_str(e->name), NULL, NULL);
        registry_entry_set(e, NULL, NULL);
        registry_entry_release(e);
        l->expired++;
    }
}

static enum err load(struct registry *r, char **why)
{
    struct loading l = {.r = r, .why = why};
    *why = NULL;
    enum err e = r->store->ops->load(r->store, STORE_SESSION, load_session, &l);
    if (e == ERR_OK)
        e = r->store->ops->load(r->store, STORE_USE, load_use, &l);
    if (e != ERR_OK) {
        if (!*why)
            *why = mem_printf("the sessions cannot be read: %s", err_text(e));
        return e;
    }
    drop_expired(&l);
    LOG(LOG_INFO, "sessions_loaded", LOG_U("live", r->live), LOG_U("expired", l.expired));
    return ERR_OK;
}

enum err registry_new(struct ev_loop *loop, struct config *c, struct store *store,
                      const struct registry_ops *ops, struct registry **out, char **why)
{
    struct registry *r = NEW(struct registry);
    r->loop = loop;
    r->config = config_ref(c);
    r->store = store;
    r->ops = *ops;
    table_init(&r->entries, entry_key);
    table_init(&r->previews, digest_key);
    order_init(&r->order);
    lifetime_init(r);
    enum err e = load(r, why);
    if (e != ERR_OK) {
        registry_free(r);
        return e;
    }
    *out = r;
    return ERR_OK;
}

void registry_free_if_unused(struct registry *r)
{
    if (!r->closed || r->under_way > 0)
        return;
    struct table_iter it;
    for (struct table_node *n = table_first(&r->entries, &it); n; n = table_next(&it)) {
        struct entry *e = CONTAINER_OF(n, struct entry, node);
        CHECK(!e->first);
        entry_free(e);
    }
    table_deinit(&r->entries);
    table_deinit(&r->previews);
    order_deinit(&r->order);
    expiry_deinit(&r->expiry);
    config_unref(r->config);
    mem_free(r);
}

void registry_free(struct registry *r)
{
    if (!r)
        return;
    lifetime_deinit(r);
    r->closed = true;
    registry_free_if_unused(r);
}

void registry_set_config(struct registry *r, struct config *c)
{
    struct config *old = r->config;
    r->config = config_ref(c);
    config_unref(old);
}

/* Reading */

size_t registry_count(const struct registry *r)
{
    return r->live;
}

void registry_each(struct registry *r, void (*each)(void *ctx, struct session_image *image),
                   void *ctx)
{
    struct table_iter it;
    for (struct table_node *n = table_first(&r->entries, &it); n; n = table_next(&it)) {
        struct entry *e = CONTAINER_OF(n, struct entry, node);
        if (e->image)
            each(ctx, e->image);
    }
}

struct session *registry_find(const struct registry *r, struct span name)
{
    struct entry *e = registry_entry(r, name);
    return e ? e->session : NULL;
}

struct session *registry_after(const struct registry *r, struct span name)
{
    struct order_node *n = order_after(&r->order, name);
    return n ? registry_find(r, n->name) : NULL;
}

int64_t registry_expires_ms(const struct registry *r, const struct session *s)
{
    struct entry *e = registry_entry(r, span_str(s->name));
    if (e && e->session == s)
        return lifetime_expires_ms(e);
    return s->pinned ? 0 : s->changed_ms + (int64_t)s->ttl_ms;
}
