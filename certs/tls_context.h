/* How the edge speaks TLS to clients: versions, ciphers, groups, ALPN. RFC 8446, 5246, 7301,
 * 9113 9.2. */
#pragma once

#include <openssl/ssl.h>

/* A context for servers without certificates, tickets or callbacks but ALPN's; the caller's to
 * free. Dies when the library refuses what is fixed. */
SSL_CTX *tls_context_new(void);
