#include "certs/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/pem.h>
#include <string.h>

void pem_chain_deinit(struct pem_chain *c)
{
    for (size_t i = 0; i < c->n; i++)
        CRYPTO_BUFFER_free(c->v[i]);
    c->n = 0;
}

static bool is_certificate(const char *label)
{
    /* RFC 7468 5.3: "X509 CERTIFICATE" and "X.509 CERTIFICATE" should be read as well. */
    return strcmp(label, PEM_STRING_X509) == 0 || strcmp(label, PEM_STRING_X509_OLD) == 0;
}

static enum err chain_add(struct pem_chain *c, const uint8_t *der, size_t len)
{
    if (c->n == PEM_CHAIN_MAX)
        return ERR_FULL;
    CRYPTO_BUFFER *buf = CRYPTO_BUFFER_new(der, len, NULL);
    if (!buf)
        return ERR_MEMORY;
    c->v[c->n++] = buf;
    return ERR_OK;
}

/* ERR_EOF after the last block. */
static enum err read_block(BIO *bio, struct pem_chain *c)
{
    char *label = NULL, *header = NULL;
    uint8_t *der = NULL;
    long len = 0;
    if (!PEM_read_bio(bio, &label, &header, &der, &len)) {
        bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
        return end ? ERR_EOF : ERR_SYNTAX;
    }
    enum err e = is_certificate(label) ? chain_add(c, der, (size_t)len) : ERR_OK;
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_free(der);
    return e;
}

enum err pem_read_chain(struct span text, struct pem_chain *out)
{
    CHECK(text.len <= PEM_FILE_MAX);
    out->n = 0;
    BIO *bio = BIO_new_mem_buf(text.p, (int)text.len);
    if (!bio)
        return ERR_MEMORY;
    enum err e;
    do
        e = read_block(bio, out);
    while (e == ERR_OK);
    BIO_free(bio);
    ERR_clear_error();

    if (e != ERR_EOF) {
        pem_chain_deinit(out);
        return e;
    }
    return out->n > 0 ? ERR_OK : ERR_NOT_FOUND;
}

/* A server has nobody to ask for a pass phrase. */
static int no_pass_phrase(char *buf, int size, int rwflag, void *ctx)
{
    (void)buf, (void)size, (void)rwflag, (void)ctx;
    return -1;
}

EVP_PKEY *pem_read_key(struct span text)
{
    CHECK(text.len <= PEM_FILE_MAX);
    BIO *bio = BIO_new_mem_buf(text.p, (int)text.len);
    if (!bio)
        return NULL;
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL);
    BIO_free(bio);
    ERR_clear_error();
    return key;
}
