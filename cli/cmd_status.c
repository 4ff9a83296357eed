/* status */

#include <string.h>

#include "cli/edge.h"
#include "cli/grid.h"
#include "cli/here_status.h"
#include "cli/live_view.h"
#include "cli/overrides.h"
#include "cli/project_find.h"

/* The document flattened: {"certificates": {"held": 3}} gives "certificates.held" and "3". The edge
 * may learn to tell more without our having to. */
static void flatten(struct cli *c, struct grid *g, const char *key, const json_t *value)
{
    const char *member;
    json_t *v;
    size_t i;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        json_object_foreach((json_t *)(uintptr_t)value, member, v)
            flatten(c, g, *key ? cli_text(c, "%s.%s", key, member) : member, v);
        return;
    case JSON_ARRAY:
        json_array_foreach(value, i, v) flatten(c, g, cli_text(c, "%s.%zu", key, i), v);
        return;
    case JSON_STRING:
        grid_add(g, (const char *const[]){key, json_string_value(value)});
        return;
    case JSON_INTEGER:
        grid_add(g, (const char *const[]){
                        key, cli_text(c, "%" JSON_INTEGER_FORMAT, json_integer_value(value))});
        return;
    case JSON_REAL:
        grid_add(g, (const char *const[]){key, cli_text(c, "%g", json_real_value(value))});
        return;
    default:
        grid_add(g, (const char *const[]){key, json_is_true(value)    ? "yes"
                                               : json_is_false(value) ? "no"
                                                                      : "-"});
    }
}

/* Health is a word, or an object that has it as its state or says whether it is up. */
static const char *health_text(const json_t *service)
{
    const json_t *health = json_object_get(service, "health");
    if (json_is_string(health))
        return json_string_value(health);
    const json_t *up = json_object_get(health, "up");
    if (json_is_boolean(up))
        return json_is_true(up) ? "up" : "down";
    return json_text(health, "state");
}

static void print_services(struct cli *c, const json_t *services)
{
    static const struct grid_column columns[] = {
        {"SERVICE", false}, {"URL", false}, {"SHARED BACKEND", true}, {"HEALTH", false}};
    struct grid g;
    grid_init(&g, &c->arena, columns, 4);
    size_t i;
    json_t *s;
    json_array_foreach(services, i, s)
        grid_add(&g, (const char *const[]){json_text(s, "name"), json_text(s, "url"),
                                           json_text(s, "backend"), health_text(s)});
    fputc('\n', c->out.file);
    grid_print(&g, &c->out);
}

static void print_edge(struct cli *c, const json_t *status, const json_t *services)
{
    const struct grid_column columns[] = {{"EDGE", false}, {c->settings.edge, true}};
    struct grid g;
    grid_init(&g, &c->arena, columns, 2);
    flatten(c, &g, "", status);
    grid_print(&g, &c->out);
    print_services(c, services);
}

/* --- what runs here ------------------------------------------------------------------------------- */

struct status {
    json_t *here;
    size_t n_here;
    json_t *edge, *services; /* NULL: not asked, or no answer */
};

static enum exit_code look_here(struct cli *c, struct status *s)
{
    json_t *agent;
    enum exit_code code = here_ask_agent(c, &agent);
    s->here = here_status(c, agent, NULL, args_get(&c->args, "session"));
    s->n_here = json_array_size(json_object_get(s->here, "sessions"));
    return code;
}

static enum exit_code ask(struct cli *c, const char *path, json_t **out)
{
    struct edge_reply reply;
    enum exit_code code = edge_call(c, &(struct edge_request){.method = "GET", .path = path},
                                    &reply);
    *out = reply.json;
    return code;
}

static enum exit_code look_at_edge(struct cli *c, bool whole, struct status *s)
{
    json_t *services = NULL;
    enum exit_code code = whole ? ask(c, "/v1/status", &s->edge) : EXIT_DONE;
    if (code == EXIT_DONE)
        code = ask(c, "/v1/services", &services);
    if (code != EXIT_DONE)
        return code;
    s->services = json_object_get(services, "services");
    here_take_shared(s->here, c->settings.edge, s->services);
    return EXIT_DONE;
}

static void print_json(struct cli *c, const struct status *s)
{
    json_t *all = cli_keep(c, s->edge ? json_copy(s->edge) : json_object());
    if (s->services)
        json_object_set(all, "services", s->services);
    json_object_set(all, "here", s->here);
    cli_print_json(c, all);
}

/* Whether there are sessions, and the edge has to do with none of them: it need not be there. */
static bool is_all_alone(const struct status *s)
{
    size_t i;
    json_t *session;
    json_array_foreach(json_object_get(s->here, "sessions"), i, session)
    {
        if (strcmp(json_text(json_object_get(session, "tunnel"), "state"), "alone") != 0)
            return false;
    }
    return s->n_here > 0;
}

/* Sessions of this machine first; the edge itself where there are none, or when it is asked for. */
static enum exit_code show(struct cli *c)
{
    struct status s = {0};
    bool json = args_has(&c->args, "json");
    enum exit_code here = look_here(c, &s);
    bool all = args_has(&c->args, "all"), alone = is_all_alone(&s);
    bool whole = s.n_here == 0 || (json && !alone) || all;
    enum exit_code edge = alone && !all ? EXIT_DONE : look_at_edge(c, whole, &s);
    if (s.n_here == 0 && edge != EXIT_DONE)
        return edge;
    if (json) {
        print_json(c, &s);
        return edge == EXIT_DONE ? here : edge;
    }
    here_print(c, s.here);
    if (whole && s.edge) {
        if (s.n_here > 0 && c->out.tty)
            fputc('\n', c->out.file);
        print_edge(c, s.edge, s.services);
    }
    return edge == EXIT_DONE ? here : edge;
}

static enum exit_code check_session(struct cli *c)
{
    const char *session = args_get(&c->args, "session");
    return session ? overrides_check_name(c, session) : EXIT_DONE;
}

enum exit_code cmd_status(struct cli *c)
{
    const char *file = project_file(c);
    enum exit_code code = check_session(c);
    if (code == EXIT_DONE && args_has(&c->args, "watch"))
        return live_view_watch(c, args_get(&c->args, "session"));
    if (code == EXIT_DONE && file)
        code = project_use(c, file);
    return code == EXIT_DONE ? show(c) : code;
}
