#include "sessions/tokens.h"

#include <stdlib.h>

#include "core/file.h"
#include "core/hex_base64.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/random.h"
#include "core/timefmt.h"

#define SECRET_BYTES 32
#define SECRET_PREFIX "lk_"
#define ID_BYTES 6

struct tokens {
    struct table by_id;
    struct store *store;
    unsigned under_way; /* changes that will still call back */
    bool closed;        /* freed by its owner, kept for those */
};

static struct token *token_of(struct table_node *n)
{
    return n ? CONTAINER_OF(n, struct token, node) : NULL;
}

static struct span key_of(const struct table_node *n)
{
    return span_str(CONTAINER_OF(n, const struct token, node)->id);
}

static const char *const scope_texts[] = {"read", "session", "admin"};

const char *token_scope_text(enum token_scope scope)
{
    return scope_texts[scope];
}

enum err token_scope_parse(struct span s, enum token_scope *out)
{
    for (size_t i = 0; i < ARRAY_LEN(scope_texts); i++) {
        if (span_eq(s, span_str(scope_texts[i]))) {
            *out = (enum token_scope)i;
            return ERR_OK;
        }
    }
    return ERR_SYNTAX;
}

/* Secrets */

static void set_hash(struct token *token, const char *secret)
{
    sha256(secret, strlen(secret), token->hash);
    (void)hex_encode(token->hash, ID_BYTES, token->id);
}

static void make_secret(char secret[TOKEN_SECRET_MAX])
{
    uint8_t bytes[SECRET_BYTES];
    random_bytes(bytes, sizeof bytes);
    memcpy(secret, SECRET_PREFIX, sizeof SECRET_PREFIX);
    (void)base64url_encode(bytes, sizeof bytes, secret + strlen(SECRET_PREFIX));
    mem_wipe(bytes, sizeof bytes);
}

static struct token *find_id(const struct tokens *t, struct span id)
{
    return token_of(table_find(&t->by_id, id));
}

/* A new token whose id is not taken. */
static struct token *make_token(const struct tokens *t, struct span name, enum token_scope scope,
                                char secret[TOKEN_SECRET_MAX])
{
    struct token *token = NEW(struct token);
    CHECK(span_copy_z(name, token->name, sizeof token->name) == ERR_OK);
    token->scope = scope;
    token->created_ms = clock_wall_ms();
    do {
        make_secret(secret);
        set_hash(token, secret);
    } while (find_id(t, span_str(token->id)));
    return token;
}

static bool equal_in_constant_time(const uint8_t *a, const uint8_t *b, size_t len)
{
    volatile uint8_t different = 0;
    for (size_t i = 0; i < len; i++)
        different = (uint8_t)(different | (a[i] ^ b[i]));
    return different == 0;
}

const struct token *tokens_find(const struct tokens *t, struct span secret)
{
    if (secret.len >= TOKEN_SECRET_MAX || !span_starts(secret, SPAN_LIT(SECRET_PREFIX)))
        return NULL;
    uint8_t hash[SHA256_LEN];
    char id[TOKEN_ID_MAX];
    sha256(secret.p, secret.len, hash);
    const struct token *token = find_id(t, hex_encode(hash, ID_BYTES, id));
    return token && equal_in_constant_time(token->hash, hash, sizeof hash) ? token : NULL;
}

/* JSON */

json_t *token_to_json(const struct token *token)
{
    char created[TIMEFMT_MAX];
    return json_pack("{s:s, s:s, s:s, s:s}", "id", token->id, "name", token->name, "scope",
                     token_scope_text(token->scope), "created",
                     timefmt_rfc3339(token->created_ms, created));
}

static int by_age(const void *a, const void *b)
{
    const struct token *const *x = (const struct token *const *)a;
    const struct token *const *y = (const struct token *const *)b;
    if ((*x)->created_ms != (*y)->created_ms)
        return (*x)->created_ms < (*y)->created_ms ? -1 : 1;
    return strcmp((*x)->id, (*y)->id);
}

