#include "cli/edge.h"

#include <stdlib.h>
#include <string.h>

enum exit_code edge_exit_code(int status)
{
    if (status >= 200 && status < 300)
        return EXIT_DONE;
    switch (status) {
    case 401:
    case 403:
        return EXIT_REFUSED;
    case 404:
    case 409:
    case 412:
        return EXIT_MISSING;
    case 408: /* the request timed out, too many of them: */
    case 429: /* the same as an edge that cannot be reached */
        return EXIT_UNREACHABLE;
    default:
        return status >= 400 && status < 500 ? EXIT_INPUT : EXIT_UNREACHABLE;
    }
}

const char *json_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

const char *edge_path(struct cli *c, const char *prefix, const char *s)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t before = strlen(prefix);
    char *path = (char *)arena_must_alloc(&c->arena, before + 3 * strlen(s) + 1);
    memcpy(path, prefix, before);
    char *o = path + before;
    for (; *s; s++) {
        unsigned char b = (unsigned char)*s;
        bool plain = (b >= '0' && b <= '9') || (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') ||
                     b == '-' || b == '_' || b == '~';
        if (plain) {
            *o++ = (char)b;
            continue;
        }
        *o++ = '%';
        *o++ = hex[b >> 4];
        *o++ = hex[b & 15];
    }
    *o = '\0';
    return path;
}

struct http_target edge_target(struct cli *c)
{
    const struct settings *s = &c->settings;
    return (struct http_target){
        .origin = s->origin,
        .unix_path = s->unix_path,
        .connect = s->connect,
        .ca_pem = s->ca_pem,
        .timeout_s = s->timeout_s,
        .talk = c->err.tty ? c->err.file : NULL,
    };
}

static void advise_for(struct cli *c, int status)
{
    switch (status) {
    case 401:
        cli_advise(c, "log in (linkup login), or give a token: --token-file FILE, LINKUP_TOKEN");
        break;
    case 403:
        cli_advise(c, "this token may not do that: ask for one of a wider scope, or for the owner");
        break;
    case 412:
        cli_advise(c, "someone changed it meanwhile: look at it again, then repeat the call");
        break;
    default:
        break;
    }
}

void edge_tell_problem(struct cli *c, const struct http_reply *r)
{
    json_t *p = cli_keep(c, json_loadb(r->body.p, r->body.len, 0, NULL));
    const char *title = json_text(p, "title"), *detail = json_text(p, "detail");
    const char *field = json_text(p, "field");
    if (!*title && !*detail) {
        cli_complain(c, "%s answers %d and does not say why", c->settings.edge, r->status);
        advise_for(c, r->status);
        if (r->status >= 300 && edge_exit_code(r->status) != EXIT_REFUSED)
            cli_advise(c, "is this a Linkup edge? Its own host is edge.<zone>");
        return;
    }
    const char *text = *detail ? detail : title;
    if (*field)
        cli_complain(c, "%s: %s (%d)", field, text, r->status);
    else
        cli_complain(c, "%s (%d)", text, r->status);
    advise_for(c, r->status);
}

void edge_tell_failure(struct cli *c, enum http_failure f, const char *why)
{
    const struct settings *s = &c->settings;
    cli_complain(c, "cannot reach %s: %s", s->edge, why);
    switch (f) {
    case HTTP_UNRESOLVED:
        cli_advise(c, "is the name right, and the zone delegated to the edge?");
        cli_advise(c, "to connect to an address instead: --connect ADDRESS:PORT");
        break;
    case HTTP_UNCONNECTED:
        cli_advise(c, s->unix_path ? "is linkupd running, and may you use its admin socket?"
                                   : "is linkupd running there, and its port open to here?");
        break;
    case HTTP_UNTRUSTED:
        cli_advise(c,
                   "its certificate is not trusted here. Trust its own CA for these commands with");
        cli_advise(c, "linkup login --edge %s, or give the CA as --ca FILE", s->edge);
        break;
    case HTTP_TIMEOUT:
        cli_advise(c, "to wait longer: --timeout SECONDS");
        break;
    default:
        break;
    }
}

static enum exit_code read_json(struct cli *c, struct edge_reply *out)
{
    if (out->http.status == 204 || out->http.body.len == 0)
        return EXIT_DONE;
    json_error_t error;
    out->json = cli_keep(c, json_loadb(out->http.body.p, out->http.body.len, 0, &error));
    if (out->json)
        return EXIT_DONE;
    cli_complain(c, "%s answers what is no JSON: %s", c->settings.edge, error.text);
    cli_advise(c, "is this a Linkup edge? Its own host is edge.<zone>");
    return EXIT_UNREACHABLE;
}

struct span edge_body(struct cli *c, const json_t *body)
{
    if (!body)
        return span_of(NULL, 0);
    char *text = json_dumps(body, JSON_COMPACT);
    CHECK(text);
    struct span s = span_str(arena_strz(&c->arena, span_str(text)));
    free(text);
    return s;
}

enum exit_code edge_call(struct cli *c, const struct edge_request *r, struct edge_reply *out)
{
    *out = (struct edge_reply){0};
    enum exit_code code = settings_resolve(c);
    if (code != EXIT_DONE)
        return code;

    struct http_target target = edge_target(c);
    target.token = c->settings.token;
    struct http_request request = {
        .method = r->method,
        .path = r->path,
        .if_match = r->if_match,
        .body = edge_body(c, r->body),
    };
    char why[HTTP_WHY_MAX];
    enum http_failure failure = http_exchange(&target, &request, &c->arena, &out->http, why);
    if (failure != HTTP_DONE) {
        edge_tell_failure(c, failure, why);
        return EXIT_UNREACHABLE;
    }
    code = edge_exit_code(out->http.status);
    if (out->http.status == 404 && r->missing_ok)
        return code;
    if (code != EXIT_DONE) {
        edge_tell_problem(c, &out->http);
        return code;
    }
    return r->plain ? EXIT_DONE : read_json(c, out);
}
