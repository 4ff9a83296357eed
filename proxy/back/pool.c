#include "proxy/back/pool.h"

#include "core/mem.h"
#include "core/random.h"
#include "proxy/back/adopted.h"
#include "proxy/back/back_h2.h"
#include "proxy/exchange.h"
#include "proxy/health/health.h"

/* What is known of a backend that nobody asks for is kept for so long. */
#define REMEMBER_MS 60000
#define SWEEP_FIRST 256

static struct span pool_key(const struct table_node *n)
{
    const struct pool *p = CONTAINER_OF(n, const struct pool, node);
    return span_of(&p->key, sizeof p->key);
}

void pools_init(struct pools *p, struct proxy *proxy)
{
    table_init(&p->by_hash, pool_key);
    p->proxy = proxy;
    p->sweep_at = SWEEP_FIRST;
    random_bytes(&p->chance, sizeof p->chance);
    p->h2_callbacks = back_h2_callbacks();
    p->h2_options = back_h2_options();
    buf_init(&p->h2_staging, CONN_BATCH_CLEAR + 4 * TLS_RECORD_MAX);
}

void pools_deinit(struct pools *p)
{
    health_image_unref(p->health);
    CHECK(table_count(&p->by_hash) == 0);
    table_deinit(&p->by_hash);
    nghttp2_session_callbacks_del(p->h2_callbacks);
    nghttp2_option_del(p->h2_options);
    buf_deinit(&p->h2_staging);
}

/* SplitMix64. */
uint32_t pools_chance(struct pools *p)
{
    uint64_t z = p->chance += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(z >> 32);
}

/* --- health -------------------------------------------------------------------------------------- */

static void look_up_health(struct pool *pool)
{
    pool->health = health_image_find(pool->pools->health, pool->hash);
    pool->endpoints.down = (struct endpoint_list){0};
    if (pool->health)
        pool->endpoints.down = (struct endpoint_list){pool->health->addrs, pool->health->n};
}

void pools_set_health(struct pools *p, struct health_image *i)
{
    struct health_image *old = p->health;
    struct table_iter it;
    p->health = health_image_ref(i);
    for (struct table_node *n = table_first(&p->by_hash, &it); n; n = table_next(&it))
        look_up_health(CONTAINER_OF(n, struct pool, node));
    health_image_unref(old);
}

/* --- whose connections they are ------------------------------------------------------------------ */

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same_backend(const struct config_backend *a, const struct config_backend *b)
{
    return a->scheme == b->scheme && a->port == b->port && a->tls_verify == b->tls_verify &&
           a->proxy_protocol == b->proxy_protocol && same_text(a->host, b->host) &&
           a->connect.port == b->connect.port && same_text(a->connect.host, b->connect.host) &&
           same_text(a->tls_ca, b->tls_ca) && same_text(a->tls_server_name, b->tls_server_name);
}

/* Copies TEXT (or NULL) to *AT and moves on. */
static const char *keep_text(char **at, const char *text)
{
    if (!text)
        return NULL;
    size_t size = strlen(text) + 1;
    char *copy = *at;
    memcpy(copy, text, size);
    *at += size;
    return copy;
}

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

/* What opening a connection needs; URLs, paths and the Host are an exchange's. */
static void keep_backend(struct pool *pool, const struct config_backend *to)
{
    size_t size = text_size(to->host) + text_size(to->connect.host) + text_size(to->tls_ca) +
                  text_size(to->tls_server_name);
    char *at = pool->texts = mem_alloc(size);
    pool->to = (struct config_backend){
        .scheme = to->scheme,
        .host_is_ip = to->host_is_ip,
        .port = to->port,
        .proxy_protocol = to->proxy_protocol,
        .tls_verify = to->tls_verify,
        .connect.port = to->connect.port,
    };
    pool->to.host = keep_text(&at, to->host);
    pool->to.connect.host = keep_text(&at, to->connect.host);
    pool->to.tls_ca = keep_text(&at, to->tls_ca);
    pool->to.tls_server_name = keep_text(&at, to->tls_server_name);
}

/* --- life ---------------------------------------------------------------------------------------- */

static void free_pool(struct turn_item *i)
{
    struct pool *p = CONTAINER_OF(i, struct pool, reap);
    endpoints_deinit(&p->endpoints);
    mem_free(p->texts);
    mem_free(p);
}

static void retire(struct pool *p)
{
    CHECK(!p->idle && !p->h2 && !p->dials && !p->waiting);
    deadline_off(p->pools->proxy->conns.loop, &p->patience);
    if (!p->stray)
        table_remove(&p->pools->by_hash, &p->node);
    p->reap.run = free_pool;
    turn_reap(&p->pools->proxy->conns.turn, &p->reap);
}

static uint64_t now_ms(const struct pools *p)
{
    return loop_now_ms(p->proxy->conns.loop);
}

/* Backends come and go with sessions. Looking through all of them is paid for by those that were made
 * since the last time. */
static void sweep(struct pools *p)
{
    struct table_iter it;
    for (struct table_node *n = table_first(&p->by_hash, &it); n; n = table_next(&it)) {
        struct pool *pool = CONTAINER_OF(n, struct pool, node);
        if (pool->users == 0 && now_ms(p) - pool->left_ms >= REMEMBER_MS)
            retire(pool);
    }
    size_t n = table_count(&p->by_hash);
    p->sweep_at = n < SWEEP_FIRST / 2 ? SWEEP_FIRST : 2 * n;
}

/* Whose connections are looked for. */
struct wanted {
    const struct route_backend *backend;
    struct addr client, local;
    bool h1_only;
    uint64_t key;
};

static uint64_t addr_hash(const struct addr *a)
{
    char text[ADDR_TEXT_MAX];
    return span_hash(span_str(addr_text(a, text)));
}

