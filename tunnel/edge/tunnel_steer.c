#include "proxy/page/own_answer.h"
#include "proxy/steer.h"
#include "tunnel/edge/tunnels_parts.h"

/* --- what the agent is told ---------------------------------------------------------------------- */

static const enum field_id ours[] = {FIELD_LINKUP_SESSION, FIELD_LINKUP_SERVICE, FIELD_LINKUP_HOST,
                                     FIELD_LINKUP_TUNNEL};

static bool set(struct exchange *x, enum field_id id, struct span value)
{
    return fields_set(&x->request.fields, &x->arena, id, value) == ERR_OK;
}

static bool name_it(struct exchange *x)
{
    const struct image_override *o = x->route.override;
    return set(x, FIELD_LINKUP_SESSION, x->route.session_name) &&
           set(x, FIELD_LINKUP_SERVICE, x->route.service) &&
           (!o || !o->backend.to.preserve_host || set(x, FIELD_LINKUP_HOST, SPAN_LIT("preserve")));
}

static void unname_it(struct exchange *x)
{
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        fields_remove(&x->request.fields, ours[i]);
}

/* --- where it goes ------------------------------------------------------------------------------- */

/* Since when X's tunnel has been down, as far as anyone knows. A session that never had one waits for it since
 * it was made. */
static int64_t down_since(const struct tunnels *t, const struct exchange *x,
                          const struct tunnel_route *r)
{
    if (r)
        return r->since_ms;
    int64_t made = x->session ? x->session->image->session->changed_ms : 0;
    return made > t->started_ms ? made : t->started_ms;
}

static bool falls_back(struct exchange *x)
{
    if (!route_may_fall_back(&x->route))
        return false;
    unname_it(x);
    return steer_fall_back(x);
}

/* What the agent found out before anything reached the service. */
bool tunnel_refused(struct exchange *x, enum page_reason why)
{
    switch (why) {
    case PAGE_BACK_REFUSED:
    case PAGE_BACK_NAME:
    case PAGE_BACK_DOWN:
    case PAGE_UNKNOWN_SERVICE:
        return falls_back(x);
    default:
        return false;
    }
}

static void is_down(struct tunnels *t, struct exchange *x, const struct tunnel_route *r)
{
    if (falls_back(x))
        return;
    x->down.since_ms = down_since(t, x, r);
    if (clock_wall_ms() - x->down.since_ms <= TUNNEL_RECENT_MS)
        waiting_add(t, x);
    else
        exchange_back_failed(x, PAGE_TUNNEL_DOWN);
}

void tunnel_steer_in_vain(struct tunnels *t, struct exchange *x)
{
    (void)t;
    exchange_back_failed(x, PAGE_TUNNEL_DOWN);
}

/* The tunnel is said to be at another worker, which knows better, or its connection has ended and
 * control does not know yet: there will be news. */
static void await_news(struct tunnels *t, struct exchange *x, const struct tunnel_route *r)
{
    if (falls_back(x))
        return;
    x->down.since_ms = r->since_ms;
    waiting_add(t, x);
}

static void steer_here(struct tunnels *t, struct exchange *x)
{
    const struct tunnel_route *r = tunnels_known(t, x->route.session_name);
    if (!r || r->id == 0) {
        is_down(t, x, r);
        return;
    }
    if (r->worker != t->self && r->id != x->tunnel.missed) {
        relay_start(t, r->worker, r->id, x);
        return;
    }
    struct adopted *a = held_find(t, r->id);
    if (a)
        adopted_start(a, x);
    else
        await_news(t, x, r);
}

/* --- relayed ------------------------------------------------------------------------------------- */

/* X came from a worker that believes the tunnel to be here. It may be just being handed over. */
static void steer_relayed(struct tunnels *t, struct exchange *x)
{
    const struct field *f = fields_find(&x->request.fields, FIELD_LINKUP_TUNNEL);
    uint64_t id;
    if (!f || span_to_u64(f->value, &id) != ERR_OK) {
        own_answer_page(x, PAGE_BAD_REQUEST, NULL);
        return;
    }
    struct adopted *a = held_find(t, id);
    if (a)
        adopted_start(a, x);
    else if (id > t->last_held)
        waiting_add(t, x);
    else
        own_answer_page(x, PAGE_TUNNEL_DOWN, NULL);
}

void tunnel_steer(struct tunnels *t, struct exchange *x)
{
    if (x->kind == LISTEN_RELAY)
        steer_relayed(t, x);
    else
        steer_here(t, x);
}

/* --- beginning ----------------------------------------------------------------------------------- */

void tunnels_start(struct tunnels *t, struct exchange *x)
{
    if (name_it(x))
        tunnel_steer(t, x);
    else
        own_answer_page(x, PAGE_FIELDS_TOO_LARGE, NULL);
}

void tunnels_start_relayed(struct tunnels *t, struct exchange *x)
{
    x->target = x->request.target;
    x->back_host = x->request.authority;
    tunnel_steer(t, x);
}
