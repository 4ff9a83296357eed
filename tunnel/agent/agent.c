#include "tunnel/agent/agent.h"

#include "config/backend_url.h"
#include "core/log.h"
#include "core/random.h"
#include "proxy/h1/write.h"
#include "tunnel/agent/agent_parts.h"
#include "tunnel/agent/agent_wake.h"

/* The pause before try N+1 is random, up to twice the one before; the first is made at once. */
#define PAUSE_FIRST_MS 250
#define PAUSE_MOST_MS 15000
/* What was refused is asked for again, slowly. */
#define REFUSED_MS 30000
/* A tunnel that has been up for so long makes up for all failures before it. */
#define STEADY_MS 10000
/* Connections at once: the one that counts, and older ones whose requests have not ended. */
#define LINKS_MAX 64
#define TOKEN_MAX 4096

/* --- what is told -------------------------------------------------------------------------------- */

static void set_state(struct agent *a, enum agent_state state, const char *why)
{
    struct agent_status *s = &a->status;
    bool same = s->state == state && span_eq(span_str(s->why), span_str(why));
    if (same || a->freeing)
        return;
    if (s->state != state)
        s->since_ms = clock_wall_ms();
    s->state = state;
    snprintf(s->why, sizeof s->why, "%s", why);
    struct agent_status told;
    agent_get_status(a, &told);
    a->ops.changed(a->ops.ctx, &told);
}

static uint64_t left_ms(const struct agent *a, const ev_timer *t)
{
    double left = ev_timer_remaining(a->loop, (ev_timer *)t);
    return left > 0 ? (uint64_t)(left * 1000) : 0;
}

void agent_get_status(const struct agent *a, struct agent_status *out)
{
    *out = a->status;
    out->open = atomic_load_explicit(&a->metrics.value[METRIC_EXCHANGES_OPEN],
                                     memory_order_relaxed);
    out->next_try_ms = 0;
    for (const struct agent_link *l = a->links; l; l = l->next)
        out->tunnels += l->front != NULL;
    if (out->state == AGENT_UP)
        out->attempts = 0;
    if (ev_is_active(&a->again))
        out->next_try_ms = left_ms(a, &a->again);
    else if (out->state == AGENT_REFUSED && ev_is_active(&a->hope))
        out->next_try_ms = left_ms(a, &a->hope);
}

/* --- what is wanted, and what there is ----------------------------------------------------------- */

/* The link that new requests are to come by, or that is to become it. */
static struct agent_link *present(const struct agent *a, bool up)
{
    struct agent_link *l = a->links;
    while (l && (l->stage == LINK_LEAVING || (up != (l->stage == LINK_UP))))
        l = l->next;
    return l;
}

static void try_again_in(struct agent *a, uint64_t ms)
{
    ev_timer_stop(a->loop, &a->again);
    ev_timer_set(&a->again, (double)ms / 1000., 0.);
    ev_timer_start(a->loop, &a->again);
}

static void hope_later(struct agent *a)
{
    ev_timer_stop(a->loop, &a->hope);
    ev_timer_set(&a->hope, REFUSED_MS / 1000., 0.);
    ev_timer_start(a->loop, &a->hope);
}

/* Whether all that the edge does not refuse is carried: whatever else is tried, changes nothing of that. */
static bool is_steady(const struct agent *a)
{
    char firm[AGENT_SET_MAX];
    const struct agent_link *up = present(a, true);
    agent_wanted_set(a, false, firm);
    return up && span_eq(span_str(up->set), span_str(firm));
}

static uint64_t pause_ms(const struct agent *a)
{
    uint64_t most = PAUSE_FIRST_MS;
    for (uint64_t i = 1; i < a->status.attempts && most < PAUSE_MOST_MS; i++)
        most *= 2;
    most = most < PAUSE_MOST_MS ? most : PAUSE_MOST_MS;
    return 1 + random_u32_below((uint32_t)most);
}

/* Nothing is to be carried: what there is may go. */
static void settle_for_nothing(struct agent *a)
{
    struct agent_link *next;
    ev_timer_stop(a->loop, &a->again);
    for (struct agent_link *l = a->links; l; l = next) {
        next = l->next;
        agent_link_end(l);
    }
    if (!a->sessions)
        set_state(a, AGENT_IDLE, "");
    else
        set_state(a, AGENT_REFUSED, a->sessions->refusal);
}

/* An edge that ends tunnels and does not close them would have us collect them. */
static void end_oldest(struct agent *a)
{
    struct agent_link *oldest = NULL;
    size_t n = 0;
    for (struct agent_link *l = a->links; l; l = l->next, n++)
        if (l->stage == LINK_LEAVING)
            oldest = l;
    if (n > LINKS_MAX && oldest)
        agent_link_end(oldest);
}

