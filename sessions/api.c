#include "sessions/api.h"

#include "core/log.h"
#include "core/mem.h"
#include "sessions/api_internal.h"

/* Calls that wait */

struct api_wait *api_wait_new(struct api_request *q)
{
    struct api *a = q->api;
    struct api_wait *w = NEW(struct api_wait);
    *w = (struct api_wait){.api = a, .call = q->call, .next = a->waits, .link = &a->waits};
    if (q->token)
        memcpy(w->token_id, q->token->id, sizeof w->token_id);
    if (a->waits)
        a->waits->link = &w->next;
    a->waits = w;
    q->call->state = w;
    return w;
}

static void wait_unlink(struct api_wait *w)
{
    if (!w->api)
        return;
    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
    w->api = NULL;
}

void api_wait_end(struct api_wait *w)
{
    wait_unlink(w);
    if (w->call)
        w->call->state = NULL;
    mem_free(w);
}

void api_cancel(struct api_call *c)
{
    struct api_wait *w = (struct api_wait *)c->state;
    if (!w)
        return;
    c->state = NULL;
    w->call = NULL;
    if (!w->listener)
        return; /* whoever it waits for still has it */
    events_forget(w->listener);
    api_wait_end(w);
}

/* Making */

enum err api_new(struct ev_loop *loop, struct config *c, struct registry *r, struct store *store,
                 const struct route_table *explain_table, const struct api_facts *facts,
                 struct api **out, char **why)
{
    struct tokens *tokens;
    TRY(tokens_new(store, c->state, &tokens, why));
    struct api *a = NEW(struct api);
    *a = (struct api){
        .loop = loop,
        .config = config_ref(c),
        .registry = r,
        .explain_table = explain_table,
        .facts = *facts,
        .tokens = tokens,
        .events = events_new(loop),
    };
    api_watches_init(a);
    *out = a;
    return ERR_OK;
}

void api_free(struct api *a)
{
    if (!a)
        return;
    events_free(a->events);
    api_watches_deinit(a);
    while (a->waits) {
        struct api_wait *w = a->waits;
        struct api_call *c = w->call;
        wait_unlink(w);
        w->call = NULL;
        if (!c)
            continue;
        c->state = NULL;
        api_problem(c, 503, NULL,
                    "The edge is stopping. Whether the change was made is not known.");
    }
    tokens_free(a->tokens);
    config_unref(a->config);
    mem_free(a);
}

void api_drain(struct api *a)
{
    events_close_all(a->events);
}

void api_set_config(struct api *a, struct config *c)
{
    struct config *old = a->config;
    a->config = config_ref(c);
    config_unref(old);
}

void api_event(struct api *a, const char *what, json_t *data)
{
    events_send(a->events, what, data);
}

void api_session_event(struct api *a, const char *what, const struct session *s)
{
    bool there = registry_find(a->registry, span_str(s->name)) == s;
    json_t *shown = session_to_json(s, a->config, there ? registry_expires_ms(a->registry, s) : 0);
    json_t *data = json_pack("{s:s, s:o}", "change", what, "session", shown);
    events_send(a->events, "session", data);
    json_decref(data);
}

/* Handling: route, then who, then what; the first that is wrong is answered. */

static bool find_route(struct api_request *q)
{
    struct api_call *c = q->call;
    if (c->target.len > API_TARGET_MAX) {
        api_problem(c, 414, NULL, "The target is longer than %d bytes.", API_TARGET_MAX);
        return false;
    }
    ptrdiff_t mark = span_chr(c->target, '?');
    struct span path = mark < 0 ? c->target : span_sub(c->target, 0, (size_t)mark);
    q->query = mark < 0 ? span_of(NULL, 0) : span_from(c->target, (size_t)mark + 1);

    unsigned others;
    q->route = api_route_find(c->method, path, q->param, sizeof q->param, &others);
    if (q->route)
        return true;
    if (!others) {
        api_problem(c, 404, NULL, "There is no such call.");
        return false;
    }
    char allow[64];
    api_methods_text(others, allow);
    const struct api_field extra[] = {{"allow", allow}};
    api_problem_with(c, 405, extra, 1, "Here one may %s.", allow);
    return false;
}

