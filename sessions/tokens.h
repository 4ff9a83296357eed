/* Bearer tokens: who may do what over the API.
 *
 * A token is "lk_" and 256 random bits in base64url, shown once, when it is made. Only its SHA-256 is
 * kept. The id, which people use to tell tokens apart and to revoke them, is the first 48 bits of that
 * hash: it finds the token, and the whole hash, compared in constant time, proves it.
 * On the control thread. */
#pragma once

#include "core/table.h"
#include "sessions/sha256.h"
#include "sessions/store.h"

#define TOKEN_ID_MAX 13
#define TOKEN_NAME_MAX 64
#define TOKEN_SECRET_MAX 48

/* Each may do what those before it may. */
enum token_scope { TOKEN_READ, TOKEN_SESSION, TOKEN_ADMIN };

struct token {
    struct table_node node;
    char id[TOKEN_ID_MAX];
    char name[TOKEN_NAME_MAX + 1];
    enum token_scope scope;
    uint8_t hash[SHA256_LEN];
    int64_t created_ms;
};

struct tokens;

/* Reads the tokens from STORE (borrowed). When there are none this is the first start: makes one with
 * scope admin and writes it to <STATE>/admin.token (0600). */
enum err tokens_new(struct store *store, const char *state, struct tokens **out,
                    char **why) MUST_USE;
/* Changes under way still reach the store, and whoever asked is still told. */
void tokens_free(struct tokens *t);

/* Whom SECRET, as sent, belongs to, or NULL. Borrowed until the next turn of the loop. */
const struct token *tokens_find(const struct tokens *t, struct span secret);

/* TOKEN and SECRET live during the call; both are NULL unless E is ERR_OK. */
typedef void tokens_created(void *ctx, enum err e, const struct token *token, const char *secret);
/* It counts from the moment CREATED is called. NAME: 1 to TOKEN_NAME_MAX bytes. */
void tokens_create(struct tokens *t, struct span name, enum token_scope scope,
                   tokens_created *created, void *ctx);
/* It no longer counts when DONE is called with ERR_OK. ERR_NOT_FOUND at once, without DONE. */
enum err tokens_revoke(struct tokens *t, struct span id, store_done *done, void *ctx) MUST_USE;

/* As the API shows it: never the hash. A new reference. */
json_t *token_to_json(const struct token *token);
/* All of them, oldest first: a new reference to an array. */
json_t *tokens_to_json(const struct tokens *t);

const char *token_scope_text(enum token_scope scope);
enum err token_scope_parse(struct span s, enum token_scope *out) MUST_USE;
