/* The parts that certificates we sign are made of. RFC 5280.
 *
 * A certificate is begun, given its extensions, and signed; what a function cannot do for want of
 * memory it reports, and the certificate is thrown away. Any thread. */
#pragma once

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/span.h"

/* A fresh P-256 key, NULL when the library refuses. */
EVP_PKEY *x509_make_key(void) MUST_USE;

/* A v3 certificate with a random serial for KEY. CN may be NULL: an empty subject. ISSUER is the
 * name of who signs; NULL: it signs itself. NULL on failure. */
X509 *x509_begin(EVP_PKEY *key, const char *cn, const X509_NAME *issuer, int64_t not_before_s,
                 int64_t not_after_s) MUST_USE;
/* 4.2.1.9, critical; a CA may have no CA below it. */
bool x509_add_basic_constraints(X509 *x, bool ca) MUST_USE;
/* 4.2.1.3, critical; BITS as in the first octet of the bit string. */
#define X509_USE_DIGITAL_SIGNATURE 0x80u
#define X509_USE_CERT_SIGN 0x04u
#define X509_USE_CRL_SIGN 0x02u
bool x509_add_key_usage(X509 *x, uint8_t bits) MUST_USE;
/* 4.2.1.12: servers only. */
bool x509_add_server_auth(X509 *x) MUST_USE;
/* 4.2.1.2 and 4.2.1.1. */
bool x509_add_subject_key_id(X509 *x) MUST_USE;
bool x509_add_authority_key_id(X509 *x, const X509 *ca) MUST_USE;
/* 4.2.1.6: BASE and *.BASE; critical when the subject is empty. */
bool x509_add_base_names(X509 *x, const char *base) MUST_USE;
/* 4.2.1.10, critical: DNS names at and below ZONE, no IP address. */
bool x509_add_name_constraints(X509 *x, const char *zone) MUST_USE;

/* Whether X bears exactly the constraints that x509_add_name_constraints gives for ZONE. If not,
 * *OTHER (heap, caller frees) is the DNS name it permits first, NULL when none can be read. */
bool x509_constrained_to(X509 *x, const char *zone, char **other) MUST_USE;

/* DER; NULL when there is no memory. */
CRYPTO_BUFFER *x509_to_buffer(X509 *x) MUST_USE;
/* Seconds since 1970; ERR_CRYPTO when T is no time. */
enum err x509_seconds(const ASN1_TIME *t, int64_t *out) MUST_USE;
