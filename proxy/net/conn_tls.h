/* The TLS half of a connection; private to conn. BoringSSL reads ciphertext out of the worker's scratch
 * (one recv for many records) and writes records into `out` (many records for one send). */
#pragma once

#include <sys/types.h>

#include "proxy/net/conn.h"

BIO_METHOD *conn_tls_bio_method(void);
void conn_tls_attach(struct conn *c);
void conn_tls_handshake(struct conn *c);
void conn_tls_read(struct conn *c);
/* Takes up what was received before, and nothing new. */
void conn_tls_reread(struct conn *c);
void conn_tls_write(struct conn *c, struct span s);
void conn_tls_notify_close(struct conn *c);
/* C's TLS session, BIO included, goes on as TO's; C's own ciphertext buffer has what was not read. */
void conn_tls_move(struct conn *to, struct conn *c);