static struct wanted wanted_by(struct exchange *x)
{
    struct wanted w = {.backend = x->route.backend,
                       .h1_only = x->h1_only,
                       .key = x->route.backend->hash ^ x->h1_only};
    if (w.backend->to.proxy_protocol == PROXY_OUT_OFF)
        return w;
    w.client = x->client;
    w.local = *x->front_ops->local(x);
    uint64_t parts[3] = {w.key, addr_hash(&w.client), addr_hash(&w.local)};
    w.key = span_hash(span_of(parts, sizeof parts));
    return w;
}

static bool is_same_addr(const struct addr *a, const struct addr *b)
{
    return addr_eq(a, b) || (a->len == 0 && b->len == 0);
}

static bool is_wanted(const struct pool *p, const struct wanted *w)
{
    return is_same_backend(&p->to, &w->backend->to) && p->h1_only == w->h1_only &&
           is_same_addr(&p->client, &w->client) && is_same_addr(&p->local, &w->local);
}

static struct pool *new_pool(struct pools *p, uint64_t hash)
{
    struct pool *pool = NEW(struct pool);
    pool->pools = p;
    pool->hash = pool->key = hash;
    pool->waiting_last = &pool->waiting;
    deadline_init(&pool->patience, NULL);
    pool->h2_streams = p->proxy->config->limits.back_streams;
    endpoints_init(&pool->endpoints);
    return pool;
}

struct pool *pool_new_adopted(struct pools *p, struct adopted *a)
{
    struct pool *pool = new_pool(p, a->hash);
    const struct config_backend to = {.scheme = BACKEND_H2C, .host = a->name};
    pool->adopted = a;
    pool->stray = true;
    pool->speaks = POOL_SPEAKS_H2;
    pool->h2_streams = a->streams;
    pool->users = 1;
    keep_backend(pool, &to);
    pool->next_adopted = p->adopted;
    pool->prev_adopted = &p->adopted;
    if (pool->next_adopted)
        pool->next_adopted->prev_adopted = &pool->next_adopted;
    p->adopted = pool;
    return pool;
}

static void retire_adopted(struct pool *p)
{
    *p->prev_adopted = p->next_adopted;
    if (p->next_adopted)
        p->next_adopted->prev_adopted = p->prev_adopted;
    adopted_left(p->adopted);
    retire(p);
}

static struct pool *make(struct pools *p, const struct wanted *w)
{
    struct pool *pool = new_pool(p, w->backend->hash);
    pool->key = w->key;
    pool->client = w->client;
    pool->local = w->local;
    pool->h1_only = w->h1_only;
    if (w->h1_only)
        pool->speaks = POOL_SPEAKS_H1;
    else if (w->backend->to.scheme != BACKEND_HTTPS)
        pool->speaks = w->backend->to.scheme == BACKEND_H2C ? POOL_SPEAKS_H2 : POOL_SPEAKS_H1;
    keep_backend(pool, &w->backend->to);
    if (table_count(&p->by_hash) >= p->sweep_at)
        sweep(p);
    pool->stray = table_insert(&p->by_hash, &pool->node) != ERR_OK;
    if (!pool->stray)
        look_up_health(pool);
    return pool;
}

struct pool *pool_join(struct pools *p, struct exchange *x)
{
    struct wanted w = wanted_by(x);
    struct table_node *n = table_find(&p->by_hash, span_of(&w.key, sizeof w.key));
    struct pool *pool = n ? CONTAINER_OF(n, struct pool, node) : NULL;
    if (!pool || !is_wanted(pool, &w))
        pool = make(p, &w);
    pool->users++;
    return pool;
}

void pool_use(struct pool *p)
{
    p->users++;
}

void pool_leave(struct pool *p)
{
    CHECK(p->users > 0);
    if (--p->users > 0)
        return;
    if (p->adopted) {
        retire_adopted(p);
        return;
    }
    p->left_ms = now_ms(p->pools);
    if (p->stray || p->pools->closing || !endpoints_remember(&p->endpoints, p->left_ms))
        retire(p);
}

/* --- who waits ----------------------------------------------------------------------------------- */

void pool_wait(struct pool *p, struct exchange *x)
{
    x->wait.next = NULL;
    x->wait.prev = p->waiting_last;
    x->wait.since_ms = loop_now_ms(p->pools->proxy->conns.loop);
    *p->waiting_last = x;
    p->waiting_last = &x->wait.next;
    p->n_waiting++;
    pool_use(p);
}

void pool_unwait(struct pool *p, struct exchange *x)
{
    *x->wait.prev = x->wait.next;
    if (x->wait.next)
        x->wait.next->wait.prev = x->wait.prev;
    else
        p->waiting_last = x->wait.prev;
    x->wait.next = NULL;
    x->wait.prev = NULL;
    p->n_waiting--;
    pool_leave(p);
}

/* --- dials --------------------------------------------------------------------------------------- */

void pool_add_dial(struct pool *p, struct pool_dial *d)
{
    d->pool = p;
    d->next = p->dials;
    d->prev = &p->dials;
    if (d->next)
        d->next->prev = &d->next;
    p->dials = d;
    p->n_dials++;
    pool_use(p);
}

static void free_dial(struct turn_item *i)
{
    mem_free(CONTAINER_OF(i, struct pool_dial, reap));
}

void pool_drop_dial(struct pool_dial *d)
{
    struct pool *p = d->pool;
    *d->prev = d->next;
    if (d->next)
        d->next->prev = d->prev;
    p->n_dials--;
    dial_end(&d->dial);
    d->reap.run = free_dial;
    turn_reap(&p->pools->proxy->conns.turn, &d->reap);
    pool_leave(p);
}
