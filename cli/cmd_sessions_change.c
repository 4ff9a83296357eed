/* sessions create, set */

#include <string.h>
#include <unistd.h>

#include "cli/edge.h"
#include "cli/overrides.h"
#include "cli/session_body.h"
#include "cli/session_view.h"
#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"

#define BODY_MAX ((size_t)1 << 20) /* what the edge takes */

static enum exit_code read_stdin(struct cli *c, struct buf *b)
{
    for (;;) {
        size_t room;
        char *p = buf_reserve(b, 1, &room);
        if (!p) {
            cli_complain(c, "--from -: more than %zu bytes", BODY_MAX);
            return EXIT_INPUT;
        }
        ssize_t n = read(STDIN_FILENO, p, room);
        if (n < 0) {
            cli_complain(c, "--from -: %m");
            return EXIT_INPUT;
        }
        if (n == 0)
            return EXIT_DONE;
        buf_commit(b, (size_t)n);
    }
}

static enum exit_code parse_body(struct cli *c, const char *from, struct span text, json_t **body)
{
    json_error_t error;
    *body = cli_keep(c, json_loadb(text.p, text.len, JSON_REJECT_DUPLICATES, &error));
    if (json_is_object(*body))
        return EXIT_DONE;
    if (*body)
        cli_complain(c, "--from %s: a session is a JSON object", from);
    else
        cli_complain(c, "--from %s: line %d: %s", from, error.line, error.text);
    return EXIT_INPUT;
}

static enum exit_code read_body(struct cli *c, const char *from, json_t **body)
{
    if (strcmp(from, "-") == 0) {
        struct buf b;
        buf_init(&b, BODY_MAX);
        enum exit_code code = read_stdin(c, &b);
        if (code == EXIT_DONE)
            code = parse_body(c, from, buf_span(&b), body);
        buf_deinit(&b);
        return code;
    }
    char *data;
    size_t len;
    enum err e = file_read(from, BODY_MAX, &data, &len);
    if (e != ERR_OK) {
        cli_complain(c, "--from %s: %s", from, err_text(e));
        return EXIT_INPUT;
    }
    enum exit_code code = parse_body(c, from, span_of(data, len), body);
    mem_free(data);
    return code;
}

/* What the command line says goes before what BODY brought along. */
static void put_overrides(json_t *body, const struct overrides *o)
{
    json_t *services = json_object_get(body, "services");
    if (json_is_object(services))
        json_object_update(services, o->services);
    else
        json_object_set(body, "services", o->services);
    if (o->name)
        json_object_set_new(body, "name", json_string(o->name));
}

static enum exit_code call_and_print(struct cli *c, const struct edge_request *r)
{
    struct edge_reply reply;
    enum exit_code code = edge_call(c, r, &reply);
    if (code != EXIT_DONE)
        return code;
    session_print_urls(c, reply.json);
    return EXIT_DONE;
}

enum exit_code cmd_sessions_create(struct cli *c)
{
    struct overrides o;
    enum exit_code code = overrides_parse(c, OVERRIDES_CREATE, args_has(&c->args, "preserve-host"),
                                          &o);
    if (code != EXIT_DONE)
        return code;
    json_t *body = cli_keep(c, json_object());
    const char *from = args_get(&c->args, "from");
    if (from)
        code = read_body(c, from, &body);
    if (code != EXIT_DONE)
        return code;
    put_overrides(body, &o);
    code = session_put_words(c, body);
    if (code != EXIT_DONE)
        return code;
    if (args_has(&c->args, "pin"))
        json_object_set_new(body, "pinned", json_true());
    return call_and_print(
        c, &(struct edge_request){.method = "POST", .path = "/v1/sessions", .body = body});
}

enum exit_code cmd_sessions_set(struct cli *c)
{
    struct overrides o;
    enum exit_code code = overrides_parse(c, OVERRIDES_SET, args_has(&c->args, "preserve-host"),
                                          &o);
    if (code != EXIT_DONE)
        return code;
    bool pin = args_has(&c->args, "pin"), no_pin = args_has(&c->args, "no-pin");
    if (pin && no_pin) {
        cli_complain(c, "--pin and --no-pin are both given");
        return EXIT_USAGE;
    }
    json_t *body = cli_keep(c, json_object());
    if (json_object_size(o.services))
        json_object_set(body, "services", o.services);
    code = session_put_words(c, body);
    if (code != EXIT_DONE)
        return code;
    if (pin || no_pin)
        json_object_set_new(body, "pinned", json_boolean(pin));
    if (json_object_size(body) == 0) {
        cli_complain(c, "nothing to change: give SERVICE=URL, --ttl, --owner, --pin or --no-pin");
        return EXIT_USAGE;
    }
    return call_and_print(c, &(struct edge_request){
                                 .method = "PATCH",
                                 .path = edge_path(c, "/v1/sessions/", o.name),
                                 .if_match = args_get(&c->args, "if-match"),
                                 .body = body,
                             });
}