json_t *tokens_to_json(const struct tokens *t)
{
    size_t n = 0;
    const struct token **all = (const struct token **)mem_alloc((table_count(&t->by_id) + 1) *
                                                                sizeof *all);
    struct table_iter it;
    for (struct table_node *node = table_first(&t->by_id, &it); node; node = table_next(&it))
        all[n++] = token_of(node);
    qsort(all, n, sizeof *all, by_age);

    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, token_to_json(all[i]));
    mem_free(all);
    return array;
}

static char *to_record(const struct token *token)
{
    char hash[HEX_LEN(SHA256_LEN) + 1];
    (void)hex_encode(token->hash, SHA256_LEN, hash);
    json_t *record = token_to_json(token);
    json_object_set_new(record, "hash", json_string(hash));
    char *text = json_dumps(record, JSON_COMPACT);
    CHECK(text);
    json_decref(record);
    return text;
}

static enum err read_record(struct span json, struct token *token)
{
    const char *name, *scope, *hash, *created;
    json_t *record = json_loadb(json.p, json.len, 0, NULL);
    enum err e = ERR_CORRUPT;
    size_t len;
    if (json_unpack(record, "{s:s, s:s, s:s, s:s}", "name", &name, "scope", &scope, "hash", &hash,
                    "created", &created) == 0 &&
        span_copy_z(span_str(name), token->name, sizeof token->name) == ERR_OK &&
        token_scope_parse(span_str(scope), &token->scope) == ERR_OK &&
        hex_decode(span_str(hash), token->hash, SHA256_LEN, &len) == ERR_OK && len == SHA256_LEN &&
        timefmt_rfc3339_parse(span_str(created), &token->created_ms) == ERR_OK)
        e = ERR_OK;
    (void)hex_encode(token->hash, ID_BYTES, token->id);
    json_decref(record);
    return e;
}

/* Loading */

static enum err load_one(void *ctx, struct span key, struct span json)
{
    struct tokens *t = (struct tokens *)ctx;
    struct token *token = NEW(struct token);
    enum err e = read_record(json, token);
    if (e == ERR_OK && !span_eq(key, span_str(token->id)))
        e = ERR_CORRUPT;
    if (e == ERR_OK)
        e = table_insert(&t->by_id, &token->node);
    if (e == ERR_OK)
        return ERR_OK;
    LOG(LOG_ERROR, "token_unreadable", LOG_SPAN("id", key));
    mem_free(token);
    return ERR_CORRUPT;
}

static void on_first_stored(void *ctx, enum err e)
{
    (void)ctx;
    /* It counts until the next start, which will make another. */
    if (e != ERR_OK)
        LOG(LOG_ERROR, "admin_token_not_stored", LOG_S("error", err_text(e)));
}

static void store_put(struct tokens *t, const struct token *token, store_done *done, void *ctx)
{
    char *record = to_record(token);
    t->store->ops->put(t->store, STORE_TOKEN, span_str(token->id), span_str(record), done, ctx);
    free(record);
}

/* The file before the store: should the power fail between the two, the next start finds no token
 * and makes another, and nobody is locked out. */
static enum err make_first(struct tokens *t, const char *state, char **why)
{
    char secret[TOKEN_SECRET_MAX];
    struct token *token = make_token(t, SPAN_LIT("admin"), TOKEN_ADMIN, secret);
    char *path = mem_printf("%s/admin.token", state);
    char *line = mem_printf("%s\n", secret);
    enum err e = file_write_atomic(path, span_str(line), 0600);
    if (e == ERR_OK) {
        CHECK(table_insert(&t->by_id, &token->node) == ERR_OK);
        store_put(t, token, on_first_stored, NULL);
        LOG(LOG_INFO, "admin_token_made", LOG_S("file", path), LOG_S("id", token->id));
    } else {
        *why = mem_printf("%s: the admin token cannot be written: %s. The state folder must be "
                          "writable for the user that the edge runs as, and have room.",
                          path, err_text(e));
        mem_free(token);
    }
    mem_wipe(secret, sizeof secret);
    mem_wipe(line, strlen(line));
    mem_free(line);
    mem_free(path);
    return e;
}

