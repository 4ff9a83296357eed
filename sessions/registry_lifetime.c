#include <stdio.h>

#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "sessions/registry_internal.h"

/* How long sessions live. The heap holds lower bounds: a use only moves the true end further away, so
 * touching costs a store, and an item that comes up too early is put back.
 *
 * Uses are written late and few at a time. What a crash loses of them is USE_GRAIN_MS at most. */

#define LOOK_EVERY_S 60. /* the wall clock may be set */
#define RETRY_MS 60000   /* after an end that could not be stored */
#define EXPIRE_AT_ONCE 500

#define USE_GRAIN_MS 600000
#define USE_WRITE_EVERY_S 1.
#define USE_WRITE_FIRST_S 10.
#define USE_WRITES_AT_ONCE 500

int64_t lifetime_expires_ms(const struct entry *e)
{
    const struct session *s = e->session;
    if (s->pinned)
        return 0;
    int64_t from = e->used_ms > s->changed_ms ? e->used_ms : s->changed_ms;
    int64_t ttl = s->ttl_ms > INT64_MAX / 2 ? INT64_MAX / 2 : (int64_t)s->ttl_ms;
    return from + ttl;
}

/* Expiry */

static void arm(struct registry *r)
{
    const struct expiry_item *first = expiry_first(&r->expiry);
    ev_timer_stop(r->loop, &r->expire_timer);
    if (!first)
        return;
    double seconds = (double)(first->due_ms - registry_now_ms(r)) / 1e3;
    if (seconds < 0.)
        seconds = 0.;
    ev_timer_set(&r->expire_timer, seconds < LOOK_EVERY_S ? seconds : LOOK_EVERY_S, 0.);
    ev_timer_start(r->loop, &r->expire_timer);
}

static void set_due(struct entry *e, int64_t due_ms)
{
    struct registry *r = e->registry;
    const struct expiry_item *before = expiry_first(&r->expiry);
    expiry_set(&r->expiry, &e->expiry, due_ms);
    if (before != expiry_first(&r->expiry) || before == &e->expiry)
        arm(r);
}

void lifetime_follow(struct entry *e)
{
    int64_t due = lifetime_expires_ms(e);
    if (due == 0)
        expiry_remove(&e->registry->expiry, &e->expiry);
    else
        set_due(e, due);
}

static void end_due(struct registry *r)
{
    int64_t now = registry_now_ms(r);
    for (int i = 0; i < EXPIRE_AT_ONCE; i++) {
        struct expiry_item *first = expiry_first(&r->expiry);
        if (!first || first->due_ms > now)
            break;
        struct entry *e = CONTAINER_OF(first, struct entry, expiry);
        int64_t due = lifetime_expires_ms(e);
        if (due > now) {
            expiry_set(&r->expiry, first, due);
            continue;
        }
        /* Out of the way of the others until this one has ended, or failed to. */
        expiry_set(&r->expiry, first, now + RETRY_MS);
        mutation_expire(e);
    }
    arm(r);
}

static void on_expire_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop;
    (void)revents;
    end_due(CONTAINER_OF(timer, struct registry, expire_timer));
}

/* Uses */

static void write_use(struct entry *e)
{
    struct store *store = e->registry->store;
    char json[48];
    int len = snprintf(json, sizeof json, "{\"used\":%lld}", (long long)e->used_ms);
    e->used_stored_ms = e->used_ms;
    store->ops->put(store, STORE_USE, span_str(e->name), span_of(json, (size_t)len), NULL, NULL);
}

static void forget_use(struct entry *e)
{
    struct registry *r = e->registry;
    CHECK(e->used_link);
    *e->used_link = e->next_used;
    if (e->next_used)
        e->next_used->used_link = e->used_link;
    else
        r->used_last = e->used_link;
    e->used_link = NULL;
}

static void remember_use(struct entry *e)
{
    struct registry *r = e->registry;
    e->next_used = NULL;
    e->used_link = r->used_last;
    *r->used_last = e;
    r->used_last = &e->next_used;
}

static void write_uses(struct registry *r, size_t most)
{
    for (size_t i = 0; r->used && i < most; i++) {
        struct entry *e = r->used;
        forget_use(e);
        write_use(e);
    }
}

static void on_use_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)revents;
    struct registry *r = CONTAINER_OF(timer, struct registry, use_timer);
    write_uses(r, USE_WRITES_AT_ONCE);
    if (!r->used)
        return;
    ev_timer_set(timer, USE_WRITE_EVERY_S, 0.);
    ev_timer_start(loop, timer);
}

/* A short life wants a finer grain: a tenth of it. */
static bool worth_writing(const struct entry *e)
{
    uint64_t grain = e->session->ttl_ms / 10;
    if (grain > USE_GRAIN_MS)
        grain = USE_GRAIN_MS;
    int64_t known = e->used_stored_ms > e->session->changed_ms ? e->used_stored_ms
                                                               : e->session->changed_ms;
    return e->used_ms - known >= (int64_t)grain;
}

void registry_touch(struct registry *r, struct span name)
{
    struct entry *e = registry_entry(r, name);
    if (!e || !e->session || r->closed)
        return;
    int64_t now = registry_now_ms(r);
    if (now <= e->used_ms)
        return;
    e->used_ms = now;
    if (e->session->pinned || e->used_link || !worth_writing(e))
        return;
    remember_use(e);
    if (ev_is_active(&r->use_timer))
        return;
    ev_timer_set(&r->use_timer, USE_WRITE_FIRST_S, 0.);
    ev_timer_start(r->loop, &r->use_timer);
}

void lifetime_forget(struct entry *e)
{
    expiry_remove(&e->registry->expiry, &e->expiry);
    e->used_ms = e->used_stored_ms = 0;
    if (e->used_link)
        forget_use(e);
}

void registry_tick(struct registry *r)
{
    end_due(r);
    write_uses(r, USE_WRITES_AT_ONCE);
}

void lifetime_init(struct registry *r)
{
    expiry_init(&r->expiry);
    r->used_last = &r->used;
    ev_timer_init(&r->expire_timer, on_expire_timer, 0., 0.);
    ev_timer_init(&r->use_timer, on_use_timer, 0., 0.);
}

void lifetime_deinit(struct registry *r)
{
    write_uses(r, SIZE_MAX);
    ev_timer_stop(r->loop, &r->expire_timer);
    ev_timer_stop(r->loop, &r->use_timer);
}
