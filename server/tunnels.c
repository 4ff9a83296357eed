#include "server/tunnels.h"

#include <unistd.h>

#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/timefmt.h"
#include "server/bridge.h"
#include "server/broadcast.h"
#include "tunnel/edge/tunnels.h"

/* --- from control to the workers ----------------------------------------------------------------- */

struct change {
    struct tunnel_news news;
    uint64_t id; /* whom OPENED is told of */
    api_tunnel_opened *opened;
    void *opened_ctx;
};

static void apply(struct edge_worker *w, void *payload)
{
    const struct change *ch = payload;
    if (w->proxy) /* NULL: it is ending */
        tunnels_apply(w->tunnels, &ch->news);
}

static void applied(struct control *c, void *payload)
{
    (void)c;
    struct change *ch = payload;
    if (ch->opened)
        ch->opened(ch->opened_ctx, ch->id);
    mem_free(ch);
}

static void tell_people(struct control *c, const struct tunnel_route *r)
{
    if (r->forget)
        return;
    const char *state = r->id > 0 ? "up" : "down";
    const struct session *s = registry_find(c->registry, span_str(r->session));
    LOG(LOG_INFO, "tunnel_changed", LOG_S("session", r->session), LOG_S("state", state),
        LOG_U("tunnel", r->id), LOG_S("owner", s ? s->owner : ""));
    if (!c->api)
        return;
    json_t *data = json_pack("{s:s, s:o}", "session", r->session, "tunnel",
                             tunnels_of(c, r->session));
    CHECK(data);
    api_event(c->api, "tunnel", data);
    json_decref(data);
}

/* Takes CH over. */
static void publish(struct control *c, struct change *ch)
{
    for (size_t i = 0; i < ch->news.n_routes; i++)
        tell_people(c, &ch->news.routes[i]);
    if (tunnel_news_empty(&ch->news))
        mem_free(ch);
    else
        broadcast(c, apply, applied, ch);
}

/* --- the API's ----------------------------------------------------------------------------------- */

void tunnels_open(void *ctx, struct api_call *call, const struct api_tunnel_ask *ask,
                  api_tunnel_opened *opened, void *opened_ctx)
{
    struct control *c = ctx;
    if (c->draining || tunnel_book_count(&c->tunnels) >= c->config->limits.tunnels) {
        opened(opened_ctx, 0);
        return;
    }
    struct change *ch = NEW(struct change);
    ch->opened = opened;
    ch->opened_ctx = opened_ctx;
    ch->id = tunnel_book_open(&c->tunnels, ask, bridge_worker(call)->index, clock_wall_ms(),
                              &ch->news);
    for (size_t i = 0; i < ask->n_sessions; i++)
        registry_touch(c->registry, ask->sessions[i]);
    publish(c, ch);
}

void tunnels_lost(void *ctx, uint64_t id)
{
    struct control *c = ctx;
    struct change *ch = NEW(struct change);
    tunnel_book_lose(&c->tunnels, id, clock_wall_ms(), &ch->news);
    publish(c, ch);
}

void tunnels_revoke(void *ctx, const char *token)
{
    struct control *c = ctx;
    for (;;) {
        struct change *ch = NEW(struct change);
        if (!tunnel_book_revoke(&c->tunnels, span_str(token), clock_wall_ms(), &ch->news)) {
            mem_free(ch);
            return;
        }
        publish(c, ch);
    }
}

json_t *tunnels_of(void *ctx, const char *session)
{
    const struct control *c = ctx;
    struct tunnel_state s;
    char since[TIMEFMT_MAX];
    if (!tunnel_book_find(&c->tunnels, span_str(session), &s))
        return NULL;
    json_t *json = json_pack("{s:s, s:s, s:s?}", "state", s.up ? "up" : "down", "since",
                             timefmt_rfc3339(s.since_ms, since), "agent", s.agent);
    CHECK(json);
    return json;
}

void tunnels_session_gone(struct control *c, const struct session *s)
{
    struct change *ch = NEW(struct change);
    tunnel_book_forget_session(&c->tunnels, span_str(s->name), &ch->news);
    publish(c, ch);
}

void tunnels_init(struct control *c)
{
    tunnel_book_init(&c->tunnels);
}

void tunnels_deinit(struct control *c)
{
    tunnel_book_deinit(&c->tunnels);
}

/* --- from a worker ------------------------------------------------------------------------------- */

struct ending {
    struct mail mail;
    uint64_t id;
};

/* On control. */
static void note_end(struct mail *m, void *ctx)
{
    struct ending *e = CONTAINER_OF(m, struct ending, mail);
    tunnels_lost(ctx, e->id);
    mem_free(e);
}

static void tell_end(void *ctx, uint64_t id)
{
    struct edge_worker *w = ctx;
    struct ending *e = NEW(struct ending);
    e->id = id;
    e->mail.deliver = note_end;
    mailbox_post(&w->control->mailbox, &e->mail);
}

void tunnels_missed(struct edge_worker *w, uint64_t id)
{
    tell_end(w, id);
}

void tunnels_arrive(void *ctx, struct conn *from, const struct addr *client)
{
    const struct tunnel_arrival *a = ctx;
    tunnels_hold(a->worker->tunnels, a->id, from, client);
}

/* --- from worker to worker, by way of control ---------------------------------------------------- */

struct reaching {
    struct mail mail;
    unsigned worker;
    int fd;
};

/* On the worker that is reached. */
static void take_relay(struct mail *m, void *ctx)
{
    struct edge_worker *w = ctx;
    struct reaching *r = CONTAINER_OF(m, struct reaching, mail);
    if (w->proxy)
        tunnels_relay(w->tunnels, r->fd);
    else
        close(r->fd);
    mem_free(r);
}

/* On control. */
static void pass_relay(struct mail *m, void *ctx)
{
    struct control *c = ctx;
    struct reaching *r = CONTAINER_OF(m, struct reaching, mail);
    m->deliver = take_relay;
    edge_worker_post(&c->workers[r->worker], m);
}

static void reach(void *ctx, unsigned worker, int fd)
{
    struct edge_worker *w = ctx;
    struct reaching *r = NEW(struct reaching);
    r->worker = worker;
    r->fd = fd;
    r->mail.deliver = pass_relay;
    mailbox_post(&w->control->mailbox, &r->mail);
}

void tunnels_worker_init(struct edge_worker *w)
{
    w->tunnel_hooks = (struct tunnels_hooks){.ctx = w, .ended = tell_end, .reach = reach};
    w->tunnels = tunnels_new(w->proxy, w->index, &w->tunnel_hooks, w->control->started_ms);
}
