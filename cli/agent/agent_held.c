#include "cli/agent/agent_held.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/json_file.h"
#include "core/hex_base64.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/random.h"
#include "tunnel/agent/agent.h"

#define SERVICES_MAX 64
#define SESSIONS_MAX 32 /* of one tunnel, as the edge has it */

struct held_session {
    struct held_session *next;
    json_t *json; /* as it was asked for */
    const char *name;
};

/* An edge and a token: one tunnel. */
struct held_tunnel {
    struct held_tunnel *next;
    struct agent_held *held;
    json_t *json; /* of the session that said how to reach it */
    const char *edge, *token, *connect, *ca;
    struct agent *agent;
    struct held_session *sessions;
    size_t n_sessions;
};

struct agent_held {
    struct ev_loop *loop;
    struct agent_held_ops ops;
    const char *file;
    char *id;
    int64_t since_ms;
    struct held_tunnel *tunnels;
    bool loading;
};

static void changed(struct agent_held *h)
{
    if (!h->loading)
        h->ops.changed(h->ops.ctx);
}

/* --- tunnels -------------------------------------------------------------------------------------- */

static void on_agent(void *ctx, const struct agent_status *s)
{
    (void)s;
    changed(((struct held_tunnel *)ctx)->held);
}

static struct held_tunnel *find_tunnel(const struct agent_held *h, const char *edge,
                                       const char *token)
{
    struct held_tunnel *t = h->tunnels;
    while (t && (strcmp(t->edge, edge) != 0 || strcmp(t->token, token) != 0))
        t = t->next;
    return t;
}

static enum err open_agent(struct agent_held *h, const struct agent_request *r,
                           struct held_tunnel *t, struct agent **out, char **why)
{
    const struct agent_options o = {
        .edge = r->edge,
        .connect = *r->connect ? r->connect : NULL,
        .ca_pem = span_str(r->ca),
        .token = r->token,
        .id = h->id,
    };
    const struct agent_ops ops = {.ctx = t, .changed = on_agent};
    enum err e = agent_new(h->loop, &o, &ops, out);
    if (e != ERR_OK)
        *why = mem_printf("%s: not an edge that can be connected to", r->edge);
    return e;
}

static void take_place(struct held_tunnel *t, const struct agent_request *r)
{
    json_t *before = t->json;
    t->json = json_incref(r->json);
    t->edge = r->edge;
    t->token = r->token;
    t->connect = r->connect;
    t->ca = r->ca;
    json_decref(before);
}

static enum err new_tunnel(struct agent_held *h, const struct agent_request *r,
                           struct held_tunnel **out, char **why)
{
    struct held_tunnel *t = NEW(struct held_tunnel);
    enum err e = open_agent(h, r, t, &t->agent, why);
    if (e != ERR_OK) {
        mem_free(t);
        return e;
    }
    t->held = h;
    take_place(t, r);
    t->next = h->tunnels;
    h->tunnels = t;
    *out = t;
    return ERR_OK;
}

static void free_tunnel(struct held_tunnel *t)
{
    agent_free(t->agent);
    while (t->sessions) {
        struct held_session *s = t->sessions;
        t->sessions = s->next;
        json_decref(s->json);
        mem_free(s);
    }
    json_decref(t->json);
    mem_free(t);
}

static void free_if_empty(struct agent_held *h, struct held_tunnel *t)
{
    if (t->sessions)
        return;
    struct held_tunnel **at = &h->tunnels;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    free_tunnel(t);
}

/* --- sessions ------------------------------------------------------------------------------------- */

static enum err carry(struct agent *a, const struct agent_request *r, char **why)
{
    struct agent_service v[SERVICES_MAX];
    size_t n = 0;
    const char *name;
    json_t *url;
    json_object_foreach(r->services, name, url)
    {
        CHECK(n < SERVICES_MAX); /* agent_request.h */
        v[n++] = (struct agent_service){name, json_string_value(url)};
    }
    return agent_set_session(a, r->session, v, n, why);
}

