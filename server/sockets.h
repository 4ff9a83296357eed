/* All listening sockets, bound before privileges are dropped: one of each per worker and address, so
 * that the kernel spreads the load (SO_REUSEPORT) and workers share nothing. */
#pragma once

#include "config/config.h"

/* One worker's; owned until a worker takes them (then -1). */
struct worker_sockets {
    int *udp, *tcp;     /* config->listen_dns.n of each */
    int *https, *http;  /* config->listen_https.n, listen_http.n */
    int admin, metrics; /* worker 0 only; else -1 */
};

struct sockets {
    struct worker_sockets *v;
    unsigned n;
    const char *admin_path; /* unlinked by sockets_deinit; NULL: none */
};

/* On failure *WHY (heap) says which address, why, and what to do; nothing stays open. Where a port is
 * 0, the first worker's choice is used by the others. */
enum err sockets_open(const struct config *c, struct sockets *out, char **why) MUST_USE;
/* Closes what no worker has taken. */
void sockets_deinit(struct sockets *s, const struct config *c);
