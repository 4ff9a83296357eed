#include "cli/here_status.h"

#include <string.h>
#include <unistd.h>

#include "cli/agent_client.h"
#include "cli/edge.h"
#include "cli/grid.h"
#include "cli/here_view.h"
#include "cli/local_process.h"
#include "core/loop.h"
#include "core/timefmt.h"

enum exit_code here_ask_agent(struct cli *c, json_t **status)
{
    struct agent_client a;
    *status = NULL;
    enum exit_code code = agent_client_find(c, &a);
    if (code != EXIT_DONE || a.fd < 0)
        return code;
    code = agent_client_call(c, &a, json_pack("{s:s}", "do", "status"), status);
    agent_client_close(&a);
    return code;
}

/* It needs no tunnel. */
static json_t *local_edge_of(struct cli *c, const json_t *entry)
{
    struct settings s = {0};
    struct local_place p;
    const char *why;
    pid_t pid = 0;
    if (settings_edge(c, json_text(entry, "edge"), &s, &why) && s.zone &&
        local_place_find(c, s.zone, &p) == EXIT_DONE)
        pid = local_process_find(&p);
    if (!pid)
        return json_pack("{s:s, s:s, s:s}", "state", "stopped", "since", "", "why",
                         "the local edge does not run: linkup start --local");
    return json_pack("{s:s, s:s, s:s}", "state", "alone", "since", "", "why",
                     cli_text(c, "on this machine alone, at 127.0.0.1:%u", (unsigned)p.https));
}

static json_t *tunnel_of(const json_t *agent, const json_t *entry)
{
    char since[TIMEFMT_MAX] = "";
    const json_t *held = NULL;
    const json_t *t = agent_status_find(agent, json_text(entry, "edge"),
                                        json_text(entry, "session"), &held);
    const char *refusal = json_text(held, "refusal");
    if (!t)
        return json_pack("{s:s, s:s, s:s}", "state", "stopped", "since", "", "why",
                         agent ? "the agent does not have it" : "the agent does not run");
    timefmt_rfc3339(json_integer_value(json_object_get(t, "since_ms")), since);
    return json_pack("{s:s, s:s, s:s, s:O}", "state", *refusal ? "refused" : json_text(t, "state"),
                     "since", since, "why", *refusal ? refusal : json_text(t, "why"), "requests",
                     json_object_get(t, "requests"));
}

/* Its project file, where it is still there and right. */
static struct project *project_of(const json_t *entry)
{
    struct project *p = NULL;
    struct config_errors errors = {0};
    const char *file = json_text(entry, "project");
    if (!*file || access(file, R_OK) != 0)
        return NULL;
    if (project_load(file, &p, &errors) != ERR_OK)
        p = NULL;
    config_errors_deinit(&errors);
    return p;
}

/* What the agent has is in force, whatever the book says; kept by the run. */
static json_t *as_held(struct cli *c, const json_t *agent, json_t *entry)
{
    const json_t *held = NULL;
    const char *session = json_text(entry, "session");
    if (!agent_status_find(agent, json_text(entry, "edge"), session, &held))
        return entry;
    json_t *now = cli_keep(c, json_copy(entry));
    json_object_set(now, "local", json_object_get(held, "services"));
    return now;
}

static bool is_meant(const json_t *entry, const char *edge, const char *session)
{
    if (!entry_is_on(entry) || (edge && strcmp(json_text(entry, "edge"), edge) != 0))
        return false;
    return !session || strcmp(json_text(entry, "session"), session) == 0;
}

json_t *here_status(struct cli *c, const json_t *agent, const char *edge, const char *session)
{
    struct book b;
    size_t i, n = 0;
    json_t *e, *list = json_array();
    if (book_read(c, &b) != EXIT_DONE)
        b.entries = NULL; /* it was said */
    struct here_set *v = (struct here_set *)arena_must_alloc(
        &c->arena, (json_array_size(b.entries) + 1) * sizeof *v);
    json_array_foreach(b.entries, i, e)
    {
        if (!is_meant(e, edge, session))
            continue;
        e = as_held(c, agent, e);
        const struct project *p = project_of(e);
        v[n++] = (struct here_set){p, here_services(c, p, e)};
        json_t *one = here_json(e, v[n - 1].services);
        json_object_set_new(one, "tunnel",
                            entry_is_alone(e) ? local_edge_of(c, e) : tunnel_of(agent, e));
        json_array_append_new(list, one);
    }
    here_probe(c, v, n, false);
    for (i = 0; i < n; i++)
        project_free((struct project *)(uintptr_t)v[i].project);
    json_t *who = agent ? json_pack("{s:s, s:O}", "version", json_text(agent, "agent"), "pid",
                                    json_object_get(agent, "pid"))
                        : json_null();
    return cli_keep(c, json_pack("{s:o, s:o}", "agent", who, "sessions", list));
}

