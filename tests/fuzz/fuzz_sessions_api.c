/* Calls to the API, with everything in them that a client chooses:
 * "METHOD TARGET\nCONTENT-TYPE\nIF-MATCH\nBODY". Whatever comes, it is answered once. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/mem.h"
#include "sessions/api.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A store that keeps nothing, and says so after the call, as a real one does. */

struct pending {
    store_done *done;
    void *ctx;
};

static struct pending pending[64];
static size_t n_pending;

static enum err no_load(struct store *s, enum store_kind kind,
                        enum err (*each)(void *ctx, struct span key, struct span json), void *ctx)
{
    (void)s;
    (void)kind;
    (void)each;
    (void)ctx;
    return ERR_OK;
}

static void later(store_done *done, void *ctx)
{
    CHECK(n_pending < ARRAY_LEN(pending));
    if (done)
        pending[n_pending++] = (struct pending){done, ctx};
}

static void no_put(struct store *s, enum store_kind kind, struct span key, struct span json,
                   store_done *done, void *ctx)
{
    (void)s;
    (void)kind;
    CHECK(key.len > 0 && json.len > 0);
    later(done, ctx);
}

static void no_remove(struct store *s, enum store_kind kind, struct span key, store_done *done,
                      void *ctx)
{
    (void)s;
    (void)kind;
    (void)key;
    later(done, ctx);
}

static const struct store_ops no_ops = {.load = no_load, .put = no_put, .remove = no_remove};
static struct store no_store = {.ops = &no_ops};

static void run_pending(void)
{
    while (n_pending > 0) {
        struct pending p = pending[--n_pending];
        p.done(p.ctx, ERR_OK);
    }
}

/* The edge */

static struct registry *registry;
static struct api *api;
static struct route_table table;

static void publish(void *ctx, struct span name, struct session_image *image,
                    void (*done)(void *done_ctx), void *done_ctx)
{
    (void)ctx;
    if (image)
        route_table_put(&table, image);
    else
        route_table_remove(&table, name);
    done(done_ctx);
}

static void set_up(void)
{
    char folder[] = "/tmp/fuzz-sessions-XXXXXX", *why = NULL;
    CHECK(mkdtemp(folder));
    char *yaml = mem_printf("zone: dev.example.com\n"
                            "addresses: [127.0.0.1]\n"
                            "state: %s\n"
                            "services: [{name: web, url: \"http://web.internal:3000\"}]\n"
                            "domains: [{domain: dev.example.com, default_service: web}]\n"
                            "sessions: {max: 50}\n",
                            folder);
    struct config *config;
    struct config_errors errors;
    CHECK(config_parse("fuzz.yaml", span_str(yaml), &config, &errors) == ERR_OK);
    mem_free(yaml);

    static const struct registry_ops ops = {.publish = publish};
    static const struct api_facts facts = {.version = "fuzz"};
    struct ev_loop *loop = ev_default_loop(0);
    struct edge_image *edge = edge_image_new(config);
    route_table_init(&table, edge);
    edge_image_unref(edge);
    CHECK(registry_new(loop, config, &no_store, &ops, &registry, &why) == ERR_OK);
    CHECK(api_new(loop, config, registry, &no_store, &table, &facts, &api, &why) == ERR_OK);
    config_unref(config);
    run_pending();
    char *token = mem_printf("%s/admin.token", folder);
    unlink(token);
    rmdir(folder);
    mem_free(token);
}

/* One call */

struct fuzz_call {
    struct api_call call;
    bool headed, ended;
};

static void on_head(struct api_call *c, int status, const struct api_field *fields, size_t n)
{
    struct fuzz_call *f = CONTAINER_OF(c, struct fuzz_call, call);
    CHECK(!f->headed && status >= 200 && status < 600 && status != 500);
    for (size_t i = 0; i < n; i++)
        for (const char *p = fields[i].value; *p; p++)
            CHECK(*p >= ' ' && *p <= '~');
    f->headed = true;
}

static void on_data(struct api_call *c, struct span bytes)
{
    CHECK(CONTAINER_OF(c, struct fuzz_call, call)->headed && bytes.len > 0);
}

static void on_end(struct api_call *c)
{
    struct fuzz_call *f = CONTAINER_OF(c, struct fuzz_call, call);
    CHECK(f->headed && !f->ended);
    f->ended = true;
}

static struct span line(struct span *rest, char sep)
{
    struct span part = {0};
    (void)span_split(rest, sep, &part);
    return part;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!api)
        set_up();
    struct span rest = span_of(data, size);
    struct fuzz_call f = {
        .call = {.admin_peer = true, .head = on_head, .data = on_data, .end = on_end}};
    f.call.method = line(&rest, ' ');
    f.call.target = line(&rest, '\n');
    f.call.content_type = line(&rest, '\n');
    f.call.if_match = line(&rest, '\n');
    f.call.body = rest;
    api_handle(api, &f.call);
    run_pending();
    if (!f.ended)
        api_cancel(&f.call); /* a listener to the events */
    return 0;
}
