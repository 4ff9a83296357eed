#include <stdlib.h>

#include "core/log.h"
#include "core/mem.h"
#include "sessions/registry_internal.h"

/* The way of a change: judged when its turn comes (what came before may have changed everything), put
 * into the store, made the truth, published to every worker, and only then answered. Until it is in
 * the store nothing has changed, and a refusal leaves no trace. */

static void advance(struct entry *e);

static void mutation_free(struct mutation *m)
{
    session_unref(m->made);
    session_image_unref(m->image);
    json_decref(m->body);
    mem_free(m->actor_token);
    mem_free(m);
}

static const char *event_of(const struct mutation *m)
{
    if (m->expiry)
        return "expired";
    if (m->outcome == REGISTRY_DELETED)
        return "deleted";
    return m->outcome == REGISTRY_CREATED ? "created" : "changed";
}

static void answer(struct mutation *m)
{
    struct entry *e = m->entry;
    if (m->expiry)
        e->ending = false;
    if (!m->done)
        return;
    struct registry_answer a = {
        .outcome = m->outcome,
        .session = m->outcome == REGISTRY_DELETED ? m->made : e->session,
        .fault = m->outcome == REGISTRY_BAD ? &m->fault : NULL,
    };
    m->done(m->ctx, &a);
}

static void on_published(void *ctx)
{
    struct mutation *m = (struct mutation *)ctx;
    struct entry *e = m->entry;
    struct registry *r = e->registry;
    r->under_way--;
    if (!r->closed) {
        const char *what = event_of(m);
        LOG(LOG_INFO, "session", LOG_S("change", what), LOG_S("name", e->name),
            LOG_U("version", m->made->version), LOG_S("token", m->actor_token));
        if (r->ops.event)
            r->ops.event(r->ops.ctx, what, m->made);
    }
    m->state = MUTATION_DONE;
    advance(e);
}

/* It is in the store: from here on it is the truth. */
static void commit(struct mutation *m)
{
    struct entry *e = m->entry;
    struct registry *r = e->registry;
    bool gone = m->outcome == REGISTRY_DELETED;
    registry_entry_set(e, gone ? NULL : m->made, gone ? NULL : m->image);
    r->under_way++;
    if (r->ops.publish && !r->closed)
        r->ops.publish(r->ops.ctx, span_str(e->name), e->image, on_published, m);
    else
        on_published(m);
}

static void on_stored(void *ctx, enum err err)
{
    struct mutation *m = (struct mutation *)ctx;
    struct registry *r = m->entry->registry;
    r->under_way--;
    if (m->counted)
        r->creating--;
    if (err == ERR_OK) {
        commit(m);
        return;
    }
    LOG(LOG_ERROR, "session_not_kept", LOG_S("name", m->entry->name),
        LOG_S("error", err_text(err)));
    m->outcome = err == ERR_FULL ? REGISTRY_DISK_FULL : REGISTRY_NOT_KEPT;
    m->state = MUTATION_DONE;
    advance(m->entry);
}

static void store_it(struct mutation *m)
{
    struct entry *e = m->entry;
    struct store *store = e->registry->store;
    struct span key = span_str(e->name);
    e->registry->under_way++;
    m->state = MUTATION_RUNS;
    if (m->outcome == REGISTRY_DELETED) {
        /* In this order: a use without its session is dropped at the next start. */
        store->ops->remove(store, STORE_SESSION, key, on_stored, m);
        store->ops->remove(store, STORE_USE, key, NULL, NULL);
        return;
    }
    if (m->outcome == REGISTRY_CREATED) {
        m->counted = true;
        e->registry->creating++;
    }
    json_t *record = session_to_stored(m->made);
    char *text = json_dumps(record, JSON_COMPACT);
    CHECK(text);
    json_decref(record);
    store->ops->put(store, STORE_SESSION, key, span_str(text), on_stored, m);
    free(text);
}

static void start(struct mutation *m)
{
    m->outcome = REGISTRY_NOT_KEPT;
    m->state = MUTATION_DONE;
    if (!m->entry->registry->closed && mutation_judge(m))
        store_it(m);
}

/* Answers what is done and starts what is next, until one is under way. A callback that brings this
 * about again, or asks for another change, finds `advancing` set and leaves the rest to this loop. */
static void advance(struct entry *e)
{
    if (e->advancing)
        return;
    e->advancing = true;
    struct mutation *m;
    while ((m = e->first) && m->state != MUTATION_RUNS) {
        if (m->state == MUTATION_WAITS) {
            start(m);
            continue;
        }
        e->first = m->next;
        if (!e->first)
            e->last = &e->first;
        answer(m);
        mutation_free(m);
    }
    e->advancing = false;
    struct registry *r = e->registry;
    registry_entry_release(e);
    registry_free_if_unused(r);
}

static void enqueue(struct entry *e, struct mutation *m)
{
    m->entry = e;
    *e->last = m;
    e->last = &m->next;
    advance(e);
}

void mutation_expire(struct entry *e)
{
    if (e->ending)
        return;
    e->ending = true;
    struct mutation *m = NEW(struct mutation);
    m->verb = REGISTRY_DELETE;
    m->expiry = true;
    m->actor_admin = true;
    m->actor_token = mem_strdup("");
    enqueue(e, m);
}

void registry_change(struct registry *r, const struct registry_change *ch, registry_done *done,
                     void *ctx)
{
    CHECK(!r->closed);
    struct mutation *m = NEW(struct mutation);
    m->verb = ch->verb;
    m->actor_token = mem_strdup(ch->actor_token);
    m->actor_admin = ch->actor_admin;
    m->match = ch->match;
    m->body = json_incref(ch->body);
    m->done = done;
    m->ctx = ctx;

    struct entry *e = mutation_entry(r, m, ch->name);
    if (e) {
        enqueue(e, m);
        return;
    }
    struct registry_answer a = {.outcome = m->outcome,
                                .fault = m->outcome == REGISTRY_BAD ? &m->fault : NULL};
    done(ctx, &a);
    mutation_free(m);
}