static void on_settle(struct turn_item *i)
{
    struct agent *a = CONTAINER_OF(i, struct agent, settle);
    char wanted[AGENT_SET_MAX];
    if (a->freeing)
        return;
    agent_wanted_set(a, true, wanted);
    if (!*wanted) {
        settle_for_nothing(a);
        return;
    }
    struct agent_link *up = present(a, true), *trying = present(a, false);
    if (trying && !span_eq(span_str(trying->set), span_str(wanted))) {
        agent_link_end(trying);
        trying = NULL;
    }
    bool carried = up && span_eq(span_str(up->set), span_str(wanted));
    if (carried && trying)
        agent_link_end(trying);
    if (carried) {
        set_state(a, AGENT_UP, "");
        return;
    }
    if (trying || ev_is_active(&a->again))
        return;
    if (is_steady(a))
        set_state(a, AGENT_UP, "");
    else
        set_state(a, AGENT_CONNECTING, "");
    agent_link_start(a, wanted);
    end_oldest(a);
}

void agent_settle_later(struct agent *a)
{
    turn_flush(&a->proxy->conns.turn, &a->settle);
}

static void on_again(struct ev_loop *loop, ev_timer *t, int events)
{
    (void)loop, (void)events;
    agent_settle_later(t->data);
}

static void on_hope(struct ev_loop *loop, ev_timer *t, int events)
{
    (void)loop, (void)events;
    struct agent *a = t->data;
    if (agent_hope_again(a, true))
        agent_settle_later(a);
}

void agent_retry_within(struct agent *a, uint64_t ms)
{
    if (ev_is_active(&a->again) && left_ms(a, &a->again) > ms)
        try_again_in(a, ms);
}

void agent_retry_now(struct agent *a)
{
    ev_timer_stop(a->loop, &a->again);
    agent_settle_later(a);
}

/* --- what becomes of links ----------------------------------------------------------------------- */

void agent_link_failed(struct agent_link *l, enum link_failure what, struct span session,
                       const char *why)
{
    struct agent *a = l->agent;
    struct agent_session *s = agent_find_session(a, session);
    LOG(LOG_INFO, "tunnel_failed", LOG_S("why", why));
    agent_link_end(l);
    if (s && what == LINK_REFUSED) { /* the others are carried without it */
        agent_refuse_session(s, why);
        hope_later(a);
        a->status.attempts = 0;
        agent_settle_later(a);
        return;
    }
    if (is_steady(a)) {
        agent_hope_again(a, false);
        hope_later(a);
        agent_settle_later(a);
        return;
    }
    a->status.attempts++;
    try_again_in(a, what == LINK_REFUSED ? REFUSED_MS : pause_ms(a));
    set_state(a, what == LINK_REFUSED ? AGENT_REFUSED : AGENT_WAITING, why);
}

/* The edge gives the older ones nothing new from now on, and ends them. */
void agent_link_up(struct agent_link *l)
{
    struct agent *a = l->agent;
    for (struct agent_link *o = a->links; o; o = o->next)
        if (o != l && o->stage == LINK_UP)
            o->stage = LINK_LEAVING;
    LOG(LOG_INFO, "tunnel_up", LOG_S("sessions", l->set));
    agent_allow_sessions(a, l->set);
    a->up_ms = loop_now_ms(a->loop);
    agent_settle_later(a);
}

static void lost(struct agent *a, const char *why)
{
    if (loop_now_ms(a->loop) - a->up_ms >= STEADY_MS)
        a->status.attempts = 0;
    LOG(LOG_INFO, "tunnel_lost", LOG_S("why", why));
    if (a->status.attempts > 0) {
        try_again_in(a, pause_ms(a));
        set_state(a, AGENT_WAITING, why);
    } else {
        ev_timer_stop(a->loop, &a->again); /* of a change that could not be asked for */
    }
    a->status.attempts++;
    agent_settle_later(a);
}

void agent_link_leaving(struct agent_link *l)
{
    if (l->stage != LINK_UP)
        return;
    l->stage = LINK_LEAVING;
    lost(l->agent, "the edge is ending");
}

void agent_link_closed(struct agent_link *l)
{
    struct agent *a = l->agent;
    bool was_up = l->stage == LINK_UP;
    agent_link_end(l);
    if (was_up && !a->freeing)
        lost(a, "the connection to the edge was lost");
}

/* --- sleep and the network ----------------------------------------------------------------------- */

/* What was up may be dead without anyone having said so: another connection will tell. */
void agent_awoke(struct agent *a)
{
    struct agent_link *up = present(a, true);
    if (up)
        up->stage = LINK_LEAVING;
    a->status.attempts = 0;
    agent_retry_now(a);
}

void agent_renew(struct agent *a)
{
    agent_awoke(a);
}

/* --- life ---------------------------------------------------------------------------------------- */

