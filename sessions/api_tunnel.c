#include "core/hex_base64.h"
#include "core/mem.h"
#include "sessions/api_internal.h"

/* GET /v1/tunnel: an agent's connection becomes the tunnel of some sessions (docs/tunnels.md). What is
 * refused is an ordinary answer, and the connection stays what it was. */

#define PROTOCOL "linkup-tunnel/1"

static bool is_agent_id(struct span s)
{
    if (s.len < API_TUNNEL_AGENT_MIN || s.len > API_TUNNEL_AGENT_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(s.p[i] >= 'a' && s.p[i] <= 'f'))
            return false;
    return true;
}

static bool is_named(const struct api_tunnel_ask *ask, struct span name)
{
    for (size_t i = 0; i < ask->n_sessions; i++)
        if (span_eq(ask->sessions[i], name))
            return true;
    return false;
}

/* RFC 9110 5.6.1: empty elements are passed over. */
static bool read_sessions(struct api_request *q, struct api_tunnel_ask *ask)
{
    struct span rest = q->call->tunnel_sessions, name;
    while (span_split(&rest, ',', &name)) {
        name = span_trim(name);
        if (name.len == 0)
            continue;
        if (ask->n_sessions == API_TUNNEL_SESSIONS_MAX) {
            api_problem(q->call, 400, "linkup-sessions", "More than %d sessions are named.",
                        API_TUNNEL_SESSIONS_MAX);
            return false;
        }
        if (is_named(ask, name)) {
            api_problem(q->call, 400, "linkup-sessions", "A session is named twice.");
            return false;
        }
        ask->sessions[ask->n_sessions++] = name;
    }
    if (ask->n_sessions > 0)
        return true;
    api_problem(q->call, 400, "linkup-sessions", "No session is named.");
    return false;
}

/* Whoever may change a session may say where its services are. */
static bool may_carry(struct api_request *q, struct span name)
{
    char text[SESSION_NAME_MAX + 1];
    const struct session *s = registry_find(q->api->registry, name);
    if (s && (q->admin || (q->token && strcmp(s->owner_token, q->token->id) == 0)))
        return true;
    if (span_copy_z(span_sub(name, 0, SESSION_NAME_MAX), text, sizeof text) != ERR_OK)
        text[0] = '\0';
    /* So that the agent can do without it. */
    const struct api_field at_fault[] = {{"linkup-session", text}};
    if (s)
        api_problem_with(q->call, 403, at_fault, 1, "The session \"%s\" is another's.", text);
    else
        api_problem_with(q->call, 404, at_fault, 1, "There is no session \"%s\".", text);
    return false;
}

static bool read_ask(struct api_request *q, struct api_tunnel_ask *ask)
{
    struct api_call *c = q->call;
    if (!span_eq_nocase(c->upgrade, SPAN_LIT(PROTOCOL)) || !c->hand_over) {
        static const struct api_field extra[] = {{"upgrade", PROTOCOL}};
        api_problem_with(c, 426, extra, 1, "A tunnel is asked for with upgrade: " PROTOCOL ".");
        return false;
    }
    ask->token = q->token ? span_str(q->token->id) : SPAN_LIT("");
    ask->agent = c->tunnel_agent;
    if (!is_agent_id(ask->agent)) {
        api_problem(c, 400, "linkup-agent", "It must have %d to %d hexadecimal digits.",
                    API_TUNNEL_AGENT_MIN, API_TUNNEL_AGENT_MAX);
        return false;
    }
    if (!read_sessions(q, ask))
        return false;
    for (size_t i = 0; i < ask->n_sessions; i++)
        if (!may_carry(q, ask->sessions[i]))
            return false;
    return true;
}

static void hand_over(struct api_call *c, uint64_t id)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)id);
    const struct api_field fields[] = {{"upgrade", PROTOCOL}, {"linkup-tunnel", text}};
    c->hand_over(c, fields, ARRAY_LEN(fields), id);
}

static void on_opened(void *ctx, uint64_t id)
{
    struct api_wait *w = (struct api_wait *)ctx;
    struct api *a = w->api;
    struct api_call *c = w->call;
    api_wait_end(w);
    if (id == 0) {
        static const struct api_field later[] = {{"retry-after", "5"}};
        if (a && c)
            api_problem_with(c, 503, later, 1,
                             "There are too many tunnels, or the edge is ending.");
    } else if (a && c) {
        hand_over(c, id);
    } else if (a) {
        a->facts.tunnel_lost(a->facts.ctx, id);
    }
}

void api_tunnel(struct api_request *q)
{
    struct api *a = q->api;
    struct api_tunnel_ask ask = {0};
    if (!read_ask(q, &ask))
        return;
    struct api_wait *w = api_wait_new(q);
    if (a->facts.tunnel_open)
        a->facts.tunnel_open(a->facts.ctx, q->call, &ask, on_opened, w);
    else
        on_opened(w, 0);
}
