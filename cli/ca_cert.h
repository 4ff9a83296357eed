/* What is in a CA's certificate, as far as trusting it depends on it. Pure. */
#pragma once

#include <stdbool.h>

#include "core/arena.h"
#include "core/span.h"

#define CA_NAMES 16

struct ca_cert {
    const char *pem;                    /* this certificate and nothing else */
    const char *sha256;                 /* the fingerprint: "AB:CD:..." */
    const char *subject;                /* its common name */
    const char *not_before, *not_after; /* RFC 3339 */
    const char *names[CA_NAMES];        /* the DNS names it is limited to, RFC 5280 4.2.1.10 */
    size_t n_names;
    const char *
        unlimited; /* why trusting it risks more than its names, as a sentence; NULL: it does not */
};

/* The one certificate in PEM. On false *WHY is a sentence. */
bool ca_cert_parse(struct arena *arena, struct span pem, struct ca_cert *out, const char **why);
/* Whether TEXT, in either case, with or without colons or a "sha256:" in front, is the fingerprint. */
bool ca_cert_is(const struct ca_cert *cert, const char *text);
