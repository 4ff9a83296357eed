#include "certs/issuer_internal.h"

#include "certs/leaf.h"
#include "config/names.h"
#include "core/mem.h"

/* One certificate in the making. `work` reads what stands above the line and writes what stands
 * below it; the rest is the control thread's. */
struct making {
    struct job job;
    struct ca *ca;
    char *base;
    int64_t now_s;
    /* ---- */
    struct cert *cert;
    enum err e;
    /* ---- */
    struct internal *owner; /* NULL when the issuer has gone meanwhile */
    struct making *next, **prev;
    issuer_done *done;
    void *ctx;
};

struct internal {
    struct issuer issuer;
    struct ca *ca;
    char *zone;
    struct job_runner *jobs;
    struct mailbox *control;
    struct making *making;
};

static struct internal *internal_of(const struct issuer *i)
{
    return CONTAINER_OF((uintptr_t)i, struct internal, issuer);
}

static enum err may(const struct issuer *i, const char *base)
{
    /* The CA's name constraint: elsewhere its signature means nothing. */
    return name_below(span_str(base), span_str(internal_of(i)->zone), NULL) ? ERR_OK : ERR_DENIED;
}

static void work(struct job *j, void *runner_ctx)
{
    (void)runner_ctx;
    struct making *m = CONTAINER_OF(j, struct making, job);
    m->e = leaf_issue(m->ca, m->base, m->now_s, &m->cert);
}

static void detach(struct making *m)
{
    *m->prev = m->next;
    if (m->next)
        m->next->prev = m->prev;
    m->owner = NULL;
}

static void worked(struct job *j, void *mailbox_ctx)
{
    (void)mailbox_ctx;
    struct making *m = CONTAINER_OF(j, struct making, job);
    if (m->owner) {
        detach(m);
        m->done(m->ctx, m->cert, m->e);
    }
    cert_unref(m->cert);
    ca_unref(m->ca);
    mem_free(m->base);
    mem_free(m);
}

static void issue(struct issuer *i, const char *base, int64_t now_s, issuer_done *done, void *ctx)
{
    struct internal *in = internal_of(i);
    struct making *m = NEW(struct making);
    m->job.work = work;
    m->job.done = worked;
    m->ca = ca_ref(in->ca);
    m->base = mem_strdup(base);
    m->now_s = now_s;
    m->done = done;
    m->ctx = ctx;
    m->owner = in;
    m->next = in->making;
    m->prev = &in->making;
    if (m->next)
        m->next->prev = &m->next;
    in->making = m;
    job_submit(in->jobs, &m->job, in->control);
}

/* At two thirds of its life. */
static int64_t renew_at_s(const struct issuer *i, const struct cert *cert)
{
    (void)i;
    int64_t from = cert_not_before_s(cert), to = cert_not_after_s(cert);
    return from + (to - from) / 3 * 2;
}

static const char *root_pem(const struct issuer *i)
{
    return ca_pem(internal_of(i)->ca);
}

static void internal_free(struct issuer *i)
{
    struct internal *in = internal_of(i);
    while (in->making)
        detach(in->making);
    ca_unref(in->ca);
    mem_free(in->zone);
    mem_free(in);
}

struct issuer *issuer_internal_new(struct ca *ca, const char *zone, struct job_runner *jobs,
                                   struct mailbox *control)
{
    static const struct issuer_ops ops = {
        .name = "internal",
        .may = may,
        .issue = issue,
        .renew_at_s = renew_at_s,
        .root_pem = root_pem,
        .free = internal_free,
    };
    struct internal *in = NEW(struct internal);
    in->issuer.ops = &ops;
    in->ca = ca_ref(ca);
    in->zone = mem_strdup(zone);
    in->jobs = jobs;
    in->control = control;
    return &in->issuer;
}
