#include "server/ending.h"

#include <signal.h>
#include <unistd.h>

#include "core/log.h"
#include "server/broadcast.h"
#include "server/notify.h"
#include "server/options.h"

static void stop_worker(struct edge_worker *w, void *payload)
{
    (void)payload;
    edge_worker_stop(w);
}

static void all_stopped(struct control *c, void *payload)
{
    (void)payload;
    ev_break(c->loop, EVBREAK_ALL);
}

static void stop(struct control *c)
{
    ev_timer_stop(c->loop, &c->drain_timer);
    broadcast(c, stop_worker, all_stopped, NULL);
}

static void on_drain_timeout(struct ev_loop *loop, ev_timer *t, int events)
{
    (void)loop;
    (void)events;
    struct control *c = t->data;
    LOG(LOG_WARN, "drain_cut", LOG_U("after_ms", c->config->drain_ms));
    stop(c);
}

void ending_drained(struct control *c)
{
    if (++c->drained == c->n_workers && ev_is_active(&c->drain_timer))
        stop(c);
}

static void drain_worker(struct edge_worker *w, void *payload)
{
    (void)payload;
    edge_worker_drain(w);
}

static void on_end(struct ev_loop *loop, ev_signal *s, int events)
{
    (void)events;
    struct control *c = s->data;
    if (c->draining)
        _exit(EXIT_DONE);
    c->draining = true;
    LOG(LOG_INFO, "draining", LOG_U("most_ms", c->config->drain_ms));
    notify("STOPPING=1");
    ev_timer_set(&c->drain_timer, (double)c->config->drain_ms / 1000.0, 0.);
    ev_timer_start(loop, &c->drain_timer);
    api_drain(c->api);
    broadcast(c, drain_worker, NULL, NULL);
}

void ending_watch(struct control *c)
{
    ev_timer_init(&c->drain_timer, on_drain_timeout, 0., 0.);
    c->drain_timer.data = c;
    ev_signal_init(&c->on_term, on_end, SIGTERM);
    ev_signal_init(&c->on_int, on_end, SIGINT);
    c->on_term.data = c->on_int.data = c;
    ev_signal_start(c->loop, &c->on_term);
    ev_signal_start(c->loop, &c->on_int);
}

/* What is left to do then is freeing. */
static void on_late_signal(int number)
{
    (void)number;
    _exit(EXIT_DONE);
}

void ending_unwatch(struct control *c)
{
    ev_signal_stop(c->loop, &c->on_term);
    ev_signal_stop(c->loop, &c->on_int);
    signal(SIGTERM, on_late_signal);
    signal(SIGINT, on_late_signal);
    ev_timer_stop(c->loop, &c->drain_timer);
}
