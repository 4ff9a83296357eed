/* TLS sessions with backends, kept to be resumed: RFC 8446 2.2, RFC 5077. One set per worker.
 *
 * By everything that decides whom a connection is to and how that was made sure of: a session that was made
 * without verification never stands for one with it. The newest few of each backend; those of TLS 1.3 are
 * used once (RFC 8446 C.4). Which backends: as many as were dialled last. */
#pragma once

#include <openssl/ssl.h>

#include "config/config.h"

#define BACK_SESSIONS_BACKENDS 512
#define BACK_SESSIONS_EACH 4
/* How long what was verified once is trusted. */
#define BACK_SESSIONS_LIFE_S 3600

struct back_sessions;

struct back_sessions *back_sessions_new(void);
/* Before or after the connections that use it. */
void back_sessions_free(struct back_sessions *c);
/* Connections of CTX may hand in sessions. */
void back_sessions_setup(SSL_CTX *ctx);
/* SSL is to connect to TO: it offers a session if there is one, and hands in those that it gets. */
void back_sessions_attach(struct back_sessions *c, SSL *ssl, const struct config_backend *to);
