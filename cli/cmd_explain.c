/* explain */

#include <string.h>

#include "cli/edge.h"
#include "cli/grid.h"

/* "name: value" into HEADERS; a name given again gets its values joined as RFC 9110 5.3 has it. */
static enum exit_code add_header(struct cli *c, json_t *headers, const char *line)
{
    const char *colon = strchr(line, ':');
    struct span name = span_of(line, colon ? (size_t)(colon - line) : 0);
    if (!name.len || !span_eq(name, span_trim(name))) {
        cli_complain(c, "-H '%s' is not 'NAME: VALUE'", line);
        return EXIT_INPUT;
    }
    char *key = arena_strz(&c->arena, name);
    ascii_lower_in_place(key, name.len);
    struct span value = span_trim(span_str(colon + 1));
    const char *text = cli_text(c, SPAN_FMT, SPAN_ARG(value));
    const json_t *before = json_object_get(headers, key);
    if (before)
        text = cli_text(c, "%s, %s", json_string_value(before), text);
    json_t *one = json_string(text);
    if (one && json_object_set_new(headers, key, one) == 0)
        return EXIT_DONE;
    cli_complain(c, "-H '%s' is not UTF-8", line);
    return EXIT_INPUT;
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

static void print_summary(struct cli *c, const json_t *doc)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)doc, key, value)
    {
        if (!json_is_string(value))
            continue;
        const char *text = text_clean(&c->arena, json_string_value(value));
        const char *name = text_clean(&c->arena, key);
        if (c->out.tty)
            fprintf(c->out.file, "%s%-10s%s%s\n", term_bold(&c->out), name, term_plain(&c->out),
                    text);
        else
            fprintf(c->out.file, "%s\t%s\n", name, text);
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
    if (args_has(&c->args, "json")) {
        cli_print_json(c, reply.json);
        return EXIT_DONE;
    }
    print_summary(c, reply.json);
    return EXIT_DONE;
}
