#include "certs/tickets.h"

#include <openssl/cipher.h>
#include <openssl/digest.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

#include "core/err.h"
#include "core/mem.h"

/* How long a ticket is good for. TLS 1.2 reuses the old secret, so it gets less; TLS 1.3 makes a
 * fresh exchange at each resumption. Both are less than the keys last. */
#define TICKET_LIFE_TLS12_S (2 * 3600)
#define TICKET_LIFE_TLS13_S (24 * 3600)

static int keys_index;
static pthread_once_t keys_index_once = PTHREAD_ONCE_INIT;

static void make_keys_index(void)
{
    keys_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    CHECK(keys_index >= 0);
}

void ticket_keys_rotate(struct ticket_keys *k)
{
    size_t kept = k->n < TICKET_KEYS_MAX ? k->n : TICKET_KEYS_MAX - 1;
    memmove(&k->v[1], &k->v[0], kept * sizeof k->v[0]);
    RAND_bytes((uint8_t *)&k->v[0], sizeof k->v[0]);
    k->n = kept + 1;
}

void ticket_keys_wipe(struct ticket_keys *k)
{
    mem_wipe(k, sizeof *k);
}

/* What the callback answers, by the API's manual. */
enum { TICKET_ERROR = -1, TICKET_UNKNOWN = 0, TICKET_OK = 1, TICKET_OK_RENEW = 2 };

/* RFC 5077 4: AES-128-CBC under HMAC-SHA-256 (encrypt, then authenticate). */
static int seal(const struct ticket_keys *keys, uint8_t *name, uint8_t *iv, EVP_CIPHER_CTX *cipher,
                HMAC_CTX *hmac)
{
    if (keys->n == 0)
        return TICKET_ERROR;
    const struct ticket_key *key = &keys->v[0];
    memcpy(name, key->name, sizeof key->name);
    RAND_bytes(iv, EVP_CIPHER_iv_length(EVP_aes_128_cbc()));
    if (!EVP_EncryptInit_ex(cipher, EVP_aes_128_cbc(), NULL, key->aes, iv) ||
        !HMAC_Init_ex(hmac, key->hmac, sizeof key->hmac, EVP_sha256(), NULL))
        return TICKET_ERROR;
    return TICKET_OK;
}

static int open_sealed(const struct ticket_keys *keys, const uint8_t *name, const uint8_t *iv,
                       EVP_CIPHER_CTX *cipher, HMAC_CTX *hmac)
{
    size_t i = 0;
    while (i < keys->n && memcmp(keys->v[i].name, name, sizeof keys->v[i].name) != 0)
        i++;
    if (i == keys->n)
        return TICKET_UNKNOWN;
    if (!EVP_DecryptInit_ex(cipher, EVP_aes_128_cbc(), NULL, keys->v[i].aes, iv) ||
        !HMAC_Init_ex(hmac, keys->v[i].hmac, sizeof keys->v[i].hmac, EVP_sha256(), NULL))
        return TICKET_ERROR;
    return i == 0 ? TICKET_OK : TICKET_OK_RENEW;
}

static int on_ticket(SSL *ssl, uint8_t *name, uint8_t *iv, EVP_CIPHER_CTX *cipher, HMAC_CTX *hmac,
                     int encrypt)
{
    const struct ticket_keys *keys = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), keys_index);
    return encrypt ? seal(keys, name, iv, cipher, hmac) : open_sealed(keys, name, iv, cipher, hmac);
}

void tickets_setup(SSL_CTX *ctx, const struct ticket_keys *keys)
{
    pthread_once(&keys_index_once, make_keys_index);
    /* Ours to read only: the API has no const. */
    CHECK(SSL_CTX_set_ex_data(ctx, keys_index, (void *)(uintptr_t)keys));
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(ctx, TICKET_LIFE_TLS12_S);
    SSL_CTX_set_session_psk_dhe_timeout(ctx, TICKET_LIFE_TLS13_S);
    CHECK(SSL_CTX_set_tlsext_ticket_key_cb(ctx, on_ticket));
    tickets_changed(ctx, keys);
}

void tickets_changed(SSL_CTX *ctx, const struct ticket_keys *keys)
{
    if (keys->n == 0)
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    else
        SSL_CTX_clear_options(ctx, SSL_OP_NO_TICKET);
}
