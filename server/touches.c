#include "server/touches.h"

#include "core/mem.h"
#include "server/control.h"

#define BATCH_MAX 128
#define LATE_MOST_S 0.1

struct touch {
    uint8_t len;
    char session[63];
};

struct touch_batch {
    struct mail mail;
    size_t n;
    struct touch v[BATCH_MAX];
};

static void note_uses(struct mail *m, void *ctx)
{
    struct control *c = ctx;
    struct touch_batch *b = CONTAINER_OF(m, struct touch_batch, mail);
    for (size_t i = 0; i < b->n; i++)
        registry_touch(c->registry, span_of(b->v[i].session, b->v[i].len));
    mem_free(b);
}

static void send_batch(struct touches *t)
{
    struct touch_batch *b = t->batch;
    t->batch = NULL;
    ev_timer_stop(t->worker->loop, &t->due);
    if (b)
        mailbox_post(&t->worker->control->mailbox, &b->mail);
}

static void on_due(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    send_batch(timer->data);
}

void touches_init(struct touches *t, struct edge_worker *w)
{
    t->worker = w;
    t->batch = NULL;
    ev_timer_init(&t->due, on_due, LATE_MOST_S, 0.);
    t->due.data = t;
}

void touches_add(struct touches *t, struct span session)
{
    if (!t->batch) {
        t->batch = NEW(struct touch_batch);
        t->batch->mail.deliver = note_uses;
        ev_timer_set(&t->due, LATE_MOST_S, 0.);
        ev_timer_start(t->worker->loop, &t->due);
    }
    struct touch *to = &t->batch->v[t->batch->n++];
    CHECK(session.len <= sizeof to->session);
    memcpy(to->session, session.p, session.len);
    to->len = (uint8_t)session.len;
    if (t->batch->n == BATCH_MAX)
        send_batch(t);
}

void touches_deinit(struct touches *t)
{
    send_batch(t);
}
