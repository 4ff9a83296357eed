/* sessions ls, show, extend, rm */

#include "cli/edge.h"
#include "cli/overrides.h"
#include "cli/session_view.h"

#define PAGES_MAX 10000 /* an edge that never ends its list is broken */

static enum exit_code broken_list(struct cli *c)
{
    cli_complain(c, "%s answers a list of sessions that is none", c->settings.edge);
    return EXIT_UNREACHABLE;
}

/* All pages joined, as one document of the first one's shape. */
static enum exit_code fetch_all(struct cli *c, json_t **list)
{
    json_t *all = cli_keep(c, json_array());
    const char *path = "/v1/sessions?limit=1000";
    for (size_t page = 0; page < PAGES_MAX; page++) {
        struct edge_reply reply;
        enum exit_code code = edge_call(c, &(struct edge_request){.method = "GET", .path = path},
                                        &reply);
        if (code != EXIT_DONE)
            return code;
        json_t *sessions = json_object_get(reply.json, "sessions");
        if (!json_is_array(sessions))
            return broken_list(c);
        json_array_extend(all, sessions);
        const char *next = json_text(reply.json, "next");
        if (!*next) {
            *list = all;
            return EXIT_DONE;
        }
        path = edge_path(c, "/v1/sessions?limit=1000&cursor=", next);
    }
    return broken_list(c);
}

enum exit_code cmd_sessions_ls(struct cli *c)
{
    json_t *sessions;
    enum exit_code code = fetch_all(c, &sessions);
    if (code != EXIT_DONE)
        return code;
    if (args_has(&c->args, "json")) {
        cli_print_json(c, cli_keep(c, json_pack("{s:O}", "sessions", sessions)));
        return EXIT_DONE;
    }
    if (json_array_size(sessions) == 0 && c->out.tty) {
        cli_say(c, "there are no sessions; make one: linkup sessions create [NAME] SERVICE=URL");
        return EXIT_DONE;
    }
    session_print_list(c, sessions);
    return EXIT_DONE;
}

enum exit_code cmd_sessions_show(struct cli *c)
{
    const char *name = c->args.operands[0];
    enum exit_code code = overrides_check_name(c, name);
    if (code != EXIT_DONE)
        return code;
    struct edge_reply reply;
    code = edge_call(
        c, &(struct edge_request){.method = "GET", .path = edge_path(c, "/v1/sessions/", name)},
        &reply);
    if (code != EXIT_DONE)
        return code;
    session_print(c, reply.json);
    if (reply.http.etag && !args_has(&c->args, "json"))
        cli_say(c, "etag %s", reply.http.etag);
    return EXIT_DONE;
}

enum exit_code cmd_sessions_extend(struct cli *c)
{
    const char *name = c->args.operands[0], *ttl = args_get(&c->args, "ttl");
    enum exit_code code = overrides_check_name(c, name);
    if (code != EXIT_DONE)
        return code;
    json_t *body = cli_keep(c, json_object());
    if (ttl)
        json_object_set_new(body, "ttl", json_string(ttl));
    struct edge_reply reply;
    code = edge_call(c,
                     &(struct edge_request){
                         .method = "POST",
                         .path = cli_text(c, "%s/extend", edge_path(c, "/v1/sessions/", name)),
                         .body = body},
                     &reply);
    if (code != EXIT_DONE)
        return code;
    if (args_has(&c->args, "json"))
        cli_print_json(c, reply.json);
    else
        fprintf(c->out.file, "%s\n", text_clean(&c->arena, session_expiry(c, reply.json)));
    return EXIT_DONE;
}

static enum exit_code end_one(struct cli *c, const char *name)
{
    enum exit_code code = overrides_check_name(c, name);
    if (code != EXIT_DONE)
        return code;
    struct edge_reply reply;
    struct edge_request request = {
        .method = "DELETE",
        .path = edge_path(c, "/v1/sessions/", name),
        .if_match = args_get(&c->args, "if-match"),
    };
    code = edge_call(c, &request, &reply);
    if (code == EXIT_DONE)
        cli_say(c, "session %s ended", name);
    return code;
}

enum exit_code cmd_sessions_rm(struct cli *c)
{
    enum exit_code first = EXIT_DONE;
    json_t *ended = cli_keep(c, json_array());
    for (size_t i = 0; i < c->args.n_operands; i++) {
        const char *name = c->args.operands[i];
        enum exit_code code = end_one(c, name);
        if (code == EXIT_DONE)
            json_array_append_new(ended, json_string(name));
        first = first == EXIT_DONE ? code : first;
        /* The next one would fail in the same way. */
        if (code == EXIT_UNREACHABLE || code == EXIT_REFUSED || code == EXIT_USAGE)
            break;
    }
    if (args_has(&c->args, "json"))
        cli_print_json(c, cli_keep(c, json_pack("{s:O}", "ended", ended)));
    return first;
}
