/* explain: the question; explain_view.c shows the answer */

#include <string.h>

#include "cli/edge.h"
#include "cli/explain_view.h"

/* A field that is given again becomes a list of its lines. */
static void add_value(json_t *headers, const char *key, json_t *value)
{
    json_t *before = json_object_get(headers, key);
    if (!before)
        json_object_set_new(headers, key, value);
    else if (json_is_array(before))
        json_array_append_new(before, value);
    else
        json_object_set_new(headers, key, json_pack("[O, o]", before, value));
}

/* "name: value" into HEADERS. */
static enum exit_code add_header(struct cli *c, json_t *headers, const char *line)
{
    const char *colon = strchr(line, ':');
    struct span name = span_of(line, colon ? (size_t)(colon - line) : 0);
    if (!name.len || !span_eq(name, span_trim(name))) {
        cli_complain(c, "-H '%s' is not 'NAME: VALUE'", line);
        return EXIT_INPUT;
    }
    char *key = arena_strz(&c->arena, name);
    CHECK(key);
    ascii_lower_in_place(key, name.len);
    struct span text = span_trim(span_str(colon + 1));
    json_t *whole = cli_keep(c, json_string(line));
    if (!whole) {
        cli_complain(c, "-H: what is given is not UTF-8");
        return EXIT_INPUT;
    }
    add_value(headers, key, json_stringn(text.p, text.len));
    return EXIT_DONE;
}

static enum exit_code make_body(struct cli *c, json_t **body)
{
    const char *url = c->args.operands[0];
    if (!strstr(url, "://"))
        url = cli_text(c, "https://%s", url);
    json_t *headers = json_object();
    *body = cli_keep(c, json_pack("{s:s, s:o}", "url", url, "headers", headers));
    if (!*body) {
        cli_complain(c, "the URL is not UTF-8");
        return EXIT_INPUT;
    }
    for (size_t i = 0;; i++) {
        const char *line = args_nth(&c->args, "header", i);
        if (!line)
            return EXIT_DONE;
        enum exit_code code = add_header(c, headers, line);
        if (code != EXIT_DONE)
            return code;
    }
}

enum exit_code cmd_explain(struct cli *c)
{
    json_t *body;
    enum exit_code code = make_body(c, &body);
    if (code != EXIT_DONE)
        return code;
    struct edge_reply reply;
    code = edge_call(
        c, &(struct edge_request){.method = "POST", .path = "/v1/explain", .body = body}, &reply);
    if (code != EXIT_DONE)
        return code;
    if (args_has(&c->args, "json"))
        cli_print_json(c, reply.json);
    else
        explain_print(c, reply.json);
    return EXIT_DONE;
}
