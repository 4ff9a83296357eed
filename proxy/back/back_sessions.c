#include "proxy/back/back_sessions.h"

#include <pthread.h>

#include "core/mem.h"
#include "core/table.h"

/* Those of one backend. */
struct slot {
    struct table_node node;
    char *name;
    unsigned refs;                      /* by the set, and by connections */
    struct slot *next, **prev;          /* NULL prev: not in the set any more */
    SSL_SESSION *v[BACK_SESSIONS_EACH]; /* the newest last */
    size_t n;
};

struct back_sessions {
    struct table by_name;
    struct slot *first, **last; /* dialled least lately first */
};

static struct span slot_key(const struct table_node *n)
{
    return span_str(CONTAINER_OF(n, const struct slot, node)->name);
}

/* --- slots --------------------------------------------------------------------------------------- */

static void slot_unref(struct slot *s)
{
    if (--s->refs > 0)
        return;
    while (s->n > 0)
        SSL_SESSION_free(s->v[--s->n]);
    mem_free(s->name);
    mem_free(s);
}

static void unlink_slot(struct back_sessions *c, struct slot *s)
{
    *s->prev = s->next;
    if (s->next)
        s->next->prev = s->prev;
    else
        c->last = s->prev;
    s->prev = NULL;
}

static void link_last(struct back_sessions *c, struct slot *s)
{
    s->next = NULL;
    s->prev = c->last;
    *c->last = s;
    c->last = &s->next;
}

static void forget(struct back_sessions *c, struct slot *s)
{
    table_remove(&c->by_name, &s->node);
    unlink_slot(c, s);
    slot_unref(s);
}

static struct slot *make_slot(struct back_sessions *c, char *name)
{
    if (table_count(&c->by_name) >= BACK_SESSIONS_BACKENDS)
        forget(c, c->first);
    struct slot *s = NEW(struct slot);
    s->name = name;
    s->refs = 1;
    enum err e = table_insert(&c->by_name, &s->node);
    CHECK(e == ERR_OK);
    link_last(c, s);
    return s;
}

/* What is not there differs from what is empty. */
static char *make_name(const struct config_backend *to)
{
    return mem_printf("%s\n%u\n%d\n%s%s\n%s%s", to->host, to->port, to->tls_verify,
                      to->tls_ca ? "=" : "", to->tls_ca ? to->tls_ca : "",
                      to->tls_server_name ? "=" : "",
                      to->tls_server_name ? to->tls_server_name : "");
}

static struct slot *find_or_make(struct back_sessions *c, const struct config_backend *to)
{
    char *name = make_name(to);
    struct table_node *n = table_find(&c->by_name, span_str(name));
    if (!n)
        return make_slot(c, name);
    mem_free(name);
    struct slot *s = CONTAINER_OF(n, struct slot, node);
    unlink_slot(c, s);
    link_last(c, s);
    return s;
}

/* --- connections --------------------------------------------------------------------------------- */

static void on_ssl_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long argl,
                        void *argp)
{
    (void)parent, (void)ad, (void)index, (void)argl, (void)argp;
    if (ptr)
        slot_unref(ptr);
}

/* Of the process, for all workers. */
static int slot_at;

static void register_slot(void)
{
    slot_at = SSL_get_ex_new_index(0, NULL, NULL, NULL, on_ssl_free);
    CHECK(slot_at >= 0);
}

static int slot_index(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_slot);
    return slot_at;
}

static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
    struct slot *s = SSL_get_ex_data(ssl, slot_index());
    if (!s || !s->prev || !SSL_SESSION_is_resumable(session))
        return 0;
    if (s->n == BACK_SESSIONS_EACH) {
        SSL_SESSION_free(s->v[0]);
        memmove(s->v, s->v + 1, --s->n * sizeof s->v[0]);
    }
    s->v[s->n++] = session;
    return 1;
}

void back_sessions_setup(SSL_CTX *ctx)
{
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_timeout(ctx, BACK_SESSIONS_LIFE_S);
    SSL_CTX_set_session_psk_dhe_timeout(ctx, BACK_SESSIONS_LIFE_S);
    SSL_CTX_sess_set_new_cb(ctx, on_new_session);
}

static void offer_newest(struct slot *s, SSL *ssl)
{
    if (s->n == 0)
        return;
    SSL_SESSION *session = s->v[s->n - 1];
    (void)SSL_set_session(ssl, session);
    if (!SSL_SESSION_should_be_single_use(session))
        return;
    SSL_SESSION_free(session);
    s->n--;
}

void back_sessions_attach(struct back_sessions *c, SSL *ssl, const struct config_backend *to)
{
    struct slot *s = find_or_make(c, to);
    if (SSL_set_ex_data(ssl, slot_index(), s) != 1)
        return;
    s->refs++;
    offer_newest(s, ssl);
}

/* --- life ---------------------------------------------------------------------------------------- */

struct back_sessions *back_sessions_new(void)
{
    struct back_sessions *c = NEW(struct back_sessions);
    table_init(&c->by_name, slot_key);
    c->last = &c->first;
    return c;
}

void back_sessions_free(struct back_sessions *c)
{
    while (c->first)
        forget(c, c->first);
    table_deinit(&c->by_name);
    mem_free(c);
}