/* --- the edge's word ------------------------------------------------------------------------------ */

static const char *health_at_edge(const json_t *services, const char *name)
{
    size_t i;
    json_t *s;
    json_array_foreach(services, i, s)
    {
        if (strcmp(json_text(s, "name"), name) == 0)
            return json_text(json_object_get(s, "health"), "state");
    }
    return "";
}

void here_take_shared(json_t *here, const char *edge, const json_t *services)
{
    size_t i, k;
    json_t *session, *s;
    json_array_foreach(json_object_get(here, "sessions"), i, session)
    {
        if (strcmp(json_text(session, "edge"), edge) != 0)
            continue;
        json_array_foreach(json_object_get(session, "services"), k, s)
        {
            if (strcmp(json_text(s, "place"), "shared") == 0)
                json_object_set_new(s, "health",
                                    json_string(health_at_edge(services, json_text(s, "service"))));
        }
    }
}

/* --- printing ------------------------------------------------------------------------------------- */

static const char *health_text(struct cli *c, const json_t *s)
{
    const char *why = json_text(s, "why"), *health = json_text(s, "health");
    return *why ? cli_text(c, "%s: %s", health, why) : health;
}

static const char *health_tint(const struct term *t, const char *cell)
{
    return strncmp(cell, "down", 4) == 0 ? term_red(t)
           : strcmp(cell, "up") == 0     ? term_green(t)
                                         : "";
}

/* "up for 3m" */
static const char *state_text(struct cli *c, const json_t *tunnel)
{
    const char *state = json_text(tunnel, "state"), *why = json_text(tunnel, "why");
    int64_t since;
    if (timefmt_rfc3339_parse(span_str(json_text(tunnel, "since")), &since) != ERR_OK)
        return *why ? why : state;
    int64_t s = (clock_wall_ms() - since) / 1000;
    s = s > 0 ? s : 0;
    const char *span = s < 120      ? cli_text(c, "%ds", (int)s)
                       : s < 7200   ? cli_text(c, "%dm", (int)(s / 60))
                       : s < 172800 ? cli_text(c, "%dh", (int)(s / 3600))
                                    : cli_text(c, "%dd", (int)(s / 86400));
    return cli_text(c, "%s for %s%s%s", state, span, *why ? ": " : "", why);
}

static void print_session(struct cli *c, const json_t *session)
{
    static const struct grid_column columns[] = {
        {"SERVICE", false}, {"URL", false}, {"PLACE", false}, {"BACKEND", true}, {"HEALTH", false}};
    const struct term *t = &c->out;
    const json_t *tunnel = json_object_get(session, "tunnel");
    bool up = strcmp(json_text(tunnel, "state"), "up") == 0 ||
              strcmp(json_text(tunnel, "state"), "alone") == 0;
    const char *project = json_text(session, "project"), *domain;
    struct grid g;
    size_t i;
    json_t *s, *url;
    fprintf(t->file, "%s%s%s  %s%s%s  %s%s%s\n", term_bold(t), json_text(session, "session"),
            term_plain(t), up ? term_green(t) : term_red(t),
            text_clean(&c->arena, state_text(c, tunnel)), term_plain(t), term_dim(t),
            text_clean(&c->arena, *project ? project : json_text(session, "edge")), term_plain(t));
    grid_init(&g, &c->arena, columns, 5);
    g.tint = health_tint;
    g.tinted = 4;
    json_array_foreach(json_object_get(session, "services"), i, s)
        grid_add(&g, (const char *const[]){json_text(s, "service"), json_text(s, "url"),
                                           json_text(s, "place"), json_text(s, "backend"),
                                           health_text(c, s)});
    json_object_foreach(json_object_get(session, "domain_urls"), domain, url)
        grid_add(&g, (const char *const[]){domain, json_string_value(url), "domain", "", ""});
    grid_print(&g, t);
}

static void print_lines(struct cli *c, const json_t *session)
{
    static const struct grid_column columns[] = {{"", false}, {"", false}, {"", false},
                                                 {"", false}, {"", false}, {"", false}};
    struct grid g;
    size_t i;
    json_t *s;
    grid_init(&g, &c->arena, columns, 6);
    json_array_foreach(json_object_get(session, "services"), i, s)
        grid_add(&g, (const char *const[]){json_text(session, "session"), json_text(s, "service"),
                                           json_text(s, "place"), health_text(c, s),
                                           json_text(s, "url"), json_text(s, "backend")});
    grid_print(&g, &c->out);
}

void here_print(struct cli *c, const json_t *here)
{
    size_t i;
    json_t *session;
    json_array_foreach(json_object_get(here, "sessions"), i, session)
    {
        if (i > 0 && c->out.tty)
            fputc('\n', c->out.file);
        if (c->out.tty)
            print_session(c, session);
        else
            print_lines(c, session);
    }
}
