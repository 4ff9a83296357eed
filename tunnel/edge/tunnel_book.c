#include "tunnel/edge/tunnel_book.h"

#include <string.h>

#include "core/mem.h"
#include "sessions/tokens.h"

struct tunnel {
    struct table_node node;
    uint64_t id;
    unsigned worker;
    struct carried *carries; /* NULL: nothing any more, it is being retired */
    char token[TOKEN_ID_MAX];
    char agent[API_TUNNEL_AGENT_MAX + 1];
};

struct carried {
    struct table_node node;
    char name[SESSION_NAME_MAX + 1];
    struct tunnel *tunnel;        /* NULL: down */
    struct carried *next, **prev; /* in the tunnel's list */
    int64_t since_ms;
};

static struct span id_of(const struct table_node *n)
{
    const struct tunnel *t = CONTAINER_OF(n, const struct tunnel, node);
    return span_of(&t->id, sizeof t->id);
}

static struct span name_of(const struct table_node *n)
{
    return span_str(CONTAINER_OF(n, const struct carried, node)->name);
}

/* --- life ---------------------------------------------------------------------------------------- */

void tunnel_book_init(struct tunnel_book *b)
{
    table_init(&b->tunnels, id_of);
    table_init(&b->sessions, name_of);
    b->last_id = 0;
}

void tunnel_book_deinit(struct tunnel_book *b)
{
    struct table_iter it;
    for (struct table_node *n = table_first(&b->tunnels, &it); n; n = table_next(&it)) {
        table_remove(&b->tunnels, n);
        mem_free(CONTAINER_OF(n, struct tunnel, node));
    }
    for (struct table_node *n = table_first(&b->sessions, &it); n; n = table_next(&it)) {
        table_remove(&b->sessions, n);
        mem_free(CONTAINER_OF(n, struct carried, node));
    }
    table_deinit(&b->tunnels);
    table_deinit(&b->sessions);
}

size_t tunnel_book_count(const struct tunnel_book *b)
{
    return table_count(&b->tunnels);
}

/* --- finding ------------------------------------------------------------------------------------- */

static struct tunnel *find_tunnel(const struct tunnel_book *b, uint64_t id)
{
    struct table_node *n = table_find(&b->tunnels, span_of(&id, sizeof id));
    return n ? CONTAINER_OF(n, struct tunnel, node) : NULL;
}

static struct carried *find_session(const struct tunnel_book *b, struct span name)
{
    struct table_node *n = table_find(&b->sessions, name);
    return n ? CONTAINER_OF(n, struct carried, node) : NULL;
}

bool tunnel_book_find(const struct tunnel_book *b, struct span name, struct tunnel_state *out)
{
    const struct carried *c = find_session(b, name);
    if (!c)
        return false;
    out->up = c->tunnel != NULL;
    out->since_ms = c->since_ms;
    out->agent = c->tunnel ? c->tunnel->agent : NULL;
    return true;
}

/* --- changing ------------------------------------------------------------------------------------ */

static struct tunnel_route *add_route(struct tunnel_news *news, const struct carried *c)
{
    CHECK(news->n_routes < API_TUNNEL_SESSIONS_MAX);
    struct tunnel_route *r = &news->routes[news->n_routes++];
    *r = (struct tunnel_route){.since_ms = c->since_ms};
    memcpy(r->session, c->name, sizeof r->session);
    if (c->tunnel) {
        r->id = c->tunnel->id;
        r->worker = c->tunnel->worker;
    }
    return r;
}

static void put_on(struct carried *c, struct tunnel *t)
{
    c->tunnel = t;
    c->next = t->carries;
    c->prev = &t->carries;
    if (c->next)
        c->next->prev = &c->next;
    t->carries = c;
}

static void retire(struct tunnel *t, struct tunnel_news *news)
{
    CHECK(news->n_retired < API_TUNNEL_SESSIONS_MAX);
    news->retired[news->n_retired++] = t->id;
}

/* A tunnel that carries nothing any more is told so, and forgotten when it has ended. */
static void take_off(struct carried *c, struct tunnel_news *news)
{
    struct tunnel *t = c->tunnel;
    *c->prev = c->next;
    if (c->next)
        c->next->prev = c->prev;
    c->tunnel = NULL;
    if (!t->carries)
        retire(t, news);
}

static struct carried *take_session(struct tunnel_book *b, struct span name)
{
    struct carried *c = find_session(b, name);
    if (c)
        return c;
    c = NEW(struct carried);
    enum err e = span_copy_z(name, c->name, sizeof c->name);
    CHECK(e == ERR_OK); /* a session's name */
    e = table_insert(&b->sessions, &c->node);
    CHECK(e == ERR_OK);
    return c;
}

uint64_t tunnel_book_open(struct tunnel_book *b, const struct api_tunnel_ask *ask, unsigned worker,
                          int64_t now_ms, struct tunnel_news *news)
{
    struct tunnel *t = NEW(struct tunnel);
    t->id = ++b->last_id;
    t->worker = worker;
    enum err e = span_copy_z(ask->token, t->token, sizeof t->token);
    CHECK(e == ERR_OK);
    e = span_copy_z(ask->agent, t->agent, sizeof t->agent);
    CHECK(e == ERR_OK);
    e = table_insert(&b->tunnels, &t->node);
    CHECK(e == ERR_OK);
    *news = (struct tunnel_news){0};
    for (size_t i = 0; i < ask->n_sessions; i++) {
        struct carried *c = take_session(b, ask->sessions[i]);
        if (c->tunnel)
            take_off(c, news);
        put_on(c, t);
        c->since_ms = now_ms;
        add_route(news, c);
    }
    return t->id;
}

/* What T carries is down. */
static void put_down(struct tunnel *t, int64_t now_ms, struct tunnel_news *news)
{
    for (struct carried *c; (c = t->carries);) {
        t->carries = c->next;
        c->tunnel = NULL;
        c->since_ms = now_ms;
        add_route(news, c);
    }
}

void tunnel_book_lose(struct tunnel_book *b, uint64_t id, int64_t now_ms, struct tunnel_news *news)
{
    struct tunnel *t = find_tunnel(b, id);
    *news = (struct tunnel_news){0};
    if (!t)
        return;
    put_down(t, now_ms, news);
    table_remove(&b->tunnels, &t->node);
    mem_free(t);
}

void tunnel_book_forget_session(struct tunnel_book *b, struct span name, struct tunnel_news *news)
{
    struct carried *c = find_session(b, name);
    *news = (struct tunnel_news){0};
    if (!c)
        return;
    if (c->tunnel)
        take_off(c, news);
    add_route(news, c)->forget = true;
    table_remove(&b->sessions, &c->node);
    mem_free(c);
}

bool tunnel_book_revoke(struct tunnel_book *b, struct span token, int64_t now_ms,
                        struct tunnel_news *news)
{
    struct table_iter it;
    *news = (struct tunnel_news){0};
    for (struct table_node *n = table_first(&b->tunnels, &it); n; n = table_next(&it)) {
        struct tunnel *t = CONTAINER_OF(n, struct tunnel, node);
        if (!t->carries || !span_eq(span_str(t->token), token))
            continue;
        put_down(t, now_ms, news);
        retire(t, news);
        return true;
    }
    return false;
}
