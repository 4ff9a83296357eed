/* A certificate with its chain and private key, ready for BoringSSL.
 *
 * Immutable and counted atomically: any thread may hold and use it. The key is wiped when the last
 * reference goes. */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/span.h"

struct cert;

/* Takes over nothing: CHAIN (leaf first, DER in CRYPTO_BUFFERs) and KEY are referenced. The
 * names it covers are the leaf's DNS names; its common name counts for nothing (RFC 6125 6.4.4).
 * ERR_CONFLICT: key and leaf do not belong together. ERR_UNSUPPORTED: neither ECDSA nor RSA of
 * 2048 bits or more. ERR_RANGE: no DNS name. ERR_CRYPTO: the leaf is not a certificate. */
enum err cert_new(const char *base, CRYPTO_BUFFER *const *chain, size_t n_chain, EVP_PKEY *key,
                  struct cert **out) MUST_USE;
struct cert *cert_ref(struct cert *c);
void cert_unref(struct cert *c);

/* What it was asked for by: the base of the names (naming.h), or the path of a PEM file. */
const char *cert_base(const struct cert *c);
/* RFC 6125 6.4: exact, or '*' as the whole first label. HOST is lower case, without final dot. */
bool cert_covers(const struct cert *c, struct span host);
/* The names themselves: lower case, "*.x" or "x". */
size_t cert_n_names(const struct cert *c);
struct span cert_name(const struct cert *c, size_t i);
/* Seconds since 1970. */
int64_t cert_not_before_s(const struct cert *c);
int64_t cert_not_after_s(const struct cert *c);
/* The leaf, DER. */
const CRYPTO_BUFFER *cert_leaf(const struct cert *c);
/* Makes SSL present it. */
enum err cert_use(const struct cert *c, SSL *ssl) MUST_USE;
