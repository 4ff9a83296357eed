/* http */

#include <string.h>

#include "cli/carry.h"
#include "cli/edge.h"
#include "cli/here_view.h"
#include "cli/live_view.h"
#include "cli/session_body.h"
#include "cli/start.h"
#include "config/backend_url.h"
#include "config/names.h"

/* PORT, or a URL. */
static enum exit_code read_place(struct cli *c, const char **url)
{
    const char *text = c->args.operands[0], *why = "not a URL";
    struct config_backend parsed;
    uint64_t port;
    if (span_to_u64(span_str(text), &port) == ERR_OK && port >= 1 && port <= 65535) {
        *url = cli_text(c, "http://localhost:%u", (unsigned)port);
        return EXIT_DONE;
    }
    *url = text;
    if (strstr(text, "://") &&
        backend_url_parse(span_str(text), &c->arena, &parsed, &why) == ERR_OK)
        return EXIT_DONE;
    cli_complain(c, strstr(text, "://") ? "%s: %s" : "%s: neither a port from 1 to 65535 nor a URL",
                 text, why);
    return EXIT_INPUT;
}

static enum exit_code read_service(struct cli *c, const char **service)
{
    *service = args_get(&c->args, "service");
    if (!*service) {
        cli_complain(c, "which service is it? Give --service NAME");
        return EXIT_USAGE;
    }
    if (name_is_service(span_str(*service)))
        return EXIT_DONE;
    cli_complain(c, "\"%s\" cannot be a service's name", *service);
    return EXIT_INPUT;
}

/* The folder's project is not looked at: only --session leads to another session than http's own. */
static enum exit_code find(struct cli *c, struct place *p)
{
    struct book b;
    *p = (struct place){.asked = args_get(&c->args, "session"), .project = ""};
    enum exit_code code = book_read(c, &b);
    if (code != EXIT_DONE)
        return code;
    const json_t *named = p->asked ? book_named(&b, p->asked) : NULL;
    if (named && *json_text(named, "project"))
        code = project_use(c, json_text(named, "project"));
    if (named)
        c->hint.edge = json_text(named, "edge");
    if (code == EXIT_DONE)
        code = settings_resolve(c);
    if (code == EXIT_DONE)
        code = place_check_edge(c);
    if (code != EXIT_DONE)
        return code;
    const char *edge = c->settings.edge;
    p->entry = p->asked ? book_find(&b, edge, p->asked) : book_own(&b, "", edge);
    return EXIT_DONE;
}

/* Into a session that is there, else a new one. */
static enum exit_code put_service(struct cli *c, struct place *p, const char *service,
                                  enum start_name how)
{
    const char *session = json_text(p->entry, "session");
    struct edge_reply reply;
    enum exit_code code = edge_call(
        c,
        &(struct edge_request){
            .method = "PATCH",
            .path = edge_path(c, "/v1/sessions/", session),
            .body = cli_keep(c, json_pack("{s:{s:{s:b}}}", "services", service, "tunnel", 1)),
            .missing_ok = true,
        },
        &reply);
    if (reply.http.status == 404) {
        const json_t *local = json_object_get(p->entry, "local");
        return start_register(c, p, how, cli_keep(c, session_body(c->project, local)));
    }
    if (code != EXIT_DONE) {
        start_undo(c, p, how, code);
        return code;
    }
    entry_take_urls(p->entry, reply.json);
    json_object_set_new(p->entry, "on", json_true());
    return start_keep(c, p);
}

static void show(struct cli *c, const struct place *p, const char *service)
{
    json_t *all = here_services(c, c->project, p->entry), *one = cli_keep(c, json_array()), *s;
    size_t i;
    json_array_foreach(all, i, s)
    {
        if (strcmp(json_text(s, "service"), service) == 0)
            json_array_append(one, s);
    }
    if (args_has(&c->args, "json")) {
        cli_print_json(c, cli_keep(c, here_json(p->entry, one)));
    } else {
        cli_say(c, "session %s is up; it ends with: linkup stop --session %s",
                json_text(p->entry, "session"), json_text(p->entry, "session"));
        json_t *plain = cli_keep(c, json_copy(p->entry));
        json_object_del(plain, "domain_urls");
        here_print_urls(c, plain, one);
    }
    here_warn(c, c->project, one);
}

static enum exit_code not_alone(struct cli *c, const struct place *p)
{
    cli_complain(c, "%s is on this machine alone (linkup start --local)",
                 json_text(p->entry, "session"));
    cli_advise(
        c, "make services of the project local with linkup route local, or give another --session");
    return EXIT_MISSING;
}

enum exit_code cmd_http(struct cli *c)
{
    struct place p;
    enum start_name how;
    const char *url, *service;
    enum exit_code code = read_place(c, &url);
    if (code == EXIT_DONE)
        code = read_service(c, &service);
    if (code == EXIT_DONE)
        code = find(c, &p);
    if (code == EXIT_DONE)
        code = start_name(c, &p, &how);
    if (code != EXIT_DONE)
        return code;
    if (entry_is_on(p.entry) && entry_is_alone(p.entry))
        return not_alone(c, &p);
    entry_set_local(p.entry, service, url);
    code = put_service(c, &p, service, how);
    if (code == EXIT_DONE)
        code = carry_up(c, p.entry, true);
    if (code != EXIT_DONE)
        return code;
    show(c, &p, service);
    if (!args_has(&c->args, "foreground"))
        return EXIT_DONE;
    fflush(c->out.file);
    return live_view_until_end(c, &p);
}
