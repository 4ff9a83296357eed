/* Certificates and keys as PEM text (RFC 7468), read from memory that somebody else filled and that
 * holds at most PEM_FILE_MAX bytes. Pure. */
#pragma once

#include <openssl/evp.h>
#include <openssl/pool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/span.h"

/* No file of ours or of any CA comes near. */
#define PEM_FILE_MAX ((size_t)256 * 1024)
#define PEM_CHAIN_MAX 10

struct pem_chain {
    CRYPTO_BUFFER *v[PEM_CHAIN_MAX];
    size_t n;
};

/* Every CERTIFICATE block of TEXT, in order; other blocks are passed over. ERR_NOT_FOUND: there is
 * none; ERR_FULL: more than PEM_CHAIN_MAX; ERR_SYNTAX: damaged. */
enum err pem_read_chain(struct span text, struct pem_chain *out) MUST_USE;
void pem_chain_deinit(struct pem_chain *c);
/* The first private key of TEXT, whatever its form, but not encrypted. NULL when there is none. */
EVP_PKEY *pem_read_key(struct span text) MUST_USE;
