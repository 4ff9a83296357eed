#include "server/reload.h"

#include <signal.h>

#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "proxy/access/access_writer.h"
#include "server/checks.h"
#include "server/health.h"
#include "server/notify.h"
#include "server/publish.h"

static void log_errors(const struct control *c, const struct config_errors *errors)
{
    for (size_t i = 0; i < errors->n; i++)
        LOG(LOG_ERROR, "reload_refused", LOG_S("file", c->config_file),
            LOG_U("line", errors->v[i].line), LOG_S("key", errors->v[i].key),
            LOG_S("why", errors->v[i].text));
}

static void refuse(const char *key, const char *why)
{
    LOG(LOG_ERROR, "reload_refused", LOG_S("key", key), LOG_S("why", why));
}

/* Everything that can fail, before anything changes. */
static enum err prepare(struct control *c, struct config *next, struct dns_zone **zone)
{
    const char *fixed = config_needs_restart(c->config, next);
    if (fixed) {
        refuse(fixed, "a change of this key needs a restart; nothing was changed");
        return ERR_CONFLICT;
    }
    struct config_errors errors = {0};
    enum err e = checks_run(next, (uint32_t)(clock_wall_ms() / 1000), zone, &errors);
    log_errors(c, &errors);
    config_errors_deinit(&errors);
    TRY(e);
    char *why = NULL;
    e = authority_set_config(c->authority, next, &why);
    if (e != ERR_OK) {
        refuse("certificates", why ? why : err_text(e));
        dns_zone_unref(*zone);
    }
    mem_free(why);
    return e;
}

static void swap(struct control *c, struct config *next, struct dns_zone *zone)
{
    config_unref(c->config);
    edge_image_unref(c->image);
    dns_zone_unref(c->zone);
    c->config = next;
    c->image = edge_image_new(next);
    c->zone = zone;
    log_set_level(next->log.level);
    access_writer_reopen(c->access, &next->log);
    route_table_set_edge(&c->explain, c->image);
    registry_set_config(c->registry, next);
    api_set_config(c->api, next);
    publish_config(c);
    health_configure(c);
    publish_files(c);
}

static void reload(struct control *c)
{
    struct config *next = NULL;
    struct config_errors errors = {0};
    struct dns_zone *zone = NULL;
    enum err e = config_load(c->config_file, &next, &errors);
    log_errors(c, &errors);
    config_errors_deinit(&errors);
    if (e != ERR_OK)
        return;
    if (prepare(c, next, &zone) != ERR_OK) {
        config_unref(next);
        return;
    }
    swap(c, next, zone);
    LOG(LOG_INFO, "reloaded", LOG_S("file", c->config_file));
}

static void on_hup(struct ev_loop *loop, ev_signal *s, int events)
{
    (void)loop;
    (void)events;
    notify("RELOADING=1");
    reload(s->data);
    notify("READY=1");
}

void reload_watch(struct control *c)
{
    ev_signal_init(&c->on_hup, on_hup, SIGHUP);
    c->on_hup.data = c;
    ev_signal_start(c->loop, &c->on_hup);
}

void reload_unwatch(struct control *c)
{
    ev_signal_stop(c->loop, &c->on_hup);
    signal(SIGHUP, SIG_IGN); /* nothing is left to be changed */
}
