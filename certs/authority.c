#include "certs/authority.h"

#include "certs/authority_test.h"
#include "certs/base_map.h"
#include "certs/ca.h"
#include "certs/issuer_internal.h"
#include "certs/naming.h"
#include "certs/pem_files.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"

#define TICK_S 60.
/* After a failed renewal. */
#define RETRY_S ((int64_t)300)
/* Renewals leave room for those who wait. */
#define RENEWING_MAX (AUTHORITY_MAKING_MAX / 2)

struct authority {
    struct ev_loop *loop;
    struct config *config;
    struct authority_events events;
    struct issuer *issuer;
    struct pem_files *files;
    struct base_map entries; /* struct entry */
    size_t n_making, n_held;
    uint64_t made;
    ev_timer tick;
    int64_t (*now_s)(void *ctx);
    void *now_ctx;
};

/* Somebody who waits for a certificate in the making. */
struct request {
    struct request *next;
    void (*done)(void *ctx, const char *base, struct cert *cert, enum err e);
    void *ctx;
};

/* A base whose certificate is held, in the making, or both: then it is being renewed. */
struct entry {
    struct base_node node;
    struct authority *authority;
    struct cert *cert; /* NULL until the first has come */
    int64_t renew_at_s;
    bool making, forgotten;
    struct request *requests, **requests_end;
    char base[CERT_BASE_MAX];
};

static struct entry *entry_of(struct base_node *n)
{
    return n ? CONTAINER_OF(n, struct entry, node) : NULL;
}

static int64_t now_s(const struct authority *a)
{
    return a->now_s(a->now_ctx);
}

static int64_t wall_s(void *ctx)
{
    (void)ctx;
    return clock_wall_ms() / 1000;
}

/* ---- what is held ---- */

static void entry_set(struct authority *a, struct entry *en, struct cert *cert)
{
    a->n_held += (cert != NULL);
    a->n_held -= (en->cert != NULL);
    if (cert)
        cert_ref(cert);
    cert_unref(en->cert);
    en->cert = cert;
}

static void entry_free(struct authority *a, struct entry *en)
{
    entry_set(a, en, NULL);
    base_map_remove(&a->entries, &en->node);
    while (en->requests) {
        struct request *r = en->requests;
        en->requests = r->next;
        mem_free(r);
    }
    mem_free(en);
}

static struct entry *entry_find(struct authority *a, const char *base)
{
    return entry_of(base_map_find(&a->entries, span_str(base)));
}

/* The one used longest ago that is not in the making; those are few. */
static void make_room(struct authority *a)
{
    if (a->entries.n < AUTHORITY_HELD_MAX)
        return;
    struct base_node *n = a->entries.oldest;
    while (n && entry_of(n)->making)
        n = n->newer;
    if (n)
        entry_free(a, entry_of(n));
}

static struct entry *entry_new(struct authority *a, const char *base)
{
    make_room(a);
    struct entry *en = NEW(struct entry);
    en->authority = a;
    en->requests_end = &en->requests;
    CHECK(span_copy_z(span_str(base), en->base, sizeof en->base) == ERR_OK);
    base_map_add(&a->entries, &en->node, en->base);
    return en;
}

/* ---- making ---- */

static void log_failed(const struct authority *a, const char *base, enum err e)
{
    LOG(LOG_WARN, "cert_failed", LOG_S("base", base), LOG_S("issuer", a->issuer->ops->name),
        LOG_S("error", err_text(e)));
}

/* Answers those who waited. They may ask, forget, and end anything: nothing of the entry is
 * used. */
static void answer(struct request *requests, const char *base, struct cert *cert, enum err e)
{
    while (requests) {
        struct request *r = requests;
        requests = r->next;
        r->done(r->ctx, base, cert, e);
        mem_free(r);
    }
}

static struct request *take_requests(struct entry *en)
{
    struct request *r = en->requests;
    en->requests = NULL;
    en->requests_end = &en->requests;
    return r;
}