static struct held_session **find_session(struct held_tunnel *t, const char *name)
{
    struct held_session **at = &t->sessions;
    while (*at && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    return at;
}

static void keep_session(struct held_tunnel *t, const struct agent_request *r)
{
    struct held_session **at = find_session(t, r->session), *s = *at;
    if (!s) {
        *at = s = NEW(struct held_session);
        t->n_sessions++;
    }
    json_decref(s->json);
    s->json = json_incref(r->json);
    s->name = r->session;
}

static void drop_session(struct held_tunnel *t, const char *name)
{
    struct held_session **at = find_session(t, name), *s = *at;
    if (!s)
        return;
    agent_drop_session(t->agent, name);
    *at = s->next;
    t->n_sessions--;
    json_decref(s->json);
    mem_free(s);
}

/* From all tunnels to EDGE but THIS: a session is carried with one token. */
static void drop_elsewhere(struct agent_held *h, const char *edge, const char *name,
                           const struct held_tunnel *this)
{
    struct held_tunnel *next;
    for (struct held_tunnel *t = h->tunnels; t; t = next) {
        next = t->next;
        if (t == this || strcmp(t->edge, edge) != 0)
            continue;
        drop_session(t, name);
        free_if_empty(h, t);
    }
}

/* --- reaching the edge by another way ------------------------------------------------------------- */

static void carry_again(struct held_tunnel *t, struct agent *a)
{
    char text[AGENT_WHY_TEXT];
    for (const struct held_session *s = t->sessions; s; s = s->next) {
        struct agent_request r;
        char *why = NULL;
        enum err e = agent_request_from(s->json, &r, text);
        CHECK(e == ERR_OK); /* it was taken before */
        e = carry(a, &r, &why);
        CHECK(e == ERR_OK);
        json_decref(r.json);
    }
}

/* The agent's way to the edge is fixed: with another CA or address it is another one. */
static enum err reach_as(struct agent_held *h, struct held_tunnel *t, const struct agent_request *r,
                         char **why)
{
    struct agent *fresh;
    if (strcmp(t->connect, r->connect) == 0 && strcmp(t->ca, r->ca) == 0)
        return ERR_OK;
    TRY(open_agent(h, r, t, &fresh, why));
    carry_again(t, fresh);
    agent_free(t->agent);
    t->agent = fresh;
    take_place(t, r);
    return ERR_OK;
}

/* --- the file ------------------------------------------------------------------------------------- */

static json_t *all_sessions(const struct agent_held *h)
{
    json_t *list = json_array();
    for (const struct held_tunnel *t = h->tunnels; t; t = t->next)
        for (const struct held_session *s = t->sessions; s; s = s->next)
            json_array_append(list, s->json);
    return list;
}

static void save(struct agent_held *h)
{
    if (h->loading)
        return;
    json_t *root = json_pack("{s:s, s:o}", "id", h->id, "sessions", all_sessions(h));
    CHECK(root);
    if (json_file_write(h->file, root) != ERR_OK)
        LOG(LOG_ERROR, "state_not_written", LOG_S("file", h->file), LOG_ERRNO(errno));
    json_decref(root);
}

static void put_aside(struct agent_held *h)
{
    char *aside = mem_printf("%s.damaged", h->file);
    LOG(LOG_ERROR, "state_damaged", LOG_S("file", h->file), LOG_S("kept_as", aside));
    if (rename(h->file, aside) != 0)
        LOG(LOG_ERROR, "state_not_put_aside", LOG_ERRNO(errno));
    mem_free(aside);
}

static void load_session(struct agent_held *h, json_t *j)
{
    struct agent_request r;
    char text[AGENT_WHY_TEXT];
    char *why = NULL;
    enum err e = agent_request_from(j, &r, text);
    if (e == ERR_OK)
        e = agent_held_set(h, &r, &why);
    if (e != ERR_OK)
        LOG(LOG_ERROR, "session_not_taken_up", LOG_S("why", why ? why : text));
    mem_free(why);
    json_decref(r.json);
}

static bool is_id(const char *text)
{
    return text && strlen(text) == 32 && strspn(text, "0123456789abcdef") == 32;
}

static void load(struct agent_held *h)
{
    json_t *root, *j;
    size_t i;
    int line;
    enum err e = json_file_read(h->file, &root, &line);
    if (e == ERR_CORRUPT)
        put_aside(h);
    else if (e != ERR_OK && e != ERR_NOT_FOUND)
        LOG(LOG_ERROR, "state_not_read", LOG_S("file", h->file), LOG_S("error", err_text(e)));
    const char *id = json_string_value(json_object_get(root, "id"));
    if (is_id(id)) {
        mem_free(h->id);
        h->id = mem_strdup(id);
    }
    json_array_foreach(json_object_get(root, "sessions"), i, j) load_session(h, j);
    json_decref(root);
}

static char *fresh_id(void)
{
    unsigned char raw[16];
    char text[HEX_LEN(sizeof raw) + 1];
    random_bytes(raw, sizeof raw);
    return mem_strdup(hex_encode(raw, sizeof raw, text).p);
}

/* --- from outside --------------------------------------------------------------------------------- */

struct agent_held *agent_held_new(struct ev_loop *loop, const char *file,
                                  const struct agent_held_ops *ops)
{
    struct agent_held *h = NEW(struct agent_held);
    h->loop = loop;
    h->ops = *ops;
    h->file = file;
    h->id = fresh_id();
    h->since_ms = clock_wall_ms();
    h->loading = true;
    load(h);
    h->loading = false;
    return h;
}

void agent_held_free(struct agent_held *h)
{
    h->loading = true; /* nothing is told any more */
    while (h->tunnels) {
        struct held_tunnel *t = h->tunnels;
        h->tunnels = t->next;
        free_tunnel(t);
    }
    mem_free(h->id);
    mem_free(h);
}

static enum err set_in(struct agent_held *h, struct held_tunnel *t, const struct agent_request *r,
                       char **why)
{
    if (!*find_session(t, r->session) && t->n_sessions >= SESSIONS_MAX) {
        *why = mem_printf("a tunnel carries %d sessions at most: stop one (linkup stop)",
                          SESSIONS_MAX);
        return ERR_FULL;
    }
    TRY(reach_as(h, t, r, why));
    TRY(carry(t->agent, r, why));
    keep_session(t, r);
    if (r->anew)
        agent_renew(t->agent);
    return ERR_OK;
}

enum err agent_held_set(struct agent_held *h, const struct agent_request *r, char **why)
{
    struct held_tunnel *t = find_tunnel(h, r->edge, r->token);
    if (!t)
        TRY(new_tunnel(h, r, &t, why));
    enum err e = set_in(h, t, r, why);
    if (e == ERR_OK) {
        drop_elsewhere(h, r->edge, r->session, t);
        save(h);
        changed(h);
    }
    free_if_empty(h, t);
    return e;
}

void agent_held_drop(struct agent_held *h, const struct agent_request *r)
{
    drop_elsewhere(h, r->edge, r->session, NULL);
    save(h);
    changed(h);
}

bool agent_held_is_empty(const struct agent_held *h)
{
    return h->tunnels == NULL;
}

/* --- what is told --------------------------------------------------------------------------------- */

static json_t *session_json(const struct held_tunnel *t, const struct held_session *s)
{
    const char *refusal = agent_refusal(t->agent, s->name);
    const char *project = json_string_value(json_object_get(s->json, "project"));
    return json_pack("{s:s, s:s, s:s, s:O}", "session", s->name, "project", project ? project : "",
                     "refusal", refusal ? refusal : "", "services",
                     json_object_get(s->json, "services"));
}

static json_t *tunnel_json(const struct held_tunnel *t)
{
    static const char *const states[] = {"idle", "connecting", "up", "waiting", "refused"};
    struct agent_status s;
    json_t *sessions = json_array();
    agent_get_status(t->agent, &s);
    for (const struct held_session *one = t->sessions; one; one = one->next)
        json_array_append_new(sessions, session_json(t, one));
    return json_pack("{s:s, s:s, s:I, s:s, s:I, s:I, s:I, s:o}", "edge", t->edge, "state",
                     states[s.state], "since_ms", (json_int_t)s.since_ms, "why", s.why,
                     "next_try_ms", (json_int_t)s.next_try_ms, "requests", (json_int_t)s.requests,
                     "open", (json_int_t)s.open, "sessions", sessions);
}

json_t *agent_held_status(const struct agent_held *h)
{
    json_t *tunnels = json_array();
    for (const struct held_tunnel *t = h->tunnels; t; t = t->next)
        json_array_append_new(tunnels, tunnel_json(t));
    json_t *status = json_pack("{s:s, s:i, s:I, s:o}", "agent", LINKUP_VERSION, "pid",
                               (int)getpid(), "since_ms", (json_int_t)h->since_ms, "tunnels",
                               tunnels);
    CHECK(status);
    return status;
}