/* The proxy's settings: their defaults. What must be there is what no session can be named after. */
static const char plain[] =
    "zone: agent.invalid\n"
    "addresses: [127.0.0.1]\n"
    "services: [{name: no-session-is-called-so-for-it-has-too-many-letters, url: "
    "\"http://localhost\"}]\n";

static void on_used(void *ctx, struct span session)
{
    (void)ctx, (void)session;
}

static void on_done(void *ctx, const struct exchange *x)
{
    struct agent *a = ctx;
    a->status.bytes_in += x->request_bytes;
    a->status.bytes_out += x->response_bytes;
}

static void init_proxy(struct agent *a)
{
    struct config_errors errors = {0};
    enum err e = config_parse("agent", SPAN_LIT(plain), &a->config, &errors);
    CHECK(e == ERR_OK);
    struct edge_image *image = edge_image_new(a->config);
    route_table_init(&a->table, image);
    edge_image_unref(image);
    a->hooks = (struct proxy_hooks){
        .ctx = a, .used = on_used, .inner = agent_steer, .inner_done = on_done};
    a->proxy = proxy_new(a->loop, &a->table, NULL, &a->metrics, &a->hooks);
}

/* HOST:PORT, instead of where the edge's name leads. */
static enum err set_connect(struct agent *a, struct span connect)
{
    ptrdiff_t colon = span_rchr(connect, ':');
    uint64_t port;
    if (colon <= 0)
        return ERR_SYNTAX;
    TRY(span_to_u64(span_from(connect, (size_t)colon + 1), &port));
    if (port == 0 || port > UINT16_MAX)
        return ERR_SYNTAX;
    struct span host = span_sub(connect, 0, (size_t)colon);
    if (host.p[0] == '[' && host.len > 2 && host.p[host.len - 1] == ']')
        host = span_sub(host, 1, host.len - 2);
    a->edge.tls_server_name = a->edge.host;
    a->edge.host = arena_strz(&a->strings, host);
    a->edge.port = (uint16_t)port;
    return a->edge.host ? ERR_OK : ERR_SYNTAX;
}

/* What the edge takes for one. */
static bool is_id(struct span s)
{
    if (s.len < API_TUNNEL_AGENT_MIN || s.len > API_TUNNEL_AGENT_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(s.p[i] >= 'a' && s.p[i] <= 'f'))
            return false;
    return true;
}

static bool is_token(struct span s)
{
    return s.len > 0 && s.len <= TOKEN_MAX && field_value_valid(s);
}

static enum err set_edge(struct agent *a, const struct agent_options *o)
{
    const char *why;
    TRY(backend_url_parse(span_str(o->edge), &a->strings, &a->edge, &why));
    if (a->edge.scheme != BACKEND_HTTPS || !is_token(span_str(o->token)) || !is_id(span_str(o->id)))
        return ERR_SYNTAX;
    a->host = a->edge.port == 443
                  ? span_str(a->edge.host)
                  : arena_printf(&a->strings, "%s:%u", a->edge.host, (unsigned)a->edge.port);
    a->edge.tls_beside = o->ca_pem.len > 0 ? arena_strz(&a->strings, o->ca_pem) : NULL;
    a->token = arena_strz(&a->strings, span_str(o->token));
    a->id = arena_strz(&a->strings, span_str(o->id));
    if (!a->host.p || !a->token || !a->id)
        return ERR_SYNTAX;
    return o->connect ? set_connect(a, span_str(o->connect)) : ERR_OK;
}

enum err agent_new(struct ev_loop *loop, const struct agent_options *o, const struct agent_ops *ops,
                   struct agent **out)
{
    struct agent *a = NEW(struct agent);
    a->loop = loop;
    a->ops = *ops;
    arena_init(&a->strings, NULL, 0, 1024 * 1024);
    enum err e = set_edge(a, o);
    if (e != ERR_OK) {
        arena_deinit(&a->strings);
        mem_free(a);
        return e;
    }
    endpoints_init(&a->endpoints);
    init_proxy(a);
    a->settle.run = on_settle;
    a->status.since_ms = clock_wall_ms();
    ev_timer_init(&a->again, on_again, 0., 0.);
    ev_timer_init(&a->hope, on_hope, 0., 0.);
    a->again.data = a->hope.data = a;
    agent_watch_wake(a);
    *out = a;
    return ERR_OK;
}

void agent_free(struct agent *a)
{
    a->freeing = true;
    agent_unwatch_wake(a);
    ev_timer_stop(a->loop, &a->again);
    ev_timer_stop(a->loop, &a->hope);
    while (a->links)
        agent_link_end(a->links);
    turn_unflush(&a->proxy->conns.turn, &a->settle);
    agent_free_sessions(a);
    proxy_free(a->proxy);
    endpoints_deinit(&a->endpoints);
    route_table_deinit(&a->table);
    config_unref(a->config);
    mem_wipe((char *)a->token, strlen(a->token));
    arena_deinit(&a->strings);
    mem_free(a);
}