/* A certificate has come, or not. An old one that is still good serves until the next try. */
static void issued(void *ctx, struct cert *cert, enum err e)
{
    struct entry *en = ctx;
    struct authority *a = en->authority;
    bool replaces = cert && en->cert && !en->forgotten;
    en->making = false;
    a->n_making--;

    if (cert) {
        a->made++;
        entry_set(a, en, cert);
        en->renew_at_s = a->issuer->ops->renew_at_s(a->issuer, cert);
        LOG(LOG_DEBUG, "cert_made", LOG_S("base", en->base));
    } else {
        log_failed(a, en->base, e);
        en->renew_at_s = now_s(a) + RETRY_S;
        if (en->cert && cert_not_after_s(en->cert) <= now_s(a))
            entry_set(a, en, NULL);
    }

    char base[CERT_BASE_MAX];
    memcpy(base, en->base, sizeof base);
    struct cert *held = en->cert ? cert_ref(en->cert) : NULL;
    struct request *requests = take_requests(en);
    if (!en->cert || en->forgotten)
        entry_free(a, en);

    if (replaces)
        a->events.on_replaced(a->events.ctx, held);
    answer(requests, base, held, held ? ERR_OK : e);
    cert_unref(held);
}

static void make(struct authority *a, struct entry *en)
{
    en->making = true;
    a->n_making++;
    a->issuer->ops->issue(a->issuer, en->base, now_s(a), issued, en);
}

static bool wanted(const struct authority *a, const char *base)
{
    return !a->events.wanted || a->events.wanted(a->events.ctx, base);
}

/* Names that scanners make up leave room for those that live. */
static enum err may_make(struct authority *a, const char *base)
{
    if (!cert_base_valid(a->config, span_str(base)))
        return ERR_NOT_FOUND;
    TRY(a->issuer->ops->may(a->issuer, base));
    size_t most = wanted(a, base) ? AUTHORITY_MAKING_MAX : AUTHORITY_MAKING_MAX / 2;
    return a->n_making < most ? ERR_OK : ERR_FULL;
}

static void wait_for(struct entry *en,
                     void (*done)(void *ctx, const char *base, struct cert *cert, enum err e),
                     void *ctx)
{
    struct request *r = NEW(struct request);
    r->done = done;
    r->ctx = ctx;
    *en->requests_end = r;
    en->requests_end = &r->next;
}

void authority_request(struct authority *a, const char *base,
                       void (*done)(void *ctx, const char *base, struct cert *cert, enum err e),
                       void *ctx)
{
    struct entry *en = entry_find(a, base);
    if (en)
        base_map_touch(&a->entries, &en->node);
    if (en && en->cert && !en->forgotten && cert_not_after_s(en->cert) > now_s(a)) {
        struct cert *cert = cert_ref(en->cert);
        done(ctx, base, cert, ERR_OK);
        cert_unref(cert);
        return;
    }
    if (en && en->making) {
        en->forgotten = false; /* wanted again */
        wait_for(en, done, ctx);
        return;
    }

    enum err e = may_make(a, base);
    if (e != ERR_OK) {
        done(ctx, base, NULL, e);
        return;
    }
    if (!en)
        en = entry_new(a, base);
    wait_for(en, done, ctx);
    make(a, en);
}

void authority_forget(struct authority *a, const char *base)
{
    struct entry *en = entry_find(a, base);
    if (!en)
        return;
    if (en->making)
        en->forgotten = true; /* goes when it has come */
    else
        entry_free(a, en);
}

/* ---- renewing ---- */

static void renew(struct authority *a, struct entry *en)
{
    if (!cert_base_valid(a->config, span_str(en->base)) || !wanted(a, en->base))
        entry_free(a, en);
    else if (a->n_making < RENEWING_MAX)
        make(a, en);
}

/* One look at everything a minute costs less than a timer each, and is right as well after the
 * machine has slept or its clock was set. */
static void renew_due(struct authority *a)
{
    int64_t now = now_s(a);
    struct base_node *next;
    for (struct base_node *n = a->entries.oldest; n; n = next) {
        next = n->newer;
        struct entry *en = entry_of(n);
        if (!en->making && en->renew_at_s <= now)
            renew(a, en);
    }
}

