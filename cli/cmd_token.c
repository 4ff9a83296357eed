/* token create, ls, rm */

#include <string.h>

#include "cli/edge.h"
#include "cli/grid.h"
#include "core/mem.h"

enum exit_code cmd_token_create(struct cli *c)
{
    const char *scope = args_get(&c->args, "scope"), *name = args_get(&c->args, "name");
    if (!scope || !name) {
        cli_complain(c, "a token needs --%s", scope ? "name" : "scope");
        cli_advise(c, "for example: linkup token create --scope session --name ci");
        return EXIT_USAGE;
    }
    json_t *body = cli_keep(c, json_pack("{s:s, s:s}", "name", name, "scope", scope));
    if (!body) {
        cli_complain(c, "--name and --scope must be UTF-8");
        return EXIT_INPUT;
    }
    struct edge_reply reply;
    enum exit_code code = edge_call(
        c, &(struct edge_request){.method = "POST", .path = "/v1/tokens", .body = body}, &reply);
    if (code != EXIT_DONE)
        return code;

    cli_say(c, "token %s for %s, scope %s; it is shown this once", json_text(reply.json, "id"),
            json_text(reply.json, "name"), json_text(reply.json, "scope"));
    if (args_has(&c->args, "json"))
        cli_print_json(c, reply.json);
    else
        fprintf(c->out.file, "%s\n", text_clean(&c->arena, json_text(reply.json, "token")));
    mem_wipe((void *)(uintptr_t)reply.http.body.p, reply.http.body.len);
    return EXIT_DONE;
}

enum exit_code cmd_token_ls(struct cli *c)
{
    struct edge_reply reply;
    enum exit_code code = edge_call(
        c, &(struct edge_request){.method = "GET", .path = "/v1/tokens"}, &reply);
    if (code != EXIT_DONE)
        return code;
    if (args_has(&c->args, "json")) {
        cli_print_json(c, reply.json);
        return EXIT_DONE;
    }
    static const struct grid_column columns[] = {
        {"ID", false}, {"NAME", true}, {"SCOPE", false}, {"CREATED", false}};
    struct grid g;
    grid_init(&g, &c->arena, columns, 4);
    size_t i;
    json_t *t;
    json_array_foreach(json_object_get(reply.json, "tokens"), i, t)
        grid_add(&g, (const char *const[]){json_text(t, "id"), json_text(t, "name"),
                                           json_text(t, "scope"), json_text(t, "created")});
    grid_print(&g, &c->out);
    return EXIT_DONE;
}

enum exit_code cmd_token_rm(struct cli *c)
{
    enum exit_code first = EXIT_DONE;
    json_t *revoked = cli_keep(c, json_array());
    for (size_t i = 0; i < c->args.n_operands; i++) {
        const char *id = c->args.operands[i];
        struct edge_reply reply;
        enum exit_code code = edge_call(
            c, &(struct edge_request){.method = "DELETE", .path = edge_path(c, "/v1/tokens/", id)},
            &reply);
        if (code == EXIT_DONE) {
            json_array_append_new(revoked, json_string(id));
            cli_say(c, "token %s taken back", id);
        }
        first = first == EXIT_DONE ? code : first;
        if (code == EXIT_UNREACHABLE || code == EXIT_REFUSED || code == EXIT_USAGE)
            break;
    }
    if (args_has(&c->args, "json"))
        cli_print_json(c, cli_keep(c, json_pack("{s:O}", "revoked", revoked)));
    return first;
}
