#include "proxy/back/back.h"
#include "proxy/page/own_answer.h"
#include "tunnel/edge/tunnels_parts.h"

static struct tunnels *tunnels_of(struct exchange *x)
{
    return x->back;
}

/* --- as a back ----------------------------------------------------------------------------------- */

static void append(struct wait_list *l, struct exchange *x)
{
    x->wait.next = NULL;
    x->wait.prev = l->last;
    *l->last = x;
    l->last = &x->wait.next;
}

static void unlink_one(struct tunnels *t, struct exchange *x)
{
    *x->wait.prev = x->wait.next;
    if (x->wait.next)
        x->wait.next->wait.prev = x->wait.prev;
    else if (t->waiting.last == &x->wait.next)
        t->waiting.last = x->wait.prev;
    else
        t->aside.last = x->wait.prev;
}

static void put_aside(struct tunnels *t, struct exchange *x)
{
    unlink_one(t, x);
    append(&t->aside, x);
}

static void take_out(struct tunnels *t, struct exchange *x)
{
    unlink_one(t, x);
    x->wait.next = NULL;
    x->wait.prev = NULL;
    t->n_waiting--;
    x->back = NULL;
    x->back_ops = NULL;
}

static void release(struct exchange *x)
{
    take_out(tunnels_of(x), x);
}

static const struct back_ops waiting_ops = {
    .request_body = back_wait_request_body,
    .peek = back_wait_peek,
    .consume = back_wait_consume,
    .release = release,
};

/* --- how long ------------------------------------------------------------------------------------ */

/* Many end at about the same time: no more often than this is it looked for them. */
#define LOOK_LEAST_MS 20

static void set_patience(struct tunnels *t, uint64_t due_ms)
{
    struct ev_loop *loop = t->loop;
    uint64_t least = loop_now_ms(loop) + LOOK_LEAST_MS;
    deadline_set(loop, &t->patience,
                 (double)((due_ms > least ? due_ms : least) - loop_now_ms(loop)) / 1000.);
}

static void on_patience(struct ev_loop *loop, struct deadline *d)
{
    struct tunnels *t = CONTAINER_OF(d, struct tunnels, patience);
    uint64_t now = loop_now_ms(loop), due_ms = UINT64_MAX;
    struct exchange *next;
    for (struct exchange *x = t->waiting.first; x; x = next) {
        next = x->wait.next;
        if (x->tunnel.until_ms <= now)
            put_aside(t, x);
        else if (x->tunnel.until_ms < due_ms)
            due_ms = x->tunnel.until_ms;
    }
    if (due_ms < UINT64_MAX)
        set_patience(t, due_ms);
    while (t->aside.first) {
        struct exchange *x = t->aside.first;
        take_out(t, x);
        tunnel_steer_in_vain(t, x);
    }
}

/* Who waits a second time has what is left of the first. */
void waiting_add(struct tunnels *t, struct exchange *x)
{
    if (t->n_waiting >= TUNNEL_WAITING_MAX) {
        own_answer_page(x, PAGE_OVERLOADED, NULL);
        return;
    }
    bool first = !t->waiting.first;
    if (x->tunnel.until_ms == 0)
        x->tunnel.until_ms = loop_now_ms(t->loop) + TUNNEL_WAIT_MS;
    append(&t->waiting, x);
    t->n_waiting++;
    x->back = t;
    x->back_ops = &waiting_ops;
    metrics_add(t->proxy->metrics, METRIC_TUNNEL_WAITS, 1);
    if (first)
        set_patience(t, x->tunnel.until_ms);
}

/* --- waking -------------------------------------------------------------------------------------- */

struct span waiting_session(const struct exchange *x)
{
    if (x->route.session_name.len > 0)
        return x->route.session_name;
    const struct field *f = fields_find(&x->request.fields, FIELD_LINKUP_SESSION);
    return f ? f->value : span_of(NULL, 0);
}

/* Who is aside may wait once more, and may end others that are: so all are put aside first. */
void waiting_wake(struct tunnels *t, struct span session)
{
    struct exchange *next;
    for (struct exchange *x = t->waiting.first; x; x = next) {
        next = x->wait.next;
        if (span_eq(waiting_session(x), session))
            put_aside(t, x);
    }
    while (t->aside.first) {
        struct exchange *x = t->aside.first;
        take_out(t, x);
        tunnel_steer(t, x);
    }
}

/* --- life ---------------------------------------------------------------------------------------- */

void waiting_init(struct tunnels *t)
{
    t->waiting = (struct wait_list){.last = &t->waiting.first};
    t->aside = (struct wait_list){.last = &t->aside.first};
    t->n_waiting = 0;
    deadline_init(&t->patience, on_patience);
}

void waiting_deinit(struct tunnels *t)
{
    CHECK(t->n_waiting == 0);
    deadline_off(t->loop, &t->patience);
}
