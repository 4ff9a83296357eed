/* The two calls that Linkup's own clients make from CI jobs, so that such a job moves here by another
 * worker_url. Bodies are turned into ours; what they name and we do not have is ignored. */
#include <stdio.h>
#include <string.h>

#include "config/backend_url.h"
#include "config/names.h"
#include "core/arena.h"
#include "core/mem.h"
#include "sessions/api_internal.h"

#define AT_MAX 64
#define URL_ARENA (64 * 1024)

/* Where the runner's own machine would be meant, which the edge cannot reach. */
static bool is_localhost(const struct config_backend *b)
{
    struct span host = span_str(b->host);
    return span_eq(host, SPAN_LIT("localhost")) || span_ends(host, SPAN_LIT(".localhost")) ||
           (b->host_is_ip && span_starts(host, SPAN_LIT("127."))) || span_eq(host, SPAN_LIT("::1"));
}

static bool location_serves(struct api_request *q, const char *location, const char *at)
{
    struct arena arena;
    struct config_backend backend;
    const char *why = "it is too long";
    arena_init(&arena, NULL, 0, URL_ARENA);
    enum err e = backend_url_parse(span_str(location), &arena, &backend, &why);
    bool local = e == ERR_OK && is_localhost(&backend);
    arena_deinit(&arena);
    if (e != ERR_OK)
        api_problem(q->call, 400, at, "It must be a URL: %s.", why);
    else if (local)
        api_problem(q->call, 400, at,
                    "A preview cannot lead to localhost: that would be the edge itself.");
    return e == ERR_OK && !local;
}

/* {"name", "location", "rewrites"} as an entry of our map of services. */
static bool take_service(struct api_request *q, json_t *service, size_t i, json_t *out)
{
    char at[AT_MAX];
    const char *name = json_string_value(json_object_get(service, "name"));
    const char *location = json_string_value(json_object_get(service, "location"));
    snprintf(at, sizeof at, "services[%zu].%s", i, name ? "location" : "name");
    if (!name || !location) {
        api_problem(q->call, 400, at, "It must be text.");
        return false;
    }
    if (!location_serves(q, location, at))
        return false;
    json_t *mine = json_pack("{s:s}", "url", location);
    json_t *rewrites = json_object_get(service, "rewrites");
    if (rewrites && !json_is_null(rewrites))
        json_object_set(mine, "rewrites", rewrites);
    json_object_set_new(out, name, mine);
    return true;
}

static bool take_services(struct api_request *q, json_t *out)
{
    json_t *list = json_object_get(q->body, "services"), *service;
    json_t *services = json_object();
    size_t i;
    json_object_set_new(out, "services", services);
    if (!json_is_array(list) || json_array_size(list) == 0) {
        api_problem(q->call, 400, "services", "It must be a list of at least one service.");
        return false;
    }
    json_array_foreach(list, i, service) if (!take_service(q, service, i, services)) return false;
    if (json_object_size(services) == json_array_size(list))
        return true;
    api_problem(q->call, 400, "services", "One service is in it twice.");
    return false;
}

/* What Linkup leaves out it may also give as null. */
static void take_domains(const struct api_request *q, json_t *out)
{
    json_t *domains = json_deep_copy(json_object_get(q->body, "domains")), *domain;
    size_t i;
    if (!domains || json_is_null(domains)) {
        json_decref(domains);
        return;
    }
    json_array_foreach(domains, i, domain) if (json_is_null(json_object_get(domain, "routes")))
        json_object_del(domain, "routes");
    json_object_set_new(out, "domains", domains);
}

/* `null` is what Linkup's clients write where nothing is given. */
static void take_cache_routes(const struct api_request *q, json_t *out)
{
    json_t *routes = json_object_get(q->body, "cache_routes");
    if (routes && !json_is_null(routes))
        json_object_set(out, "cache_routes", routes);
}

/* The session that it wants to be, empty where that is left to us. */
static bool take_name(struct api_request *q, struct span *out)
{
    json_t *wish = json_object_get(q->body, "desired_name");
    *out = span_of(NULL, 0);
    if (!wish || json_is_null(wish))
        return true;
    *out = span_of(json_string_value(wish), json_string_length(wish));
    if (!name_is_session(*out)) {
        api_problem(q->call, 400, "desired_name",
                    "A session's name has 1 to 40 of a-z, 0-9 and inner \"-\", and no \"--\".");
        return false;
    }
    const char *reserved = name_session_reserved(q->api->config, *out);
    if (reserved)
        api_problem(q->call, 400, "desired_name", "This name cannot be a session's: %s.", reserved);
    return !reserved;
}

static void on_previewed(void *ctx, const struct registry_answer *answer)
{
    struct api_wait *w = (struct api_wait *)ctx;
    struct api *a = w->api;
    struct api_call *c = w->call;
    api_wait_end(w);
    if (!a || !c)
        return;
    if (answer->outcome == REGISTRY_CREATED || answer->outcome == REGISTRY_CHANGED ||
        answer->outcome == REGISTRY_SAME)
        api_answer_json(c, 200, json_pack("{s:s}", "session_name", answer->session->name), NULL, 0);
    else if (answer->outcome == REGISTRY_TAKEN)
        api_problem(c, 409, "desired_name", "There is a session of this name, which is another's.");
    else
        api_refuse_change(a, c, answer);
}

void api_linkup_preview(struct api_request *q)
{
    json_t *body = json_object();
    struct span name;
    if (take_name(q, &name) && take_services(q, body)) {
        take_domains(q, body);
        take_cache_routes(q, body);
        if (q->token)
            json_object_set_new(body, "owner", json_string(q->token->name));
        struct registry_change change = {
            .verb = name.len > 0 ? REGISTRY_PUT : REGISTRY_CREATE,
            .name = name,
            .actor_token = q->token ? q->token->id : "",
            .actor_admin = q->admin,
            .body = body,
        };
        registry_change(q->api->registry, &change, on_previewed, api_wait_new(q));
    }
    json_decref(body);
}

void api_linkup_check(struct api_request *q)
{
    api_answer_bytes(q->call, 200, "text/plain; charset=utf-8", SPAN_LIT("OK"), NULL, 0);
}
