/* A registry on a real store, a clock that the test sets, and workers that the test plays. */
#pragma once

#include "sessions/registry.h"
#include "unit/sessions/store_bed.h"

#define BED_DAY INT64_C(86400000)
#define BED_CONFIG                                                                                 \
    "zone: dev.example.com\n"                                                                      \
    "addresses: [127.0.0.1]\n"                                                                     \
    "state: /tmp\n"                                                                                \
    "services:\n"                                                                                  \
    "  - {name: web, url: \"http://web.internal:3000\"}\n"                                         \
    "  - {name: api, url: \"http://api.internal:9000/base\"}\n"                                    \
    "domains:\n"                                                                                   \
    "  - {domain: shop.dev.example.com, default_service: web, routes: [{path: \"^/api/\", "        \
    "service: "                                                                                    \
    "api}]}\n"

struct held_publish {
    char name[64];
    void (*done)(void *ctx);
    void *ctx;
};

struct registry_bed {
    struct store_bed store;
    struct config *config;
    struct registry *registry;
    int64_t now_ms;
    /* The workers: what was published, in order, as "+name" and "-name"; held back while `hold`. */
    bool hold;
    struct held_publish held[64];
    size_t n_held;
    char published[4096], events[4096];
    /* The last answer. */
    unsigned asked, answered;
    enum registry_outcome outcome;
    char name[64], order[4096];
    uint64_t version;
    struct session_fault fault;
    void (*on_publish)(void *ctx, struct span name, struct session_image *image);
    void (*on_event)(void *ctx, const char *what, const struct session *s);
    void *hook_ctx;
};

static inline struct config *bed_config(const char *more)
{
    struct config *c = NULL;
    struct config_errors errors = {0};
    char *yaml = mem_printf("%s%s", BED_CONFIG, more);
    enum err e = config_parse("test.yaml", span_str(yaml), &c, &errors);
    for (size_t i = 0; i < errors.n; i++)
        print_error("%u: %s: %s\n", errors.v[i].line, errors.v[i].key, errors.v[i].text);
    assert_ok(e);
    config_errors_deinit(&errors);
    mem_free(yaml);
    return c;
}

static inline void bed_note(char *out, size_t cap, const char *fmt, struct span what)
{
    size_t len = strlen(out);
    snprintf(out + len, cap - len, fmt, SPAN_ARG(what));
}

static inline void bed_publish(void *ctx, struct span name, struct session_image *image,
                               void (*done)(void *done_ctx), void *done_ctx)
{
    struct registry_bed *b = ctx;
    bed_note(b->published, sizeof b->published, image ? "+%.*s " : "-%.*s ", name);
    if (b->on_publish)
        b->on_publish(b->hook_ctx, name, image);
    if (!b->hold) {
        done(done_ctx);
        return;
    }
    struct held_publish *h = &b->held[b->n_held++];
    assert_ok(span_copy_z(name, h->name, sizeof h->name));
    h->done = done;
    h->ctx = done_ctx;
}

/* The workers acknowledge NAME. */
static inline void bed_release(struct registry_bed *b, const char *name)
{
    for (size_t i = 0; i < b->n_held; i++) {
        if (strcmp(b->held[i].name, name) != 0)
            continue;
        struct held_publish h = b->held[i];
        memmove(&b->held[i], &b->held[i + 1], (--b->n_held - i) * sizeof h);
        h.done(h.ctx);
        return;
    }
    fail_msg("nothing of %s is held", name);
}

static inline void bed_event(void *ctx, const char *what, const struct session *s)
{
    struct registry_bed *b = ctx;
    bed_note(b->events, sizeof b->events, "%.*s:", span_str(what));
    bed_note(b->events, sizeof b->events, "%.*s ", span_str(s->name));
    if (b->on_event)
        b->on_event(b->hook_ctx, what, s);
}

static inline int64_t bed_now(void *ctx)
{
    return ((struct registry_bed *)ctx)->now_ms;
}

static inline enum err bed_try_registry(struct registry_bed *b, char **why)
{
    const struct registry_ops ops = {
        .ctx = b, .publish = bed_publish, .event = bed_event, .now_ms = bed_now};
    return registry_new(b->store.loop, b->config, b->store.store, &ops, &b->registry, why);
}

static inline void bed_open_registry(struct registry_bed *b)
{
    char *why = NULL;
    enum err e = bed_try_registry(b, &why);
    if (e != ERR_OK)
        print_error("%s\n", why);
    assert_ok(e);
}

static inline void rbed_init(struct registry_bed *b, const char *more_config)
{
    memset(b, 0, sizeof *b);
    b->now_ms = INT64_C(1800000000000);
    bed_init(&b->store);
    bed_open_store(&b->store);
    b->config = bed_config(more_config);
    bed_open_registry(b);
}

static inline void bed_close_registry(struct registry_bed *b)
{
    registry_free(b->registry);
    b->registry = NULL;
    bed_close_store(&b->store);
    /* The answers of what the registry wrote at its end. */
    ev_run(b->store.loop, EVRUN_NOWAIT);
}

static inline void bed_restart(struct registry_bed *b)
{
    bed_close_registry(b);
    bed_open_store(&b->store);
    b->published[0] = b->events[0] = '\0';
    bed_open_registry(b);
}

static inline void rbed_deinit(struct registry_bed *b)
{
    bed_close_registry(b);
    config_unref(b->config);
    bed_deinit(&b->store);
}

static inline void bed_on_answer(void *ctx, const struct registry_answer *a)
{
    struct registry_bed *b = ctx;
    b->answered++;
    b->outcome = a->outcome;
    b->version = a->session ? a->session->version : 0;
    snprintf(b->name, sizeof b->name, "%s", a->session ? a->session->name : "");
    if (a->fault)
        b->fault = *a->fault;
    bed_note(b->order, sizeof b->order, "%.*s ", span_str(b->name));
}

static inline void bed_ask(struct registry_bed *b, enum registry_verb verb, const char *name,
                           const char *token, const char *body, uint64_t match)
{
    json_error_t error;
    struct registry_change ch = {
        .verb = verb,
        .actor_token = token,
        .actor_admin = *token == '\0',
        .name = span_str(name),
        .body = body ? json_loads(body, JSON_REJECT_DUPLICATES, &error) : NULL,
    };
    assert_true(!body || ch.body);
    if (match) {
        ch.match.given = true;
        ch.match.versions[ch.match.n++] = match;
    }
    b->asked++;
    registry_change(b->registry, &ch, bed_on_answer, b);
    json_decref(ch.body);
}

static inline enum registry_outcome bed_change(struct registry_bed *b, enum registry_verb verb,
                                               const char *name, const char *token,
                                               const char *body)
{
    bed_ask(b, verb, name, token, body, 0);
    while (b->answered < b->asked)
        bed_turn(&b->store);
    return b->outcome;
}

/* Until the store has done all that it was asked, whoever asked. */
static inline void bed_drain(struct registry_bed *b)
{
    b->store.asked++;
    b->store.store->ops->remove(b->store.store, STORE_USE, SPAN_LIT("-"), bed_on_done, &b->store);
    while (b->store.answered < b->store.asked)
        bed_turn(&b->store);
}
