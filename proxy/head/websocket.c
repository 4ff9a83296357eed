#include "proxy/head/websocket.h"

#include <openssl/base64.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "proxy/head/chars.h"

#define KEY_BYTES 16
#define KEY_LEN 24 /* in base64, its two "=" included */

static bool is_base64(char c)
{
    char lower = ascii_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

bool websocket_key_valid(struct span key)
{
    if (key.len != KEY_LEN || key.p[KEY_LEN - 2] != '=' || key.p[KEY_LEN - 1] != '=')
        return false;
    for (size_t i = 0; i < KEY_LEN - 2; i++)
        if (!is_base64(key.p[i]))
            return false;
    return true;
}

bool websocket_has_key(const struct request_head *h)
{
    const struct field *key = fields_find(&h->fields, FIELD_SEC_WEBSOCKET_KEY);
    return key && fields_count(&h->fields, FIELD_SEC_WEBSOCKET_KEY) == 1 &&
           websocket_key_valid(key->value);
}

enum err websocket_make_key(struct request_head *h, struct arena *arena)
{
    uint8_t nonce[KEY_BYTES];
    uint8_t text[KEY_LEN + 1];
    RAND_bytes(nonce, sizeof nonce);
    size_t len = EVP_EncodeBlock(text, nonce, sizeof nonce);
    CHECK(len == KEY_LEN);
    struct span key = arena_copy(arena, span_of(text, len));
    return key.p ? fields_set(&h->fields, arena, FIELD_SEC_WEBSOCKET_KEY, key) : ERR_FULL;
}

void websocket_accept(struct span key, char out[WEBSOCKET_ACCEPT_LEN])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455 1.3 */
    uint8_t digest[SHA_DIGEST_LENGTH];
    uint8_t text[WEBSOCKET_ACCEPT_LEN + 1];
    SHA_CTX sha;
    SHA1_Init(&sha);
    SHA1_Update(&sha, key.p, key.len);
    SHA1_Update(&sha, guid, sizeof guid - 1);
    SHA1_Final(digest, &sha);
    size_t len = EVP_EncodeBlock(text, digest, sizeof digest);
    CHECK(len == WEBSOCKET_ACCEPT_LEN);
    memcpy(out, text, WEBSOCKET_ACCEPT_LEN);
}

/* The one line with ID, or NULL. */
static const struct field *only(const struct fields *f, enum field_id id)
{
    return fields_count(f, id) == 1 ? fields_find(f, id) : NULL;
}

bool websocket_is_answer(const struct response_head *h, const struct request_head *request)
{
    const struct field *upgrade = only(&h->fields, FIELD_UPGRADE);
    const struct field *accept = only(&h->fields, FIELD_SEC_WEBSOCKET_ACCEPT);
    const struct field *key = fields_find(&request->fields, FIELD_SEC_WEBSOCKET_KEY);
    if (h->status != 101 || h->http10 || !upgrade || !accept || !key)
        return false;
    if (!span_eq_nocase(upgrade->value, request->upgrade) ||
        !fields_list_has(&h->fields, FIELD_CONNECTION, SPAN_LIT("upgrade")))
        return false;
    char expected[WEBSOCKET_ACCEPT_LEN];
    websocket_accept(key->value, expected);
    return span_eq(accept->value, span_of(expected, sizeof expected));
}

enum err websocket_make_answer(struct response_head *h, const struct request_head *request,
                               struct arena *arena)
{
    const struct field *key = fields_find(&request->fields, FIELD_SEC_WEBSOCKET_KEY);
    char text[WEBSOCKET_ACCEPT_LEN];
    if (!key) /* connection named it: it was the client's own hop's */
        return ERR_SYNTAX;
    websocket_accept(key->value, text);
    struct span accept = arena_copy(arena, span_of(text, sizeof text));
    if (!accept.p)
        return ERR_FULL;
    h->status = 101;
    TRY(fields_set(&h->fields, arena, FIELD_UPGRADE, request->upgrade));
    return fields_set(&h->fields, arena, FIELD_SEC_WEBSOCKET_ACCEPT, accept);
}
