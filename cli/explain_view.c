#include "cli/explain_view.h"

#include <string.h>

#include "cli/edge.h"

static bool is_true(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

static void print_line(struct cli *c, const char *name, const char *text)
{
    name = text_clean(&c->arena, name);
    text = text_clean(&c->arena, text);
    if (c->out.tty)
        fprintf(c->out.file, "%s%-7s%s  %s\n", term_bold(&c->out), name, term_plain(&c->out), text);
    else
        fprintf(c->out.file, "%s\t%s\n", name, text);
}

/* What the context's fields name, but for the one that was followed. */
static const char *also_named(struct cli *c, const json_t *rule, const char *before)
{
    const char *text = "", *field;
    json_t *value;
    json_object_foreach(json_object_get(rule, "context"), field, value)
    {
        if (!json_is_string(value) || strcmp(field, json_text(rule, "from")) == 0)
            continue;
        text = cli_text(c, "%s; %s%s names \"%s\"", text, *text ? "" : before, field,
                        json_string_value(value));
    }
    return text;
}

static const char *session_text(struct cli *c, const json_t *rule)
{
    const char *name = json_text(rule, "session"), *from = json_text(rule, "from");
    const char *host = json_text(rule, "host");
    if (!*name)
        return cli_text(c, "none: not the host %s%s", host, also_named(c, rule, ""));
    const char *by = strcmp(from, "host") == 0 ? cli_text(c, "the host %s", host) : from;
    return cli_text(c, "\"%s\", by %s%s%s", name, by,
                    is_true(rule, "live") ? "" : ": there is none",
                    also_named(c, rule, "not asked: "));
}

static const char *service_text(struct cli *c, const json_t *rule)
{
    const char *service = json_text(rule, "service"), *from = json_text(rule, "from");
    const char *domain = json_text(rule, "domain"), *path = json_text(rule, "path");
    if (strcmp(from, "route") == 0)
        return cli_text(c, "\"%s\", by the route %s of %s, for the path %s", service,
                        json_text(rule, "route"), domain, path);
    if (strcmp(from, "default") == 0)
        return cli_text(c, "\"%s\", the default of %s: no route is for the path %s", service,
                        domain, path);
    return cli_text(c, "\"%s\", by the host", service);
}

static const char *backend_text(struct cli *c, const json_t *rule)
{
    const char *from = json_text(rule, "from"), *url = json_text(rule, "url");
    if (strcmp(from, "session") == 0)
        return cli_text(c, "%s, the session's override", url);
    if (strcmp(from, "tunnel") == 0)
        return "at the other end of its owner's tunnel, the session's override";
    if (strcmp(from, "shared") == 0)
        return cli_text(c, "%s, the shared copy", url);
    return "none: neither the session nor the edge has one";
}

static const char *path_text(struct cli *c, const json_t *rule)
{
    (void)c;
    const char *error = json_text(rule, "error");
    return *error ? error : json_text(rule, "path");
}

/* A rule of a newer edge: what it says, unshaped. */
static const char *other_text(struct cli *c, const json_t *rule)
{
    const char *text = "", *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)rule, key,
                        value) if (json_is_string(value) && strcmp(key, "rule") != 0)
        text = cli_text(c, "%s%s%s", text, *text ? "; " : "", json_string_value(value));
    return text;
}

static void print_rule(struct cli *c, const json_t *rule)
{
    static const struct {
        const char *name;
        const char *(*text)(struct cli *c, const json_t *rule);
    } kinds[] = {
        {"session", session_text},
        {"service", service_text},
        {"backend", backend_text},
        {"path", path_text},
    };
    const char *name = json_text(rule, "rule");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, name) == 0) {
            print_line(c, name, kinds[i].text(c, rule));
            return;
        }
    print_line(c, name, other_text(c, rule));
}

static const char *outcome_text(struct cli *c, const json_t *answer)
{
    const char *outcome = json_text(answer, "outcome"), *service = json_text(answer, "service");
    bool shared = strcmp(json_text(answer, "backend"), "shared") == 0;
    const struct {
        const char *outcome, *text;
    } texts[] = {
        {"backend",
         cli_text(c, "goes to the %s \"%s\"", shared ? "shared" : "session's own", service)},
        {"tunnel", cli_text(c, "goes through its owner's tunnel to \"%s\"", service)},
        {"edge", "goes to the edge itself"},
        {"unknown-host",
         "404: the host is neither a service, a session's nor a domain of this edge"},
        {"unknown-session",
         cli_text(c, "404: there is no session \"%s\", and the shared copy never answers for one",
                  json_text(answer, "session"))},
        {"unknown-service", cli_text(c, "404: there is no service \"%s\"", service)},
        {"session-required", "422: this edge asks for a session, and nothing names one that lives"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strcmp(texts[i].outcome, outcome) == 0)
            return texts[i].text;
    return outcome;
}

void explain_print(struct cli *c, const json_t *answer)
{
    print_line(c, "outcome", outcome_text(c, answer));
    print_line(c, "rule", json_text(answer, "rule"));
    size_t i;
    json_t *rule;
    json_array_foreach(json_object_get(answer, "rules"), i, rule) print_rule(c, rule);
}
