#include <string.h>

#include "tunnel/agent/agent_parts.h"

struct agent_session *agent_find_session(const struct agent *a, struct span name)
{
    struct agent_session *s = a->sessions;
    while (s && !span_eq(span_str(s->name), name))
        s = s->next;
    return s;
}

void agent_wanted_set(const struct agent *a, bool hopeful, char out[AGENT_SET_MAX])
{
    size_t len = 0;
    out[0] = '\0';
    for (const struct agent_session *s = a->sessions; s; s = s->next)
        if (!s->refusal || (hopeful && s->hoped_for))
            len += (size_t)snprintf(out + len, AGENT_SET_MAX - len, "%s%s", len > 0 ? ", " : "",
                                    s->name);
}

static size_t count(const struct agent *a)
{
    size_t n = 0;
    for (const struct agent_session *s = a->sessions; s; s = s->next)
        n++;
    return n;
}

static struct agent_session *take(struct agent *a, const char *name)
{
    struct agent_session **at = &a->sessions;
    while (*at && strcmp((*at)->name, name) < 0)
        at = &(*at)->next;
    if (*at && strcmp((*at)->name, name) == 0)
        return *at;
    struct agent_session *s = NEW(struct agent_session);
    enum err e = span_copy_z(span_str(name), s->name, sizeof s->name);
    CHECK(e == ERR_OK); /* it was parsed as one */
    s->next = *at;
    *at = s;
    return s;
}

static json_t *body_of(const struct agent_service *v, size_t n)
{
    json_t *services = json_object();
    for (size_t i = 0; i < n; i++)
        json_object_set_new(services, v[i].name, json_pack("{s:s?}", "url", v[i].url));
    return json_pack("{s:o}", "services", services);
}

/* Kept as the edge keeps sessions: an image that requests find in the table, and pin. */
static enum err compile(struct agent *a, const char *name, json_t *body, char **why)
{
    struct session_fault fault = {0};
    struct session *record;
    struct session_image *image;
    enum err e = session_parse(body, span_str(name), a->config, &record, &fault);
    if (e == ERR_OK) {
        e = session_image_new(record, &image, &fault);
        session_unref(record);
    }
    if (e != ERR_OK) {
        *why = mem_printf("%s: %s", fault.field, fault.text);
        return e;
    }
    route_table_put(&a->table, image);
    session_image_unref(image);
    return ERR_OK;
}

enum err agent_set_session(struct agent *a, const char *session, const struct agent_service *v,
                           size_t n, char **why)
{
    if (!agent_find_session(a, span_str(session)) && count(a) == API_TUNNEL_SESSIONS_MAX) {
        *why = mem_printf("An agent carries at most %d sessions.", API_TUNNEL_SESSIONS_MAX);
        return ERR_FULL;
    }
    json_t *body = body_of(v, n);
    CHECK(body);
    enum err e = compile(a, session, body, why);
    json_decref(body);
    TRY(e);
    struct agent_session *s = take(a, session);
    mem_free(s->refusal);
    s->refusal = NULL;
    agent_retry_now(a);
    return ERR_OK;
}

static void free_session(struct agent *a, struct agent_session *s)
{
    route_table_remove(&a->table, span_str(s->name));
    mem_free(s->refusal);
    mem_free(s);
}

void agent_drop_session(struct agent *a, const char *session)
{
    for (struct agent_session **at = &a->sessions; *at; at = &(*at)->next) {
        struct agent_session *s = *at;
        if (strcmp(s->name, session) != 0)
            continue;
        *at = s->next;
        free_session(a, s);
        agent_retry_now(a);
        return;
    }
}

void agent_refuse_session(struct agent_session *s, const char *why)
{
    mem_free(s->refusal);
    s->refusal = mem_strdup(why);
    s->hoped_for = false;
}

bool agent_hope_again(struct agent *a, bool hope)
{
    bool any = false;
    for (struct agent_session *s = a->sessions; s; s = s->next) {
        s->hoped_for = hope && s->refusal;
        any = any || s->refusal;
    }
    return any;
}

void agent_allow_sessions(struct agent *a, const char *set)
{
    struct span rest = span_str(set), name;
    while (field_list_next(&rest, &name)) {
        struct agent_session *s = agent_find_session(a, name);
        if (!s)
            continue;
        mem_free(s->refusal);
        s->refusal = NULL;
    }
}

const char *agent_refusal(const struct agent *a, const char *session)
{
    const struct agent_session *s = agent_find_session(a, span_str(session));
    return s ? s->refusal : NULL;
}

void agent_free_sessions(struct agent *a)
{
    while (a->sessions) {
        struct agent_session *s = a->sessions;
        a->sessions = s->next;
        free_session(a, s);
    }
}
