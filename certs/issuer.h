/* One way to get certificates made: a small table of functions that the authority calls.
 *
 * Everything runs on the control thread; what is slow, an issuer does elsewhere. */
#pragma once

#include <stdint.h>

#include "certs/cert.h"

struct issuer;

/* CERT is borrowed, NULL when E says why there is none. */
typedef void issuer_done(void *ctx, struct cert *cert, enum err e);

struct issuer_ops {
    const char *name; /* for the log */
    /* Whether BASE is one that this issuer can get a certificate for; asked before issue. */
    enum err (*may)(const struct issuer *i, const char *base);
    /* Gets a certificate for BASE and *.BASE, as of NOW_S (seconds since 1970). DONE is called
     * once, later, never from within this call. */
    void (*issue)(struct issuer *i, const char *base, int64_t now_s, issuer_done *done, void *ctx);
    /* When CERT should have a successor, in seconds since 1970. */
    int64_t (*renew_at_s)(const struct issuer *i, const struct cert *cert);
    /* The issuer's root in PEM where clients must be told of it, else NULL. Lives as long as I. */
    const char *(*root_pem)(const struct issuer *i);
    /* No DONE is called any more, of what is still in the making neither. */
    void (*free)(struct issuer *i);
};

struct issuer {
    const struct issuer_ops *ops;
};
