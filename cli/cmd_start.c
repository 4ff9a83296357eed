/* start */

#include <string.h>

#include "cli/carry.h"
#include "cli/edge.h"
#include "cli/env_files.h"
#include "cli/here_view.h"
#include "cli/live_view.h"
#include "cli/session_body.h"
#include "cli/start_local.h"
#include "cli/stop.h"
#include "config/suggest.h"

static enum exit_code no_service(struct cli *c, const char *name)
{
    struct suggest s;
    suggest_init(&s, span_str(name));
    for (size_t i = 0; i < c->project->n_services; i++)
        suggest_offer(&s, span_str(c->project->services[i].name));
    cli_complain(c, "%s has no service \"%s\"", c->project->file, name);
    if (s.best.len > 0)
        cli_advise(c, "did you mean " SPAN_FMT "?", SPAN_ARG(s.best));
    return EXIT_INPUT;
}

/* What was local stays so, wherever the project now says that it is; what is named joins it. */
static enum exit_code choose_local(struct cli *c, json_t *entry)
{
    for (size_t i = 0; i < c->args.n_operands; i++) {
        const char *name = c->args.operands[i];
        const struct project_service *s = project_find(c->project, span_str(name));
        if (!s)
            return no_service(c, name);
        entry_set_local(entry, name, s->local.url);
    }
    for (size_t i = 0; i < c->project->n_services; i++) {
        const struct project_service *s = &c->project->services[i];
        if (entry_local(entry, s->name))
            entry_set_local(entry, s->name, s->local.url);
    }
    return EXIT_DONE;
}

static enum exit_code check_operands(struct cli *c)
{
    for (size_t i = 0; i < c->args.n_operands; i++)
        if (!project_find(c->project, span_str(c->args.operands[i])))
            return no_service(c, c->args.operands[i]);
    return EXIT_DONE;
}

static enum exit_code find(struct cli *c, struct place *p)
{
    enum exit_code code = place_find(c, PLACE_PROJECT, p);
    if (code == EXIT_DONE && !c->project) {
        cli_complain(c, "%s is of no project: it was made by linkup http", p->asked);
        return EXIT_MISSING;
    }
    p->alone = args_has(&c->args, "local");
    if (code == EXIT_DONE && !p->alone)
        code = place_check_edge(c);
    return code == EXIT_DONE ? check_operands(c) : code;
}

/* A name means one session, in one place. */
static enum exit_code leave_local_edge(struct cli *c, const struct place *p)
{
    if (!entry_is_on(p->entry) || !entry_is_alone(p->entry))
        return EXIT_DONE;
    return stop_local(c, json_text(p->entry, "session"));
}

static enum exit_code register_it(struct cli *c, struct place *p)
{
    enum start_name how;
    enum exit_code code = start_name(c, p, &how);
    if (code == EXIT_DONE)
        code = choose_local(c, p->entry);
    if (code == EXIT_DONE && p->alone)
        return start_local(c, p, how);
    if (code == EXIT_DONE)
        code = leave_local_edge(c, p);
    if (code != EXIT_DONE)
        return code;
    json_object_set_new(p->entry, "alone", json_false());
    json_t *body = cli_keep(c, session_body(c->project, json_object_get(p->entry, "local")));
    return start_register(c, p, how, body);
}

/* An env file that cannot be written is said, and the session is there all the same. */
static enum exit_code write_env_files(struct cli *c)
{
    size_t n;
    enum exit_code code = env_files_write(c, c->project, &n);
    if (n > 0 && c->err.tty)
        cli_say(c, "%zu env file%s written", n, n == 1 ? "" : "s");
    return code;
}

static void show(struct cli *c, const struct place *p)
{
    json_t *services = here_services(c, c->project, p->entry);
    if (args_has(&c->args, "json")) {
        cli_print_json(c, cli_keep(c, here_json(p->entry, services)));
    } else {
        cli_say(c, "session %s is up %s%s", json_text(p->entry, "session"),
                p->alone ? "on this machine alone" : "at ", p->alone ? "" : c->settings.edge);
        here_print_urls(c, p->entry, services);
    }
    here_warn(c, c->project, services);
    if (json_object_size(json_object_get(p->entry, "local")) == 0 && c->err.tty)
        cli_say(c, "all services are the shared ones; make one yours: linkup route local SERVICE");
}

/* The session of P is up on the local edge. */
static enum exit_code go_on_alone(struct cli *c, const struct place *p, enum exit_code code)
{
    show(c, p);
    fflush(c->out.file);
    start_local_tell(c, p);
    if (!args_has(&c->args, "foreground"))
        return code;
    bool told = start_local_attend(c, p);
    code = stop_session(c, p, false);
    return told ? code : EXIT_UNREACHABLE;
}

enum exit_code cmd_start(struct cli *c)
{
    struct place p;
    enum exit_code code = find(c, &p);
    if (code == EXIT_DONE)
        code = register_it(c, &p);
    if (code != EXIT_DONE)
        return code;
    enum exit_code env = write_env_files(c);
    if (p.alone)
        return go_on_alone(c, &p, env);
    code = carry_up(c, p.entry, true);
    if (code != EXIT_DONE)
        return code;
    show(c, &p);
    if (!args_has(&c->args, "foreground"))
        return env;
    fflush(c->out.file);
    return live_view_until_end(c, &p);
}
