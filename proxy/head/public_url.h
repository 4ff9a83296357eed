/* The edge's own names as clients know them. Pure. */
#pragma once

#include "proxy/head/forward.h"

/* "web.slim-gecko.dev.example.com", with ":8443" where the port is not the scheme's own, an IPv6 literal
 * in brackets. p is NULL when the arena is full. */
struct span public_authority(const struct forward_facts *facts, struct arena *arena);
/* The same for any host and port; DEFAULT_PORT is left out. */
struct span authority_of(struct span host, uint16_t port, uint16_t default_port,
                         struct arena *arena);
struct span public_scheme(const struct forward_facts *facts);
/* The client's address without its port, in OUT; "unknown" for what has none (RFC 7239 6.2). */
struct span client_ip_text(const struct addr *client, char out[ADDR_TEXT_MAX]);
