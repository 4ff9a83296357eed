/* A request through the session, under the edge's eyes (POST /v1/watches), and what it has seen of it. */
#include <openssl/rand.h>
#include <string.h>

#include "cli/context_findings.h"
#include "cli/edge.h"

#define CHECK_NAME "context"
#define REQUEST_MOST_S 45 /* a watch ends by itself after 60 s */
#define FIELDS_MOST 64

struct asking {
    struct doctor *d;
    const char *session, *url;
    bool carried; /* the URL's host names no session: the request's baggage does */
    const json_t *own;
    const char *trace;
};

static void find(struct asking *a, enum verdict v, const char *text, const char *advice)
{
    doctor_find(a->d, CHECK_NAME, v, text, advice);
}

/* --- the edge's API: what it says no to is found, too -------------------------------------------- */

static const char *refusal(struct cli *c, const struct http_reply *r)
{
    const json_t *problem = cli_keep(c, json_loadb(r->body.p, r->body.len, 0, NULL));
    const char *detail = json_text(problem, "detail");
    return *detail ? detail : cli_text(c, "the edge answers %d", r->status);
}

/* The answer's JSON, NULL where it is none or the call failed; then that has been found. */
static json_t *call(struct asking *a, const char *method, const char *path, const json_t *body)
{
    struct cli *c = a->d->cli;
    struct http_target target = edge_target(c);
    struct http_reply reply;
    char why[HTTP_WHY_MAX];
    target.token = c->settings.token;
    const struct http_request r = {.method = method, .path = path, .body = edge_body(c, body)};
    if (http_exchange(&target, &r, &c->arena, &reply, why) != HTTP_DONE) {
        find(a, ILL, cli_text(c, "%s", why), NULL);
        return NULL;
    }
    if (reply.status < 200 || reply.status > 299) {
        find(a, ILL, refusal(c, &reply), NULL);
        return NULL;
    }
    json_t *json = cli_keep(c, json_loadb(reply.body.p, reply.body.len, 0, NULL));
    if (!json)
        find(a, ILL, cli_text(c, "the edge's answer to %s is no JSON", path), NULL);
    return json;
}

/* --- which request ------------------------------------------------------------------------------- */

/* The host of the session that leads furthest: the first domain's default service, else any. */
static bool choose_url(struct asking *a, const json_t *session)
{
    json_t *urls = json_object_get(session, "urls"), *url;
    const json_t *services = call(a, "GET", "/v1/services", NULL);
    if (!services)
        return false;
    const json_t *domain = json_array_get(json_object_get(services, "domains"), 0);
    a->url = json_text(urls, json_text(domain, "default_service"));
    const char *service;
    json_object_foreach(urls, service, url) if (!*a->url) a->url = json_string_value(url);
    if (*a->url)
        return true;
    find(a, ILL, cli_text(a->d->cli, "\"%s\" has no services", a->session), NULL);
    return false;
}

static bool read_session(struct asking *a)
{
    const json_t *session = call(a, "GET", edge_path(a->d->cli, "/v1/sessions/", a->session), NULL);
    if (!session)
        return false;
    a->own = json_object_get(session, "services");
    return a->url || choose_url(a, session);
}

/* The session that the URL's host names, as the edge sees it. */
static bool take_url(struct asking *a)
{
    struct cli *c = a->d->cli;
    json_t *body = cli_keep(c, json_pack("{s:s, s:{}}", "url", a->url, "headers"));
    if (!body) {
        find(a, ILL, "the URL is not UTF-8", NULL);
        return false;
    }
    const json_t *way = call(a, "POST", "/v1/explain", body);
    if (!way)
        return false;
    const char *named = json_text(way, "session"), *outcome = json_text(way, "outcome");
    if (strcmp(outcome, "unknown-session") == 0)
        find(a, ILL, cli_text(c, "there is no session \"%s\"", named), NULL);
    else if (strcmp(outcome, "unknown-host") == 0 || strcmp(outcome, "edge") == 0)
        find(a, ILL, cli_text(c, "%s is no host of a service", a->url), NULL);
    else if (*named && a->session && strcmp(named, a->session) != 0)
        find(a, ILL,
             cli_text(c, "%s is of the session \"%s\", not \"%s\"", a->url, named, a->session),
             NULL);
    else if (!*named && !a->session)
        find(a, UNCHECKED, cli_text(c, "%s names no session", a->url),
             "give a URL of a session, or --session NAME beside it");
    else {
        a->carried = !*named;
        a->session = *named ? named : a->session;
        return true;
    }
    return false;
}

/* --- sending it ---------------------------------------------------------------------------------- */

