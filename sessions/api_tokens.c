#include <stdio.h>

#include "core/log.h"
#include "core/mem.h"
#include "sessions/api_internal.h"

void api_tokens_list(struct api_request *q)
{
    api_answer_json(q->call, 200, json_pack("{s:o}", "tokens", tokens_to_json(q->api->tokens)),
                    NULL, 0);
}

static void on_created(void *ctx, enum err e, const struct token *token, const char *secret)
{
    struct api_wait *w = (struct api_wait *)ctx;
    struct api_call *c = w->call;
    bool there = w->api != NULL;
    api_wait_end(w);
    if (e == ERR_OK)
        LOG(LOG_INFO, "token_made", LOG_S("id", token->id), LOG_S("name", token->name),
            LOG_S("scope", token_scope_text(token->scope)));
    if (!there || !c)
        return;
    if (e != ERR_OK) {
        api_problem_store(c, e);
        return;
    }
    char location[32 + TOKEN_ID_MAX];
    snprintf(location, sizeof location, "/v1/tokens/%s", token->id);
    const struct api_field extra[] = {{"location", location}};
    json_t *body = token_to_json(token);
    json_object_set_new(body, "token", json_string(secret));
    api_answer_json(c, 201, body, extra, 1);
}

static bool bad(struct api_request *q, const char *field, const char *what)
{
    api_problem(q->call, 422, field, "%s", what);
    return false;
}

static bool is_printable(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
    return true;
}

static bool read_wish(struct api_request *q, struct span *name, enum token_scope *scope)
{
    const char *key;
    json_t *value;
    json_object_foreach(q->body, key, value)
    {
        if (strcmp(key, "name") != 0 && strcmp(key, "scope") != 0)
            return bad(q, key, "A token has \"name\" and \"scope\" only.");
        if (!json_is_string(value))
            return bad(q, key, "It must be a string.");
    }
    *name = span_str(json_string_value(json_object_get(q->body, "name")));
    if (name->len < 1 || name->len > TOKEN_NAME_MAX || !is_printable(*name))
        return bad(q, "name",
                   "It must have 1 to 64 bytes, and say whose or what for the token is.");
    struct span text = span_str(json_string_value(json_object_get(q->body, "scope")));
    if (token_scope_parse(text, scope) != ERR_OK)
        return bad(q, "scope", "It must be \"read\", \"session\" or \"admin\".");
    return true;
}

void api_tokens_create(struct api_request *q)
{
    struct span name;
    enum token_scope scope;
    if (read_wish(q, &name, &scope))
        tokens_create(q->api->tokens, name, scope, on_created, api_wait_new(q));
}

/* Streams and tunnels that were opened with it end; all other calls ask for a token each time. */
static void end_listeners(struct api *a, const char *token_id)
{
    struct api_wait *next;
    for (struct api_wait *w = a->waits; w; w = next) {
        next = w->next;
        if (w->listener && strcmp(w->token_id, token_id) == 0)
            events_close(w->listener);
    }
}

static void on_revoked(void *ctx, enum err e)
{
    struct api_wait *w = (struct api_wait *)ctx;
    struct api_call *c = w->call;
    bool there = w->api != NULL;
    if (e == ERR_OK)
        LOG(LOG_INFO, "token_revoked", LOG_S("id", w->subject));
    if (there && e == ERR_OK) {
        end_listeners(w->api, w->subject);
        if (w->api->facts.tunnel_revoke)
            w->api->facts.tunnel_revoke(w->api->facts.ctx, w->subject);
    }
    api_wait_end(w);
    if (!there || !c)
        return;
    if (e == ERR_OK)
        api_answer_json(c, 204, NULL, NULL, 0);
    else
        api_problem_store(c, e);
}

void api_token_delete(struct api_request *q)
{
    struct api_wait *w = api_wait_new(q);
    if (span_copy_z(span_str(q->param), w->subject, sizeof w->subject) == ERR_OK &&
        tokens_revoke(q->api->tokens, span_str(q->param), on_revoked, w) == ERR_OK)
        return;
    api_wait_end(w);
    api_problem(q->call, 404, NULL, "There is no token \"%s\".", q->param);
}
