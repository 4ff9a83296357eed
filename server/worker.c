#include "server/worker.h"

#include <stdio.h>

#include "core/mem.h"
#include "server/asks.h"
#include "server/bridge.h"
#include "server/control.h"
#include "server/health.h"
#include "server/probes.h"
#include "server/tunnels.h"

/* --- what the parts of a worker ask -------------------------------------------------------------- */

static bool session_lives(void *ctx, struct span session)
{
    struct edge_worker *w = ctx;
    return route_table_find(&w->table, session) != NULL;
}

static void ask_certificate(void *ctx, const char *base)
{
    asks_certificate(ctx, base);
}

static void session_used(void *ctx, struct span session)
{
    struct edge_worker *w = ctx;
    touches_add(&w->touches, session);
}

static void answer_locally(void *ctx, enum listen_kind kind, struct local_call *call)
{
    struct edge_worker *w = ctx;
    if (kind == LISTEN_METRICS)
        probes_answer(w, call);
    else
        bridge_call(w, kind == LISTEN_ADMIN, call);
}

static void cancel_locally(void *ctx, struct local_call *call)
{
    (void)ctx;
    bridge_cancel(call);
}

static void health_checked(void *ctx, const struct health_round *r)
{
    health_report(ctx, r);
}

static void to_tunnel(void *ctx, struct exchange *x)
{
    struct edge_worker *w = ctx;
    tunnels_start(w->tunnels, x);
}

static void from_relay(void *ctx, struct exchange *x)
{
    struct edge_worker *w = ctx;
    tunnels_start_relayed(w->tunnels, x);
}

/* --- life ---------------------------------------------------------------------------------------- */

static void open_dns(struct edge_worker *w, const struct config *c, struct dns_zone *zone,
                     const struct worker_sockets *s)
{
    const struct dns_oracle oracle = {.ctx = w, .session_lives = session_lives};
    w->responder = dns_responder_new(zone, &oracle, &w->metrics);
    w->n_dns = c->listen_dns.n;
    w->udp = mem_zalloc((w->n_dns + 1) * sizeof(struct dns_udp *));
    w->tcp = mem_zalloc((w->n_dns + 1) * sizeof(struct dns_tcp *));
    for (size_t i = 0; i < w->n_dns; i++) {
        w->udp[i] = dns_udp_new(w->loop, s->udp[i], w->responder, &w->metrics);
        w->tcp[i] = dns_tcp_new(w->loop, s->tcp[i], w->responder, &w->metrics,
                                c->limits.dns_tcp_connections);
        s->udp[i] = s->tcp[i] = -1;
    }
}

static void open_proxy(struct edge_worker *w, const struct config *c, struct worker_sockets *s)
{
    w->hooks = (struct proxy_hooks){
        .ctx = w,
        .access = w->control->access,
        .used = session_used,
        .local = answer_locally,
        .local_cancel = cancel_locally,
        .checked = health_checked,
        .tunnel = to_tunnel,
        .inner = from_relay,
    };
    w->proxy = proxy_new(w->loop, &w->table, w->tls, &w->metrics, &w->hooks);
    tunnels_worker_init(w);
    for (size_t i = 0; i < c->listen_https.n; i++) {
        proxy_listen(w->proxy, s->https[i], LISTEN_HTTPS);
        s->https[i] = -1;
    }
    for (size_t i = 0; i < c->listen_http.n; i++) {
        proxy_listen(w->proxy, s->http[i], LISTEN_REDIRECT);
        s->http[i] = -1;
    }
    if (s->admin >= 0)
        proxy_listen(w->proxy, s->admin, LISTEN_ADMIN);
    if (s->metrics >= 0)
        proxy_listen(w->proxy, s->metrics, LISTEN_METRICS);
    s->admin = s->metrics = -1;
}

void edge_worker_init(struct edge_worker *w, struct control *control, unsigned index,
                      struct config *config, struct edge_image *image, struct dns_zone *zone,
                      struct worker_sockets *sockets)
{
    memset(w, 0, sizeof *w);
    w->index = index;
    w->control = control;
    w->config = config_ref(config);
    w->loop = ev_loop_new(EVFLAG_AUTO);
    CHECK(w->loop);
    mailbox_init(&w->mailbox, w->loop, w);
    touches_init(&w->touches, w);
    metrics_register(&w->metrics);
    route_table_init(&w->table, image);
    const struct server_tls_asks asks = {.ctx = w, .ask = ask_certificate};
    w->tls = server_tls_new(config, &asks);
    open_dns(w, config, zone, sockets);
    open_proxy(w, config, sockets);
    if (index == 0)
        proxy_check_health(w->proxy);
}

static void *run(void *arg)
{
    struct edge_worker *w = arg;
    char name[16];
    snprintf(name, sizeof name, "worker-%u", w->index);
    pthread_setname_np(pthread_self(), name);
    ev_ref(w->loop); /* the mailbox alone does not keep the loop running */
    ev_run(w->loop, 0);
    return NULL;
}

void edge_worker_start(struct edge_worker *w)
{
    CHECK(pthread_create(&w->thread, NULL, run, w) == 0);
}

static void close_dns(struct edge_worker *w)
{
    for (size_t i = 0; i < w->n_dns; i++) {
        dns_udp_free(w->udp[i]);
        dns_tcp_free(w->tcp[i]);
    }
    mem_free(w->udp);
    mem_free(w->tcp);
    dns_responder_free(w->responder);
    w->responder = NULL;
}

void edge_worker_post(struct edge_worker *w, struct mail *m)
{
    if (w->joined)
        m->deliver(m, w);
    else
        mailbox_post(&w->mailbox, m);
}

void edge_worker_join(struct edge_worker *w)
{
    pthread_join(w->thread, NULL);
    mailbox_deinit(&w->mailbox);
    w->joined = true;
}

void edge_worker_deinit(struct edge_worker *w)
{
    route_table_deinit(&w->table);
    server_tls_free(w->tls);
    metrics_unregister(&w->metrics);
    ev_loop_destroy(w->loop);
    config_unref(w->config);
}

/* --- the end ------------------------------------------------------------------------------------- */

static void watch_drain(struct ev_loop *loop, ev_prepare *p, int events)
{
    (void)loop;
    (void)events;
    struct edge_worker *w = p->data;
    if (w->drained || proxy_connections(w->proxy) > 0)
        return;
    w->drained = true;
    asks_drained(w);
}

void edge_worker_drain(struct edge_worker *w)
{
    if (w->draining)
        return;
    w->draining = true;
    ev_prepare_init(&w->drain_watch, watch_drain);
    w->drain_watch.data = w;
    ev_set_priority(&w->drain_watch, EV_MINPRI); /* after the turn has closed what it closes */
    ev_prepare_start(w->loop, &w->drain_watch);
    proxy_drain(w->proxy);
    tunnels_drain(w->tunnels);
}

void edge_worker_stop(struct edge_worker *w)
{
    if (w->draining)
        ev_prepare_stop(w->loop, &w->drain_watch);
    proxy_free(w->proxy);
    tunnels_free(w->tunnels);
    touches_deinit(&w->touches);
    w->proxy = NULL;
    close_dns(w);
    ev_unref(w->loop);
    ev_break(w->loop, EVBREAK_ALL);
}
