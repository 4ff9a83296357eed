/* Certificates that the internal CA signs. RFC 5280, and what browsers ask of a server's. */
#pragma once

#include "certs/ca.h"
#include "certs/cert.h"

/* Seconds a certificate is good for, and how far back its begin lies: clients' clocks differ. */
#define LEAF_LIFE_S ((int64_t)7 * 86400)
#define LEAF_BACKDATE_S ((int64_t)5 * 60)

/* A new key and a certificate for BASE and *.BASE, never longer than CA's own life. Makes a key:
 * for the job thread. ERR_CRYPTO when the library refuses. */
enum err leaf_issue(const struct ca *ca, const char *base, int64_t now_s,
                    struct cert **out) MUST_USE;
