/* stop */

#include <string.h>
#include <unistd.h>

#include "cli/carry.h"
#include "cli/edge.h"
#include "cli/env_files.h"
#include "cli/start_local.h"
#include "cli/stop.h"

static enum exit_code worse(enum exit_code so_far, enum exit_code code)
{
    return so_far == EXIT_DONE ? code : so_far;
}

static enum exit_code clear_env_files(struct cli *c, const struct place *p)
{
    size_t n;
    /* A folder that is gone took its env files along. */
    if (!c->project)
        return EXIT_DONE;
    enum exit_code code = env_files_clear(c, c->project, &n);
    if (code != EXIT_DONE)
        cli_advise(c, "Linkup's lines may still be in env files of %s", p->project);
    return code;
}

static enum exit_code end_at_edge(struct cli *c, const char *session)
{
    enum exit_code code = start_end(c, session);
    if (code != EXIT_DONE)
        cli_advise(
            c,
            "here it is stopped; at the edge it stays until it expires, or: linkup sessions rm %s",
            session);
    return code;
}

static enum exit_code note(struct cli *c, const struct place *p, bool forget)
{
    if (forget)
        return start_forget(c, p);
    json_object_set_new(p->entry, "on", json_false());
    if (!*json_text(p->entry, "project")) /* the ports of `linkup http` are said anew each time */
        json_object_clear(json_object_get(p->entry, "local"));
    return start_keep(c, p);
}

enum exit_code stop_session(struct cli *c, const struct place *p, bool forget)
{
    const char *session = json_text(p->entry, "session");
    enum exit_code code = EXIT_DONE;
    if (entry_is_alone(p->entry)) {
        code = stop_local(c, session);
    } else {
        code = end_at_edge(c, session);
        code = worse(code, carry_take(c, json_text(p->entry, "edge"), session));
    }
    code = worse(code, clear_env_files(c, p));
    code = worse(code, note(c, p, forget));
    if (code == EXIT_DONE)
        cli_say(c, "session %s is stopped", session);
    return code;
}

static enum exit_code stop_here(struct cli *c)
{
    struct place p;
    enum exit_code code = place_find(c, PLACE_LENIENT, &p);
    if (code != EXIT_DONE)
        return code;
    bool forget = args_has(&c->args, "forget");
    if (!p.entry || !(entry_is_on(p.entry) || forget))
        return place_not_started(c, &p);
    return stop_session(c, &p, forget);
}

/* --- all of them ---------------------------------------------------------------------------------- */

/* Its own edge, project and token, whatever those of the one before were. */
static enum exit_code stop_entry(struct cli *c, json_t *entry)
{
    struct place p = {.project = json_text(entry, "project"), .entry = entry};
    project_free(c->project);
    c->project = NULL;
    c->settings = (struct settings){0};
    c->hint = (struct settings_hint){0};
    if (*p.project && access(p.project, F_OK) == 0)
        (void)!project_use(c, p.project); /* what is wrong with it was said */
    if (!c->hint.edge)
        c->hint.edge = json_text(entry, "edge");
    enum exit_code code = settings_resolve(c);
    return code == EXIT_DONE ? stop_session(c, &p, args_has(&c->args, "forget")) : code;
}

/* --edge was given, and it is another's. */
static bool is_elsewhere(struct cli *c, const json_t *entry)
{
    const char *edge = args_get(&c->args, "edge"), *why;
    struct settings s = {0};
    return edge &&
           (!settings_edge(c, edge, &s, &why) || strcmp(s.edge, json_text(entry, "edge")) != 0);
}

static enum exit_code stop_all(struct cli *c)
{
    struct book b;
    size_t i, n = 0;
    json_t *e;
    enum exit_code code = book_read(c, &b);
    if (code != EXIT_DONE)
        return code;
    json_array_foreach(b.entries, i, e)
    {
        if (!entry_is_on(e) || is_elsewhere(c, e))
            continue;
        code = worse(code, stop_entry(c, e));
        n++;
    }
    if (n == 0)
        cli_say(c, "no session is started on this machine");
    return code;
}

enum exit_code cmd_stop(struct cli *c)
{
    if (!args_has(&c->args, "all"))
        return stop_here(c);
    if (!args_get(&c->args, "session"))
        return stop_all(c);
    cli_complain(c, "--all and --session are both given");
    return EXIT_USAGE;
}
