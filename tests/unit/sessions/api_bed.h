/* The API on a real registry and store, and calls to it as a front would make them. */
#pragma once

#include "sessions/api.h"
#include "unit/sessions/registry_bed.h"

struct api_bed {
    struct registry_bed r;
    struct route_table table;
    struct api *api;
    char admin[64]; /* the first token's text */
    struct {
        bool waits; /* what is begun or ended is not so at once */
        unsigned begun, ended;
        char trace[64]; /* the last */
        api_watch_begun *on_begun;
        void *begun_ctx;
        api_watch_ended *on_ended;
        void *ended_ctx;
    } watch;
};

struct test_call {
    struct api_call call;
    int status;
    unsigned heads, ends;
    char fields[1024]; /* "name: value\n" */
    char *body;
    size_t len, pending;
};

/* The worker's table, and the events, follow the registry as they would in the edge. */
static inline void abed_on_publish(void *ctx, struct span name, struct session_image *image)
{
    struct api_bed *b = ctx;
    if (image)
        route_table_put(&b->table, image);
    else
        route_table_remove(&b->table, name);
}

static inline void abed_on_event(void *ctx, const char *what, const struct session *s)
{
    struct api_bed *b = ctx;
    api_session_event(b->api, what, s);
}

static inline const char *abed_ca_pem(void *ctx)
{
    (void)ctx;
    return "-----BEGIN CERTIFICATE-----\n";
}

static inline json_t *abed_status(void *ctx)
{
    (void)ctx;
    return json_pack("{s:i}", "workers", 2);
}

static inline json_t *abed_health(void *ctx, const char *service)
{
    (void)ctx;
    return strcmp(service, "web") == 0 ? json_string("up") : NULL;
}

static inline void abed_watch_begin(void *ctx, const char *trace, api_watch_begun *begun,
                                    void *begun_ctx)
{
    struct api_bed *b = ctx;
    b->watch.begun++;
    snprintf(b->watch.trace, sizeof b->watch.trace, "%s", trace);
    b->watch.on_begun = begun;
    b->watch.begun_ctx = begun_ctx;
    if (!b->watch.waits)
        begun(begun_ctx);
}

static inline json_t *abed_seen(void)
{
    return json_pack("{s:[s], s:i}", "sightings", "one", "missed", 0);
}

static inline void abed_watch_end(void *ctx, const char *trace, api_watch_ended *ended,
                                  void *ended_ctx)
{
    struct api_bed *b = ctx;
    b->watch.ended++;
    snprintf(b->watch.trace, sizeof b->watch.trace, "%s", trace);
    b->watch.on_ended = ended;
    b->watch.ended_ctx = ended_ctx;
    if (!b->watch.waits)
        ended(ended_ctx, abed_seen());
}

static inline void abed_open_api(struct api_bed *b)
{
    const struct api_facts facts = {
        .ctx = b,
        .version = "1.2.3",
        .ca_pem = abed_ca_pem,
        .status = abed_status,
        .service_health = abed_health,
        .watch_begin = abed_watch_begin,
        .watch_end = abed_watch_end,
    };
    char *why = NULL;
    assert_ok(api_new(b->r.store.loop, b->r.config, b->r.registry, b->r.store.store, &b->table,
                      &facts, &b->api, &why));
}

static inline struct api_bed *abed_new(const char *more_config)
{
    struct api_bed *b = mem_zalloc(sizeof *b);
    /* The state folder of the configuration is the store's. */
    memset(&b->r, 0, sizeof b->r);
    b->r.now_ms = INT64_C(1800000000000);
    bed_init(&b->r.store);
    bed_open_store(&b->r.store);
    b->r.config = bed_config(more_config);
    b->r.config->state = b->r.store.dir;
    bed_open_registry(&b->r);
    b->r.on_publish = abed_on_publish;
    b->r.on_event = abed_on_event;
    b->r.hook_ctx = b;
    struct edge_image *edge = edge_image_new(b->r.config);
    route_table_init(&b->table, edge);
    edge_image_unref(edge);
    abed_open_api(b);

    char path[PATH_MAX + 16], text[64];
    snprintf(path, sizeof path, "%s/admin.token", b->r.store.dir);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof text, f));
    fclose(f);
    snprintf(b->admin, sizeof b->admin, "%.*s", (int)strcspn(text, "\n"), text);
    return b;
}

