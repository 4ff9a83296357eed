#include "server/asks.h"

#include "certs/naming.h"
#include "core/mem.h"
#include "server/ending.h"

/* --- certificates -------------------------------------------------------------------------------- */

struct cert_ask {
    struct mail mail;
    struct cert_ask *next, **prev; /* in control's list, while the authority has it */
    struct edge_worker *worker;
    char base[CERT_BASE_MAX];
    struct cert *cert;
};

/* On the worker. */
static void take_certificate(struct mail *m, void *ctx)
{
    struct cert_ask *a = CONTAINER_OF(m, struct cert_ask, mail);
    struct edge_worker *w = ctx;
    if (a->cert) {
        server_tls_put(w->tls, a->cert);
        cert_unref(a->cert);
    } else {
        server_tls_refuse(w->tls, a->base);
    }
    mem_free(a);
}

static void on_issued(void *ctx, const char *base, struct cert *cert, enum err e)
{
    (void)base;
    struct cert_ask *a = ctx;
    struct control *c = a->worker->control;
    size_t held;
    uint64_t made;
    authority_counts(c->authority, &held, &made);
    metrics_set(&c->metrics, METRIC_CERTS_MADE, made);
    a->cert = e == ERR_OK ? cert_ref(cert) : NULL;
    a->mail.deliver = take_certificate;
    *a->prev = a->next;
    if (a->next)
        a->next->prev = a->prev;
    edge_worker_post(a->worker, &a->mail);
}

/* On control. */
static void issue(struct mail *m, void *ctx)
{
    struct control *c = ctx;
    struct cert_ask *a = CONTAINER_OF(m, struct cert_ask, mail);
    a->next = c->asks;
    a->prev = &c->asks;
    if (a->next)
        a->next->prev = &a->next;
    c->asks = a;
    authority_request(c->authority, a->base, on_issued, a);
}

void asks_certificate(struct edge_worker *w, const char *base)
{
    struct cert_ask *a = NEW(struct cert_ask);
    a->worker = w;
    a->mail.deliver = issue;
    enum err e = span_copy_z(span_str(base), a->base, sizeof a->base);
    CHECK(e == ERR_OK);
    mailbox_post(&w->control->mailbox, &a->mail);
}

void asks_forget(struct control *c)
{
    while (c->asks) {
        struct cert_ask *a = c->asks;
        c->asks = a->next;
        mem_free(a);
    }
}

/* --- draining ------------------------------------------------------------------------------------ */

static void count_drained(struct mail *m, void *ctx)
{
    mem_free(m);
    ending_drained(ctx);
}

void asks_drained(struct edge_worker *w)
{
    struct mail *m = NEW(struct mail);
    m->deliver = count_drained;
    mailbox_post(&w->control->mailbox, m);
}
