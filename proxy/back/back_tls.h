/* TLS towards backends: the client's side, one per worker. RFC 8446, RFC 6066 3, RFC 6125.
 *
 * Verified against the system's roots, or against the PEM file that the backend's settings name; the
 * name checked and sent as SNI is the URL's host or `server_name`. Sessions are resumed (back_sessions.h).
 * One worker's thread only. */
#pragma once

#include <openssl/ssl.h>

#include "config/config.h"

struct back_tls;

struct back_tls *back_tls_new(void);
void back_tls_free(struct back_tls *t);

/* A new SSL in the connect state for TO, without BIO; the caller's. H1_ONLY: does not offer HTTP/2. NULL
 * when the CA file cannot be read (which is logged), or without memory. */
SSL *back_tls_connect(struct back_tls *t, const struct config_backend *to, bool h1_only);