static inline void abed_free(struct api_bed *b)
{
    api_free(b->api);
    b->r.on_event = NULL;
    bed_close_registry(&b->r);
    route_table_deinit(&b->table);
    rbed_deinit(&b->r);
    mem_free(b);
}

static inline void call_on_head(struct api_call *c, int status, const struct api_field *fields,
                                size_t n)
{
    struct test_call *t = CONTAINER_OF(c, struct test_call, call);
    assert_int_equal(t->heads++, 0);
    t->status = status;
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(t->fields);
        snprintf(t->fields + len, sizeof t->fields - len, "%s: %s\n", fields[i].name,
                 fields[i].value);
    }
}

static inline void call_on_data(struct api_call *c, struct span bytes)
{
    struct test_call *t = CONTAINER_OF(c, struct test_call, call);
    assert_int_equal(t->heads, 1);
    assert_int_equal(t->ends, 0);
    t->body = mem_realloc(t->body, t->len + bytes.len + 1);
    memcpy(t->body + t->len, bytes.p, bytes.len);
    t->len += bytes.len;
    t->body[t->len] = '\0';
}

static inline void call_on_end(struct api_call *c)
{
    struct test_call *t = CONTAINER_OF(c, struct test_call, call);
    assert_int_equal(t->heads, 1);
    assert_int_equal(t->ends++, 0);
}

static inline size_t call_pending(struct api_call *c)
{
    return CONTAINER_OF(c, struct test_call, call)->pending;
}

/* TOKEN: NULL for none, "socket" for a peer of the admin socket. */
static inline void call_init(struct test_call *t, const char *method, const char *target,
                             const char *body)
{
    memset(t, 0, sizeof *t);
    t->call = (struct api_call){.method = span_str(method),
                                .target = span_str(target),
                                .content_type = body ? SPAN_LIT("application/json")
                                                     : (struct span){0},
                                .body = span_str(body),
                                .head = call_on_head,
                                .data = call_on_data,
                                .end = call_on_end,
                                .pending = call_pending};
}

/* Until it has been answered. */
static inline void call_run(struct api_bed *b, struct test_call *t)
{
    api_handle(b->api, &t->call);
    while (!t->ends)
        bed_turn(&b->r.store);
}

static inline void call_free(struct test_call *t)
{
    mem_free(t->body);
    t->body = NULL;
}

static inline void call_set_token(struct test_call *t, const char *token, char auth[128])
{
    snprintf(auth, 128, "Bearer %s", token);
    t->call.authorization = span_str(auth);
}

/* A whole call with the token; the answer's JSON (NULL without), and its status. */
static inline json_t *abed_call(struct api_bed *b, const char *method, const char *target,
                                const char *token, const char *body, int *status)
{
    struct test_call t;
    char auth[128];
    call_init(&t, method, target, body);
    call_set_token(&t, token, auth);
    call_run(b, &t);
    *status = t.status;
    json_t *json = t.len ? json_loads(t.body, 0, NULL) : NULL;
    call_free(&t);
    return json;
}

static inline int abed_status_of(struct api_bed *b, const char *method, const char *target,
                                 const char *token, const char *body)
{
    int status;
    json_decref(abed_call(b, method, target, token, body, &status));
    return status;
}

/* A new token's text. */
static inline void abed_token(struct api_bed *b, const char *name, const char *scope, char out[64])
{
    int status;
    char *body = mem_printf("{\"name\":\"%s\",\"scope\":\"%s\"}", name, scope);
    json_t *answer = abed_call(b, "POST", "/v1/tokens", b->admin, body, &status);
    assert_int_equal(status, 201);
    snprintf(out, 64, "%s", json_string_value(json_object_get(answer, "token")));
    json_decref(answer);
    mem_free(body);
}
