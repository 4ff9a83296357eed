#include "proxy/net/turn.h"

#include "core/err.h"

static void run_flushes(struct turn *t)
{
    while (t->flush_first) {
        struct turn_item *i = t->flush_first;
        t->flush_first = i->next;
        if (!t->flush_first)
            t->flush_last = &t->flush_first;
        i->queued = false;
        i->run(i);
    }
}

static void run_reaps(struct turn *t)
{
    while (t->reap_first) {
        struct turn_item *i = t->reap_first;
        t->reap_first = i->next;
        i->run(i);
    }
}

static void on_prepare(struct ev_loop *loop, ev_prepare *w, int events)
{
    (void)loop;
    (void)events;
    struct turn *t = w->data;
    /* Freeing may end exchanges of other connections, which then have something to write. */
    while (t->flush_first || t->reap_first) {
        run_flushes(t);
        run_reaps(t);
    }
}

void turn_init(struct turn *t, struct ev_loop *loop)
{
    t->flush_first = NULL;
    t->flush_last = &t->flush_first;
    t->reap_first = NULL;
    ev_prepare_init(&t->prepare, on_prepare);
    t->prepare.data = t;
    ev_prepare_start(loop, &t->prepare);
    ev_unref(loop);
}

void turn_deinit(struct turn *t, struct ev_loop *loop)
{
    on_prepare(loop, &t->prepare, 0);
    ev_ref(loop);
    ev_prepare_stop(loop, &t->prepare);
}

void turn_flush(struct turn *t, struct turn_item *i)
{
    if (i->queued)
        return;
    i->queued = true;
    i->next = NULL;
    *t->flush_last = i;
    t->flush_last = &i->next;
}

void turn_unflush(struct turn *t, struct turn_item *i)
{
    if (!i->queued)
        return;
    struct turn_item **p = &t->flush_first;
    while (*p != i) {
        CHECK(*p);
        p = &(*p)->next;
    }
    *p = i->next;
    if (!*p)
        t->flush_last = p;
    i->queued = false;
}

void turn_reap(struct turn *t, struct turn_item *i)
{
    i->next = t->reap_first;
    t->reap_first = i;
}
