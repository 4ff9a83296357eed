#include "server/broadcast.h"

#include "core/mem.h"

struct slot {
    struct mail mail;
    struct round *round;
    struct edge_worker *worker;
};

struct round {
    struct control *control;
    void (*apply)(struct edge_worker *w, void *payload);
    void (*done)(struct control *c, void *payload);
    void *payload;
    unsigned left;
    struct slot slots[];
};

static void acknowledged(struct mail *m, void *ctx)
{
    (void)ctx;
    struct round *r = CONTAINER_OF(m, struct slot, mail)->round;
    if (--r->left > 0)
        return;
    if (r->done)
        r->done(r->control, r->payload);
    mem_free(r);
}

static void applied(struct mail *m, void *ctx)
{
    (void)ctx;
    struct slot *s = CONTAINER_OF(m, struct slot, mail);
    struct round *r = s->round;
    r->apply(s->worker, r->payload);
    m->deliver = acknowledged;
    mailbox_post(&r->control->mailbox, m);
}

void broadcast(struct control *c, void (*apply)(struct edge_worker *w, void *payload),
               void (*done)(struct control *c, void *payload), void *payload)
{
    struct round *r = mem_zalloc(sizeof *r + c->n_workers * sizeof(struct slot));
    r->control = c;
    r->apply = apply;
    r->done = done;
    r->payload = payload;
    r->left = c->n_workers;
    for (unsigned i = 0; i < c->n_workers; i++) {
        struct slot *s = &r->slots[i];
        s->round = r;
        s->worker = &c->workers[i];
        s->mail.deliver = applied;
        edge_worker_post(s->worker, &s->mail);
    }
}