static void on_tick(struct ev_loop *loop, ev_timer *t, int events)
{
    (void)loop, (void)events;
    renew_due(t->data);
}

static void on_file_changed(void *ctx, struct cert *cert)
{
    struct authority *a = ctx;
    a->events.on_replaced(a->events.ctx, cert);
}

/* ---- the authority ---- */

static enum err open_issuer(struct authority *a, struct job_runner *jobs, struct mailbox *control,
                            char **why)
{
    const struct config *c = a->config;
    if (c->certificates.issuer != CERT_ISSUER_INTERNAL) {
        *why = mem_strdup(
            "certificates.issuer: acme is not supported in this version; use internal, "
            "or certificates.files for certificates of your own");
        return ERR_UNSUPPORTED;
    }
    struct ca *ca;
    TRY(ca_open(c->state, c->zone, now_s(a), &ca, why));
    a->issuer = issuer_internal_new(ca, c->zone, jobs, control);
    ca_unref(ca);
    return ERR_OK;
}

static enum err open_files(struct authority *a, const struct config *c, struct pem_files **out,
                           char **why)
{
    return pem_files_new(a->loop, c->certificates.files, c->certificates.n_files, on_file_changed,
                         a, out, why);
}

enum err authority_new(struct ev_loop *loop, struct config *c, struct job_runner *jobs,
                       struct mailbox *control, const struct authority_events *events,
                       struct authority **out, char **why)
{
    struct authority *a = NEW(struct authority);
    a->loop = loop;
    a->config = config_ref(c);
    a->events = *events;
    a->now_s = wall_s;
    base_map_init(&a->entries, 16384);
    ev_timer_init(&a->tick, on_tick, TICK_S, TICK_S);
    a->tick.data = a;
    ev_timer_start(loop, &a->tick);

    enum err e = open_issuer(a, jobs, control, why);
    if (e == ERR_OK)
        e = open_files(a, c, &a->files, why);
    if (e != ERR_OK) {
        authority_free(a);
        return e;
    }
    *out = a;
    return ERR_OK;
}

void authority_free(struct authority *a)
{
    if (!a)
        return;
    ev_timer_stop(a->loop, &a->tick);
    pem_files_free(a->files);
    if (a->issuer)
        a->issuer->ops->free(a->issuer);
    while (a->entries.oldest)
        entry_free(a, entry_of(a->entries.oldest));
    base_map_deinit(&a->entries);
    config_unref(a->config);
    mem_free(a);
}

enum err authority_set_config(struct authority *a, struct config *c, char **why)
{
    if (strcmp(c->zone, a->config->zone) != 0 ||
        c->certificates.issuer != a->config->certificates.issuer) {
        *why = mem_strdup("zone and certificates.issuer cannot change while running: restart");
        return ERR_CONFLICT;
    }
    struct pem_files *files;
    TRY(open_files(a, c, &files, why));
    pem_files_free(a->files);
    a->files = files;

    struct config *old = a->config;
    a->config = config_ref(c);
    config_unref(old);
    return ERR_OK;
}

size_t authority_files(const struct authority *a, struct cert *const **certs)
{
    return pem_files_certs(a->files, certs);
}

const char *authority_ca_pem(const struct authority *a)
{
    return a->issuer->ops->root_pem(a->issuer);
}

void authority_counts(const struct authority *a, size_t *held, uint64_t *made)
{
    *held = a->n_held;
    *made = a->made;
}

/* ---- for tests ---- */

void authority_test_clock(struct authority *a, int64_t (*now)(void *ctx), void *ctx)
{
    a->now_s = now;
    a->now_ctx = ctx;
}

void authority_test_issuer(struct authority *a, struct issuer *issuer)
{
    CHECK(a->n_making == 0);
    a->issuer->ops->free(a->issuer);
    a->issuer = issuer;
}

void authority_test_tick(struct authority *a)
{
    renew_due(a);
}
