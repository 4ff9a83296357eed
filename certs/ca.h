/* The internal CA: a key that signs, and the certificate that people trust for it.
 *
 * It is name-constrained to the zone, so that trusting it risks nothing else. Immutable and counted
 * atomically: the job thread signs with it. */
#pragma once

#include <openssl/x509.h>
#include <stdint.h>

#include "certs/cert.h"
#include "core/err.h"

struct ca;

/* Loads <STATE>/ca, or makes it when there is none: ca.pem (0644) and ca.key (0600) in a folder of
 * 0700 that appears whole or not at all. What is there is never replaced. On failure *WHY (heap,
 * caller frees) says what is wrong and what to do. Blocking. */
enum err ca_open(const char *state, const char *zone, int64_t now_s, struct ca **out,
                 char **why) MUST_USE;
struct ca *ca_ref(struct ca *ca);
void ca_unref(struct ca *ca);

/* Lives as long as the CA. */
const char *ca_pem(const struct ca *ca);
X509 *ca_x509(const struct ca *ca);
EVP_PKEY *ca_key(const struct ca *ca);
int64_t ca_not_after_s(const struct ca *ca);

/* For ca_store.c. */

/* A new key and its certificate. ERR_CRYPTO when the library refuses. */
enum err ca_make(const char *zone, int64_t now_s, struct ca **out) MUST_USE;
/* From what the two files hold. WHY as in ca_open, without the paths. */
enum err ca_parse(struct span pem, struct span key, const char *zone, int64_t now_s,
                  struct ca **out, char **why) MUST_USE;
/* The key as PKCS #8 PEM: a secret, *TEXT is the caller's to wipe and mem_free. */
enum err ca_key_pem(const struct ca *ca, char **text) MUST_USE;