/* Over a socket the edge's own CA may be asked for, and believed. */
static struct span trusted(struct asking *a)
{
    struct cli *c = a->d->cli;
    struct http_target target = edge_target(c);
    struct http_reply reply;
    char why[HTTP_WHY_MAX];
    const struct http_request r = {.method = "GET", .path = "/v1/ca.pem"};
    if (c->settings.ca_pem.len > 0 || !c->settings.unix_path)
        return c->settings.ca_pem;
    bool got = http_exchange(&target, &r, &c->arena, &reply, why) == HTTP_DONE &&
               reply.status == 200;
    return got ? reply.body : span_of(NULL, 0);
}

static const char *traceparent(struct asking *a)
{
    uint8_t span[8];
    CHECK(RAND_bytes(span, sizeof span) == 1);
    span[0] |= 1; /* all zero is no span */
    const char *text = cli_text(a->d->cli, "traceparent: 00-%s-", a->trace);
    for (size_t i = 0; i < sizeof span; i++)
        text = cli_text(a->d->cli, "%s%02x", text, span[i]);
    return cli_text(a->d->cli, "%s-01", text);
}

/* Ours, then those of the command line. */
static bool gather_fields(struct asking *a, const char *out[FIELDS_MOST])
{
    struct cli *c = a->d->cli;
    size_t n = 0;
    out[n++] = traceparent(a);
    out[n++] = cli_text(c, "x-request-id: %s", a->trace);
    if (a->carried)
        out[n++] = cli_text(c, "baggage: linkup-session=%s", a->session);
    const char *line;
    for (size_t i = 0; (line = args_nth(&c->args, "header", i)); i++) {
        if (n + 1 == FIELDS_MOST || !strchr(line, ':') || strpbrk(line, "\r\n")) {
            find(a, ILL, cli_text(c, "-H '%s' is not 'NAME: VALUE', or one too many", line), NULL);
            return false;
        }
        out[n++] = line;
    }
    out[n] = NULL;
    return true;
}

/* Scheme and authority, and what follows them. */
static void split_url(struct cli *c, const char *url, const char **origin, const char **path)
{
    const char *after = strstr(url, "://");
    const char *host = after ? after + 3 : url;
    size_t len = strcspn(host, "/?#"), fragment = strcspn(host, "#");
    const char *rest = host + len;
    *origin = cli_text(c, "%.*s", (int)(host + len - url), url);
    *path = cli_text(c, "%s%.*s", *rest == '/' ? "" : "/",
                     fragment > len ? (int)(fragment - len) : 0, rest);
}

/* What it answers is seen by the edge. */
static void send_request(struct asking *a, const char *const *fields)
{
    struct cli *c = a->d->cli;
    struct http_reply reply;
    char why[HTTP_WHY_MAX];
    const char *path;
    struct http_target target = edge_target(c);
    target.unix_path = NULL;
    target.ca_pem = trusted(a);
    split_url(c, a->url, &target.origin, &path);
    if (target.timeout_s > REQUEST_MOST_S)
        target.timeout_s = REQUEST_MOST_S;
    const struct http_request r = {.method = "GET",
                                   .path = path,
                                   .fields = fields,
                                   .accept = "text/html, */*;q=0.8",
                                   .discard = true};
    if (http_exchange(&target, &r, &c->arena, &reply, why) == HTTP_DONE)
        find(a, WELL, cli_text(c, "asked for %s", a->url), NULL);
    else
        find(a, ILL, cli_text(c, "%s: %s", a->url, why), "see the checks above");
}

static void look(struct asking *a)
{
    struct cli *c = a->d->cli;
    const char *fields[FIELDS_MOST];
    json_t *wish = cli_keep(c, json_pack("{s:s}", "session", a->session));
    const json_t *watch = call(a, "POST", "/v1/watches", wish);
    if (!watch)
        return;
    a->trace = json_text(watch, "trace_id");
    if (gather_fields(a, fields))
        send_request(a, fields);
    const json_t *seen = call(a, "DELETE", edge_path(c, "/v1/watches/", a->trace), NULL);
    if (seen)
        context_find(a->d, &(struct context_seen){
                               .session = a->session,
                               .sightings = json_object_get(seen, "sightings"),
                               .own = a->own,
                               .missed = json_integer_value(json_object_get(seen, "missed")),
                           });
}

void doctor_check_context(struct doctor *d)
{
    struct cli *c = d->cli;
    struct asking a = {.d = d, .session = args_get(&c->args, "session")};
    if (c->args.n_operands > 0)
        a.url = c->args.operands[0];
    if (!a.url && !a.session) {
        find(&a, UNCHECKED, "no request to follow: --session NAME, or a URL of a session", NULL);
        return;
    }
    if (!d->edge_works) {
        find(&a, UNCHECKED, "the edge does not work", NULL);
        return;
    }
    if (a.url && !strstr(a.url, "://"))
        a.url = cli_text(c, "https://%s", a.url);
    if ((!a.url || take_url(&a)) && read_session(&a))
        look(&a);
}
