/* preview */

#include "cli/edge.h"
#include "cli/overrides.h"
#include "cli/project_find.h"
#include "cli/session_body.h"
#include "cli/session_view.h"

/* The body is the data; how to send it is talk. */
static void print_request(struct cli *c, const struct edge_request *r)
{
    const char *edge = args_get(&c->args, "edge");
    edge = edge ? edge : c->hint.edge;
    cli_say(c, "%s %s%s", r->method, edge ? edge : "https://edge.<zone>", r->path);
    cli_say(c, "Authorization: Bearer $LINKUP_TOKEN");
    cli_say(c, "Content-Type: application/json");
    cli_print_json(c, r->body);
}

/* A project's rewrites are of its services, wherever they run. */
static void take_rewrites(struct cli *c, json_t *services)
{
    const char *name;
    json_t *one;
    json_object_foreach(services, name, one)
    {
        const struct project_service *s = c->project ? project_find(c->project, span_str(name))
                                                     : NULL;
        json_t *shared = s && s->n_rewrites > 0 ? session_override(s, true) : NULL;
        if (shared)
            json_object_set(one, "rewrites", json_object_get(shared, "rewrites"));
        json_decref(shared);
    }
}

/* What is named, and of a project the rest, too: as it runs shared. */
static enum exit_code body_of(struct cli *c, const struct overrides *o, json_t **body)
{
    const char *file = project_file(c);
    enum exit_code code = file ? project_use(c, file) : EXIT_DONE;
    if (code != EXIT_DONE)
        return code;
    take_rewrites(c, o->services);
    *body = cli_keep(c, session_body(c->project, NULL));
    json_object_update(json_object_get(*body, "services"), o->services);
    return session_put_words(c, *body);
}

enum exit_code cmd_preview(struct cli *c)
{
    struct overrides o;
    json_t *body = NULL;
    enum exit_code code = overrides_parse(c, OVERRIDES_CREATE, args_has(&c->args, "preserve-host"),
                                          &o);
    if (code != EXIT_DONE)
        return code;
    if (json_object_size(o.services) == 0) {
        cli_complain(c, "a preview of what? Give at least one SERVICE=URL");
        return EXIT_USAGE;
    }
    code = body_of(c, &o, &body);
    if (code != EXIT_DONE)
        return code;
    /* With a name it is made or replaced in place; without, the edge names it by its content. */
    struct edge_request request = {
        .method = o.name ? "PUT" : "POST",
        .path = o.name ? edge_path(c, "/v1/sessions/", o.name) : "/v1/sessions",
        .body = body,
    };
    if (args_has(&c->args, "print-request")) {
        print_request(c, &request);
        return EXIT_DONE;
    }
    struct edge_reply reply;
    code = edge_call(c, &request, &reply);
    if (code == EXIT_DONE)
        session_print_urls(c, reply.json);
    return code;
}
