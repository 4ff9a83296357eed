#include "core/mailbox.h"

#include <stddef.h>

#include "core/mem.h"

/* Senders push onto a stack; the receiver takes the whole of it at once, so there is no pop that
 * could meet a push (no ABA), and turns it round to have the oldest first. */

static struct mail *take_oldest_first(struct mailbox *mb)
{
    struct mail *newest = atomic_exchange_explicit(&mb->head, NULL, memory_order_acquire);
    struct mail *oldest = NULL;
    while (newest) {
        struct mail *older = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = older;
    }
    return oldest;
}

/* What is posted meanwhile comes with a wake-up of its own, so that mail cannot starve the loop. */
static void deliver_waiting(struct mailbox *mb)
{
    struct mail *m = take_oldest_first(mb);
    while (m) {
        struct mail *next = m->next; /* deliver may free it */
        m->deliver(m, mb->ctx);
        m = next;
    }
}

static void on_wake(struct ev_loop *loop, ev_async *wake, int revents)
{
    (void)loop;
    (void)revents;
    deliver_waiting(CONTAINER_OF(wake, struct mailbox, wake));
}

void mailbox_init(struct mailbox *mb, struct ev_loop *loop, void *ctx)
{
    mb->loop = loop;
    mb->ctx = ctx;
    atomic_init(&mb->head, NULL);
    ev_async_init(&mb->wake, on_wake);
    ev_async_start(loop, &mb->wake);
    ev_unref(loop);
}

void mailbox_deinit(struct mailbox *mb)
{
    while (atomic_load_explicit(&mb->head, memory_order_relaxed))
        deliver_waiting(mb);
    ev_ref(mb->loop);
    ev_async_stop(mb->loop, &mb->wake);
}

void mailbox_post(struct mailbox *mb, struct mail *m)
{
    struct mail *newest = atomic_load_explicit(&mb->head, memory_order_relaxed);
    do
        m->next = newest;
    while (!atomic_compare_exchange_weak_explicit(&mb->head, &newest, m, memory_order_release,
                                                  memory_order_relaxed));
    /* Whoever put the first one has woken the receiver. M may be gone already: it is not read. */
    if (!newest)
        ev_async_send(mb->loop, &mb->wake);
}
