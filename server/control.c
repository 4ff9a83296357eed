#include "server/control.h"

#include <signal.h>
#include <stdalign.h>
#include <stdio.h>

#include "certs/naming.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "proxy/access/access_writer.h"
#include "server/asks.h"
#include "server/ending.h"
#include "server/facts.h"
#include "server/folders.h"
#include "server/health.h"
#include "server/notify.h"
#include "server/publish.h"
#include "server/reload.h"
#include "server/tunnels.h"

const char linkup_version[] = LINKUP_VERSION;

/* --- parts --------------------------------------------------------------------------------------- */

static void on_session_event(void *ctx, const char *what, const struct session *s)
{
    struct control *c = ctx;
    metrics_add(&c->metrics, METRIC_SESSION_MUTATIONS, 1);
    if (c->api)
        api_session_event(c->api, what, s);
    if (!registry_find(c->registry, span_str(s->name)))
        tunnels_session_gone(c, s);
}

static enum err compile_zone(struct control *c, char **why)
{
    struct config_errors errors = {0};
    enum err e = dns_zone_compile(c->config, (uint32_t)(clock_wall_ms() / 1000), &c->zone, &errors);
    if (e != ERR_OK && errors.n > 0)
        *why = mem_printf("%s: %s", errors.v[0].key, errors.v[0].text);
    config_errors_deinit(&errors);
    return e;
}

/* The zone's, the domains', and those of sessions that live: what scanners made up is let go. */
static bool is_wanted(void *ctx, const char *base)
{
    const struct control *c = ctx;
    struct span session = cert_base_session(c->config, span_str(base));
    return session.len == 0 || route_table_find(&c->explain, session) != NULL;
}

static enum err open_state(struct control *c, char **why)
{
    char *path = mem_printf("%s/linkup.db", c->config->state);
    enum err e = store_sqlite_open(path, &c->mailbox, &c->store, why);
    mem_free(path);
    TRY(e);
    c->registry_ops = (struct registry_ops){
        .ctx = c,
        .publish = publish_session,
        .event = on_session_event,
    };
    TRY(registry_new(c->loop, c->config, c->store, &c->registry_ops, &c->registry, why));
    const struct authority_events events = {
        .ctx = c,
        .on_replaced = publish_certificate,
        .wanted = is_wanted,
    };
    TRY(authority_new(c->loop, c->config, c->keys, &c->mailbox, &events, &c->authority, why));
    return api_new(c->loop, c->config, c->registry, c->store, &c->explain, &c->facts, &c->api, why);
}

static void put_session(void *ctx, struct session_image *image)
{
    struct control *c = ctx;
    route_table_put(&c->explain, image);
    for (unsigned i = 0; i < c->n_workers; i++)
        route_table_put(&c->workers[i].table, image);
}

static void init_workers(struct control *c)
{
    c->n_workers = c->config->workers;
    c->workers = mem_zalloc_aligned(c->n_workers * sizeof *c->workers, alignof(struct edge_worker));
    for (unsigned i = 0; i < c->n_workers; i++)
        edge_worker_init(&c->workers[i], c, i, c->config, c->image, c->zone, &c->sockets.v[i]);
    registry_each(c->registry, put_session, c);
    metrics_set(&c->metrics, METRIC_SESSIONS, route_table_count(&c->explain));
}

/* Signals are control's: the other threads are born with all of them blocked. */
static void start_workers(struct control *c)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 0; i < c->n_workers; i++)
        edge_worker_start(&c->workers[i]);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* --- start --------------------------------------------------------------------------------------- */

static enum err bind_and_drop(struct control *c, char **why)
{
    TRY(folder_prepare_state(c->config->state, why));
    TRY(sockets_open(c->config, &c->sockets, why));
    const char *owned[] = {c->config->state, c->config->admin_socket, NULL};
    return privileges_drop(c->config->user, owned, why);
}

static void init_plain(struct control *c, const char *config_file, struct config *config)
{
    memset(c, 0, sizeof *c);
    c->config_file = config_file;
    c->config = config_ref(config);
    c->started_ms = clock_wall_ms();
    c->loop = ev_default_loop(EVFLAG_AUTO);
    CHECK(c->loop);
    mailbox_init(&c->mailbox, c->loop, c);
    ev_ref(c->loop);
    metrics_register(&c->metrics);
    c->image = edge_image_new(config);
    route_table_init(&c->explain, c->image);
    facts_init(c);
    tunnels_init(c);
}

static void log_ready(const struct control *c)
{
    LOG(LOG_INFO, "edge_ready", LOG_S("zone", c->config->zone), LOG_S("version", linkup_version),
        LOG_U("workers", c->n_workers), LOG_U("sessions", registry_count(c->registry)));
}

enum err control_start(struct control *c, const char *config_file, struct config *config,
                       char **why)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is to a writer what a full disk is */
    init_plain(c, config_file, config);
    enum err e = compile_zone(c, why);
    if (e == ERR_OK)
        e = bind_and_drop(c, why);
    if (e == ERR_OK) {
        c->keys = job_runner_new("keys", NULL, NULL);
        e = open_state(c, why);
    }
    if (e != ERR_OK) {
        control_free(c);
        return e;
    }
    c->access = access_writer_new(&c->config->log);
    init_workers(c);
    start_workers(c);
    publish_keys_start(c);
    publish_files(c);
    health_configure(c);
    reload_watch(c);
    ending_watch(c);
    c->serving = true;
    log_ready(c);
    notify("READY=1");
    return ERR_OK;
}

void control_run(struct control *c)
{
    ev_run(c->loop, 0);
    LOG(LOG_INFO, "stopped", LOG_S("zone", c->config->zone));
}

/* --- end ----------------------------------------------------------------------------------------- */

/* The threads end; what they have posted last is still taken up while everyone it is for is there. */
static void end_workers(struct control *c)
{
    for (unsigned i = 0; i < c->n_workers; i++)
        edge_worker_join(&c->workers[i]);
    ev_run(c->loop, EVRUN_NOWAIT);
}

/* What is under way finishes: changes are stored and acknowledged, and callers told. */
static void close_state(struct control *c)
{
    if (c->api)
        api_free(c->api);
    c->api = NULL;
    if (c->registry)
        registry_free(c->registry);
    if (c->store)
        c->store->ops->free(c->store);
    if (c->keys)
        job_runner_free(c->keys);
    mailbox_deinit(&c->mailbox);
    if (c->authority)
        authority_free(c->authority);
    asks_forget(c);
    health_deinit(c);
    tunnels_deinit(c);
}

static void free_workers(struct control *c)
{
    for (unsigned i = 0; i < c->n_workers; i++)
        edge_worker_deinit(&c->workers[i]);
    mem_free(c->workers);
}

void control_free(struct control *c)
{
    if (c->workers) {
        reload_unwatch(c);
        ending_unwatch(c);
        ev_timer_stop(c->loop, &c->rotation);
        end_workers(c);
    }
    close_state(c);
    free_workers(c);
    access_writer_free(c->access);
    if (c->sockets.v)
        sockets_deinit(&c->sockets, c->config);
    route_table_deinit(&c->explain);
    edge_image_unref(c->image);
    if (c->zone)
        dns_zone_unref(c->zone);
    metrics_unregister(&c->metrics);
    ticket_keys_wipe(&c->tickets);
    config_unref(c->config);
    ev_loop_destroy(c->loop);
}
