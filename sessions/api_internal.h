/* What the API's files share; see api.h. */
#pragma once

#include "sessions/api.h"
#include "sessions/events.h"
#include "sessions/tokens.h"
#include "sessions/watch_book.h"

#define API_TARGET_MAX 8192

struct api_request;

enum api_auth { API_OPEN, API_READ, API_SESSION, API_ADMIN };
/* What comes with a call: nothing, a JSON object, or either. */
enum api_body { BODY_NONE, BODY_JSON, BODY_PATCH, BODY_OPTIONAL };

struct api_route {
    const char *method;
    const char *path; /* "{}" stands for one segment, the request's param */
    enum api_auth auth;
    enum api_body body;
    void (*handle)(struct api_request *q);
    const char *doc;
};

/* One call while it is looked at; on the stack. What outlives that is in a struct api_wait. */
struct api_request {
    struct api *api;
    struct api_call *call;
    const struct api_route *route;
    char param[256];
    struct span query;         /* without '?' */
    const struct token *token; /* NULL: a peer of the admin socket, or nobody */
    bool admin;
    json_t *body; /* an object, or NULL */
};

struct api {
    struct ev_loop *loop;
    struct config *config;
    struct registry *registry;
    const struct route_table *explain_table;
    struct api_facts facts;
    struct tokens *tokens;
    struct events *events;
    struct api_wait *waits;
    struct watch_book watches;
    ev_timer watch_expiry; /* runs while something is watched */
};

/* A call that waits for its answer. */
struct api_wait {
    struct api *api;       /* NULL once the API has gone */
    struct api_call *call; /* NULL once the client has gone */
    struct api_wait *next, **link;
    struct events_listener *listener; /* of /v1/events */
    char token_id[TOKEN_ID_MAX];      /* whose call it is; "" over the admin socket */
    char subject[TOKEN_ID_MAX];       /* the token that it revokes */
    char watch[WATCH_ID_MAX];         /* the watch that it begins or ends */
};

/* api.c */
struct api_wait *api_wait_new(struct api_request *q);
/* Frees W; the call is as if it had never waited. */
void api_wait_end(struct api_wait *w);

/* api_routes.c: the route of a call; NULL when no path fits, or (*OTHERS not 0) no method of it. */
enum { API_GET = 1, API_POST = 2, API_PUT = 4, API_PATCH = 8, API_DELETE = 16 };
const struct api_route *api_route_find(struct span method, struct span path, char *param,
                                       size_t param_cap, unsigned *others);
/* "GET, HEAD, POST" */
void api_methods_text(unsigned methods, char out[64]);
/* Percent-decodes S into OUT, terminated. */
enum err api_decode(struct span s, char *out, size_t cap) MUST_USE;
/* The decoded value of KEY in the query; ERR_NOT_FOUND without it. */
enum err api_query(struct span query, const char *key, char *out, size_t cap) MUST_USE;
/* Whether the query holds nothing but KEYS, else the problem has been answered. */
bool api_query_only(struct api_request *q, const char *const *keys, size_t n);

/* api_answer.c: whole answers. Each ends the call. EXTRA: further fields. */
void api_answer_bytes(struct api_call *c, int status, const char *type, struct span body,
                      const struct api_field *extra, size_t n_extra);
/* BODY's reference is taken; NULL: no content. */
void api_answer_json(struct api_call *c, int status, json_t *body, const struct api_field *extra,
                     size_t n_extra);
/* RFC 9457. FIELD: the member or parameter that is wrong, or NULL. */
void api_problem(struct api_call *c, int status, const char *field, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
void api_problem_with(struct api_call *c, int status, const struct api_field *extra, size_t n_extra,
                      const char *fmt, ...) PRINTF_LIKE(5, 6);
/* The problem of a store that failed. */
void api_problem_store(struct api_call *c, enum err e);

/* api_sessions.c: the problem of a change that was refused. */
void api_refuse_change(struct api *a, struct api_call *c, const struct registry_answer *answer);

/* api_watches.c: the edge ends. */
void api_watches_init(struct api *a);
void api_watches_deinit(struct api *a);

/* Handlers */
void api_sessions_list(struct api_request *q);
void api_sessions_create(struct api_request *q);
void api_session_get(struct api_request *q);
void api_session_put(struct api_request *q);
void api_session_patch(struct api_request *q);
void api_session_delete(struct api_request *q);
void api_session_extend(struct api_request *q);
void api_services(struct api_request *q);
void api_status(struct api_request *q);
void api_explain(struct api_request *q);
void api_events(struct api_request *q);
void api_tokens_list(struct api_request *q);
void api_tokens_create(struct api_request *q);
void api_token_delete(struct api_request *q);
void api_ca(struct api_request *q);
void api_tunnel(struct api_request *q);
void api_watch_begin(struct api_request *q);
void api_watch_end(struct api_request *q);
void api_linkup_preview(struct api_request *q);
void api_linkup_check(struct api_request *q);
