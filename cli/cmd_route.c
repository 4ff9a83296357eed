/* route local, route remote */

#include <string.h>

#include "cli/carry.h"
#include "cli/edge.h"
#include "cli/here_view.h"
#include "cli/session_body.h"
#include "cli/start_local.h"

static enum exit_code no_url(struct cli *c, const struct place *p, const char *service)
{
    if (c->project)
        cli_complain(c, "%s has no service \"%s\"", p->project, service);
    else
        cli_complain(c, "where is %s? No project file says", service);
    cli_advise(c, "linkup http PORT --service %s --session %s", service,
               json_text(p->entry, "session"));
    return EXIT_INPUT;
}

/* The services that are meant, each once; kept by the run. */
static enum exit_code named(struct cli *c, const struct place *p, bool local, json_t **names)
{
    bool all = args_has(&c->args, "all");
    *names = cli_keep(c, json_object());
    if (all != (c->args.n_operands == 0)) {
        cli_complain(c, all ? "--all and services are both given"
                            : "which services? SERVICE... or --all");
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < c->args.n_operands; i++)
        json_object_set_new(*names, c->args.operands[i], json_true());
    for (size_t i = 0; all && local && c->project && i < c->project->n_services; i++)
        json_object_set_new(*names, c->project->services[i].name, json_true());
    if (all && !local)
        json_object_update(*names, json_object_get(p->entry, "local"));
    return EXIT_DONE;
}

/* What the edge is to be told of one service. */
static enum exit_code change_of(struct cli *c, const struct place *p, const char *name, bool local,
                                json_t **change)
{
    const struct project_service *s = c->project ? project_find(c->project, span_str(name)) : NULL;
    const char *url = s ? s->local.url : entry_local(p->entry, name);
    if (!url)
        return no_url(c, p, name);
    *change = s ? session_override(s, local) : local ? json_pack("{s:b}", "tunnel", 1) : NULL;
    *change = *change ? *change : json_null();
    entry_set_local(p->entry, name, local ? url : NULL);
    return EXIT_DONE;
}

static enum exit_code changes_of(struct cli *c, const struct place *p, const json_t *names,
                                 bool local, json_t **services)
{
    const char *name;
    json_t *value;
    *services = cli_keep(c, json_object());
    json_object_foreach((json_t *)(uintptr_t)names, name, value)
    {
        json_t *change = NULL;
        enum exit_code code = change_of(c, p, name, local, &change);
        if (code != EXIT_DONE)
            return code;
        json_object_set_new(*services, name, change);
    }
    return EXIT_DONE;
}

static enum exit_code change_edge(struct cli *c, const struct place *p, json_t *services)
{
    const char *session = json_text(p->entry, "session");
    struct edge_reply reply;
    if (json_object_size(services) == 0)
        return EXIT_DONE;
    enum exit_code code = edge_call(
        c,
        &(struct edge_request){
            .method = "PATCH",
            .path = edge_path(c, "/v1/sessions/", session),
            .body = cli_keep(c, json_pack("{s:O}", "services", services)),
        },
        &reply);
    if (code == EXIT_DONE)
        entry_take_urls(p->entry, reply.json);
    else if (code == EXIT_MISSING)
        cli_advise(c, "the session has ended; make it again: linkup start");
    return code;
}

/* The agent has what becomes local before the edge sends it requests, and what becomes remote until it sends it
 * no more. */
static enum exit_code change_all(struct cli *c, const struct place *p, json_t *services, bool local)
{
    enum exit_code code = EXIT_DONE;
    if (local)
        code = carry_up(c, p->entry, false);
    if (code == EXIT_DONE)
        code = change_edge(c, p, services);
    if (code == EXIT_DONE && !local)
        code = carry_up(c, p->entry, false);
    return code == EXIT_DONE ? start_keep(c, p) : code;
}

static void show(struct cli *c, const struct place *p, const json_t *names)
{
    json_t *all = here_services(c, c->project, p->entry), *some = cli_keep(c, json_array()), *s;
    const json_t *whole = p->entry;
    size_t i;
    json_array_foreach(all, i, s)
    {
        if (json_object_get(names, json_text(s, "service")))
            json_array_append(some, s);
    }
    json_t *without_domains = cli_keep(c, json_copy((json_t *)(uintptr_t)whole));
    json_object_del(without_domains, "domain_urls");
    if (args_has(&c->args, "json"))
        cli_print_json(c, cli_keep(c, here_json(p->entry, some)));
    else
        here_print_urls(c, without_domains, some);
    here_warn(c, c->project, some);
}

static enum exit_code route(struct cli *c, bool local)
{
    struct place p;
    json_t *names, *services;
    enum exit_code code = place_find(c, PLACE_PROJECT, &p);
    if (code != EXIT_DONE)
        return code;
    if (!p.entry || !entry_is_on(p.entry))
        return place_not_started(c, &p);
    bool alone = entry_is_alone(p.entry);
    code = alone ? EXIT_DONE : place_check_edge(c);
    if (code == EXIT_DONE)
        code = named(c, &p, local, &names);
    if (code == EXIT_DONE)
        code = changes_of(c, &p, names, local, &services);
    if (code == EXIT_DONE)
        code = alone ? start_local_again(c, &p) : change_all(c, &p, services, local);
    if (code == EXIT_DONE)
        show(c, &p, names);
    return code;
}

enum exit_code cmd_route_local(struct cli *c)
{
    return route(c, true);
}

enum exit_code cmd_route_remote(struct cli *c)
{
    return route(c, false);
}
