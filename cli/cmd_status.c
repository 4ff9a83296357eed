/* status */

#include "cli/edge.h"
#include "cli/grid.h"

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

enum exit_code cmd_status(struct cli *c)
{
    struct edge_reply status, services;
    enum exit_code code = edge_call(
        c, &(struct edge_request){.method = "GET", .path = "/v1/status"}, &status);
    if (code == EXIT_DONE)
        code = edge_call(c, &(struct edge_request){.method = "GET", .path = "/v1/services"},
                         &services);
    if (code != EXIT_DONE)
        return code;

    json_t *list = json_object_get(services.json, "services");
    if (args_has(&c->args, "json")) {
        json_t *both = cli_keep(c, json_copy(status.json));
        json_object_set(both, "services", list);
        cli_print_json(c, both);
        return EXIT_DONE;
    }
    const struct grid_column columns[] = {{"EDGE", false}, {c->settings.edge, true}};
    struct grid g;
    grid_init(&g, &c->arena, columns, 2);
    flatten(c, &g, "", status.json);
    grid_print(&g, &c->out);
    print_services(c, list);
    return EXIT_DONE;
}
