#include "cli/place.h"

#include <string.h>

#include "cli/edge.h"
#include "cli/overrides.h"

/* What the command line names goes before what the book has. */
static enum exit_code choose_project(struct cli *c, const struct book *b, struct place *p)
{
    const json_t *named = p->asked ? book_named(b, p->asked) : NULL;
    const char *file = named && !args_get(&c->args, "config") ? json_text(named, "project")
                                                              : project_file(c);
    p->project = file ? file : "";
    if (!named || !*json_text(named, "project") ||
        strcmp(json_text(named, "project"), p->project) == 0)
        return EXIT_DONE;
    cli_complain(c, "%s is the session of %s", p->asked, json_text(named, "project"));
    cli_advise(c, "choose another name: --session NAME");
    return EXIT_MISSING;
}

static enum exit_code use_project(struct cli *c, enum place_need need, const struct place *p)
{
    if (!*p->project)
        return EXIT_DONE;
    enum exit_code code = project_use(c, p->project);
    return need == PLACE_LENIENT ? EXIT_DONE : code;
}

/* The edge that the session is kept with, where neither the command line nor a project says another. */
static void hint_edge(struct cli *c, const struct book *b, const struct place *p)
{
    const json_t *e = p->asked ? book_named(b, p->asked) : NULL;
    if (!e && *p->project && !c->project)
        e = book_own(b, p->project, NULL);
    if (e && (p->asked || !c->hint.edge))
        c->hint.edge = json_text(e, "edge");
}

enum exit_code place_find(struct cli *c, enum place_need need, struct place *p)
{
    struct book b;
    *p = (struct place){.asked = args_get(&c->args, "session"), .project = ""};
    enum exit_code code = p->asked ? overrides_check_name(c, p->asked) : EXIT_DONE;
    if (code == EXIT_DONE)
        code = book_read(c, &b);
    if (code == EXIT_DONE)
        code = choose_project(c, &b, p);
    if (code == EXIT_DONE)
        code = use_project(c, need, p);
    if (code != EXIT_DONE)
        return code;
    bool projectless = p->asked && book_named(&b, p->asked);
    if (need == PLACE_PROJECT && !*p->project && !projectless)
        return project_missing(c);
    hint_edge(c, &b, p);
    code = settings_resolve(c);
    if (code != EXIT_DONE)
        return code;
    p->entry = p->asked ? book_find(&b, c->settings.edge, p->asked)
                        : book_own(&b, p->project, c->settings.edge);
    return EXIT_DONE;
}

enum exit_code place_not_started(struct cli *c, const struct place *p)
{
    struct book b;
    size_t i;
    json_t *e;
    if (p->asked)
        cli_complain(c, "the session %s is not started on this machine", p->asked);
    else
        cli_complain(c, "no session is started in this folder");
    if (book_read(c, &b) != EXIT_DONE)
        return EXIT_MISSING;
    json_array_foreach(b.entries, i, e)
    {
        if (entry_is_on(e))
            cli_advise(c, "there is --session %s, of %s", json_text(e, "session"),
                       *json_text(e, "project") ? json_text(e, "project") : "linkup http");
    }
    cli_advise(c, "start one: linkup start");
    return EXIT_MISSING;
}

enum exit_code place_check_edge(struct cli *c)
{
    if (c->settings.unix_path) {
        cli_complain(c, "a tunnel goes over TLS, not over the admin socket");
        cli_advise(c, "name the edge by its URL: --edge https://edge.<zone>");
        return EXIT_USAGE;
    }
    if (c->settings.token)
        return EXIT_DONE;
    cli_complain(c, "there is no token for %s", c->settings.edge);
    cli_advise(c, "log in once: linkup login --edge %s", c->settings.edge);
    cli_advise(c, "or give one: --token-file FILE, LINKUP_TOKEN, or `token` in linkup.yaml");
    return EXIT_REFUSED;
}