enum err tokens_new(struct store *store, const char *state, struct tokens **out, char **why)
{
    struct tokens *t = NEW(struct tokens);
    t->store = store;
    table_init(&t->by_id, key_of);
    enum err e = store->ops->load(store, STORE_TOKEN, load_one, t);
    if (e != ERR_OK)
        *why = mem_printf("the tokens cannot be read: %s. The log names the one that is damaged; "
                          "restore the database from a backup, or delete that token from it.",
                          err_text(e));
    else if (table_count(&t->by_id) == 0)
        e = make_first(t, state, why);
    if (e != ERR_OK) {
        tokens_free(t);
        return e;
    }
    *out = t;
    return ERR_OK;
}

static void free_if_unused(struct tokens *t)
{
    if (t->closed && t->under_way == 0)
        mem_free(t);
}

void tokens_free(struct tokens *t)
{
    if (!t)
        return;
    struct table_iter it;
    for (struct table_node *n = table_first(&t->by_id, &it); n; n = table_next(&it)) {
        table_remove(&t->by_id, n);
        mem_free(token_of(n));
    }
    table_deinit(&t->by_id);
    t->closed = true;
    free_if_unused(t);
}

/* Changes */

struct creation {
    struct tokens *tokens;
    struct token *token;
    char secret[TOKEN_SECRET_MAX];
    tokens_created *created;
    void *ctx;
};

static void on_created(void *ctx, enum err e)
{
    struct creation *c = (struct creation *)ctx;
    struct tokens *t = c->tokens;
    struct token *token = c->token;
    t->under_way--;
    if (e == ERR_OK && !t->closed)
        e = table_insert(&t->by_id, &token->node);
    c->created(c->ctx, e, e == ERR_OK ? token : NULL, e == ERR_OK ? c->secret : NULL);
    if (e != ERR_OK || t->closed)
        mem_free(token);
    mem_wipe(c, sizeof *c);
    mem_free(c);
    free_if_unused(t);
}

void tokens_create(struct tokens *t, struct span name, enum token_scope scope,
                   tokens_created *created, void *ctx)
{
    struct creation *c = NEW(struct creation);
    c->tokens = t;
    c->token = make_token(t, name, scope, c->secret);
    c->created = created;
    c->ctx = ctx;
    t->under_way++;
    store_put(t, c->token, on_created, c);
}

struct revocation {
    struct tokens *tokens;
    char id[TOKEN_ID_MAX];
    store_done *done;
    void *ctx;
};

static void on_revoked(void *ctx, enum err e)
{
    struct revocation *r = (struct revocation *)ctx;
    struct tokens *t = r->tokens;
    t->under_way--;
    /* Another call may have revoked it meanwhile. */
    struct token *token = t->closed || e != ERR_OK ? NULL : find_id(t, span_str(r->id));
    if (token) {
        table_remove(&t->by_id, &token->node);
        mem_free(token);
    }
    r->done(r->ctx, e);
    mem_free(r);
    free_if_unused(t);
}

enum err tokens_revoke(struct tokens *t, struct span id, store_done *done, void *ctx)
{
    struct token *token = find_id(t, id);
    if (!token)
        return ERR_NOT_FOUND;
    struct revocation *r = NEW(struct revocation);
    r->tokens = t;
    memcpy(r->id, token->id, sizeof r->id);
    r->done = done;
    r->ctx = ctx;
    t->under_way++;
    t->store->ops->remove(t->store, STORE_TOKEN, id, on_revoked, r);
    return ERR_OK;
}