/* RFC 6750. Only the Authorization field counts: no cookie, so that no other site can make a browser
 * call with its user's rights. */
static struct span bearer(struct span authorization)
{
    struct span scheme = span_sub(authorization, 0, 7);
    if (!span_eq_nocase(scheme, SPAN_LIT("bearer ")))
        return (struct span){0};
    return span_trim(span_from(authorization, 7));
}

static bool refuse_unknown(struct api_call *c, bool presented)
{
    const struct api_field extra[] = {
        {"www-authenticate", presented ? "Bearer realm=\"linkup\", error=\"invalid_token\""
                                       : "Bearer realm=\"linkup\""}};
    api_problem_with(c, 401, extra, 1, "%s",
                     presented ? "This token is unknown, or has been revoked."
                               : "A token is needed: authorization: Bearer lk_...");
    return false;
}

static bool authorise(struct api_request *q)
{
    struct api_call *c = q->call;
    q->admin = c->admin_peer;
    if (q->admin || q->route->auth == API_OPEN)
        return true;
    struct span secret = bearer(c->authorization);
    q->token = tokens_find(q->api->tokens, secret);
    if (!q->token)
        return refuse_unknown(c, c->authorization.len > 0);

    static const enum token_scope needed[] = {
        [API_READ] = TOKEN_READ, [API_SESSION] = TOKEN_SESSION, [API_ADMIN] = TOKEN_ADMIN};
    enum token_scope need = needed[q->route->auth];
    q->admin = q->token->scope == TOKEN_ADMIN;
    if (q->token->scope >= need)
        return true;
    api_problem(c, 403, NULL, "This needs a token with scope \"%s\"; yours has \"%s\".",
                token_scope_text(need), token_scope_text(q->token->scope));
    return false;
}

static bool media_type_fits(struct span type, enum api_body body)
{
    ptrdiff_t semicolon = span_chr(type, ';');
    if (semicolon >= 0)
        type = span_sub(type, 0, (size_t)semicolon);
    type = span_trim(type);
    if (span_eq_nocase(type, SPAN_LIT("application/json")))
        return true;
    return body == BODY_PATCH && span_eq_nocase(type, SPAN_LIT("application/merge-patch+json"));
}

/* Form types, which a browser sends across sites without asking, are refused with all the others. */
static bool read_body(struct api_request *q)
{
    struct api_call *c = q->call;
    enum api_body kind = q->route->body;
    if (c->body.len > API_BODY_MAX) {
        api_problem(c, 413, NULL, "The body is longer than %d bytes.", API_BODY_MAX);
        return false;
    }
    if (kind == BODY_NONE || (kind == BODY_OPTIONAL && c->body.len == 0))
        return true;
    if (!media_type_fits(c->content_type, kind)) {
        const struct api_field extra[] = {{kind == BODY_PATCH ? "accept-patch" : "accept",
                                           kind == BODY_PATCH
                                               ? "application/merge-patch+json, application/json"
                                               : "application/json"}};
        api_problem_with(c, 415, extra, 1, "The body must be %s.", extra[0].value);
        return false;
    }
    json_error_t error;
    q->body = json_loadb(c->body.p, c->body.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!q->body) {
        api_problem(c, 400, NULL, "The body is not JSON: line %d, column %d: %s.", error.line,
                    error.column, error.text);
        return false;
    }
    if (json_is_object(q->body))
        return true;
    api_problem(c, 422, NULL, "The body must be a JSON object.");
    return false;
}

void api_handle(struct api *a, struct api_call *c)
{
    c->api = a;
    c->state = NULL;
    struct api_request q = {.api = a, .call = c};
    if (find_route(&q) && authorise(&q) && read_body(&q))
        q.route->handle(&q);
    json_decref(q.body);
}
