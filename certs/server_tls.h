/* The server's side of TLS, one per worker: the SSL_CTX, the SNI store, the ticket keys.
 *
 * Used by its worker's thread only. A handshake whose certificate is not held yet is suspended
 * (ssl_select_cert_retry: SSL_do_handshake gives SSL_ERROR_PENDING_CERTIFICATE) until the control
 * thread has answered; no other handshake waits for it. RFC 8446, 5246, 6066 3, 7301, 5077. */
#pragma once

#include "certs/cert.h"
#include "certs/tickets.h"
#include "config/config.h"

struct server_tls;

struct cert_waiter;

/* Whose a handshake is, by the name that its ClientHello has. */
enum cert_claim {
    CERT_CLAIM_NONE,    /* ours: a certificate is chosen for it */
    CERT_CLAIM_TAKEN,   /* somebody else's: it is suspended for good, before anything was said */
    CERT_CLAIM_UNKNOWN, /* nobody's: unrecognized_name */
};

/* Embedded in the owner of a connection. */
struct cert_waiter {
    struct cert_waiter *next, **prev; /* in the list of those who wait for the same base */
    /* Called on the worker's thread when the handshake should be tried again. */
    void (*on_ready)(struct cert_waiter *w);
    /* Asked first, once, within the handshake; NULL: all are ours. HOST: normalised, not empty. */
    enum cert_claim (*claims)(struct cert_waiter *w, struct span host);
    struct cert *cert; /* what the connection presents: referenced, NULL until it is chosen */
    bool refused;      /* ours: there is no certificate for this handshake */
    bool claimed;      /* somebody else's */
};

/* A worker asks for at most this many sessions' certificates at once, and holds this many: a
 * scanner that makes up names costs no more. A handshake beyond goes on as if its certificate were
 * refused. */
#define SERVER_TLS_ASKS_MAX 256
#define SERVER_TLS_HELD_MAX 4096

struct server_tls_asks {
    void *ctx;
    /* Ask control for BASE's certificate; the answer must come, as server_tls_put or
     * server_tls_refuse: at once or later. BASE is only lent. */
    void (*ask)(void *ctx, const char *base);
};

/* CONFIG is referenced. */
struct server_tls *server_tls_new(struct config *config, const struct server_tls_asks *asks);
void server_tls_free(struct server_tls *t);
void server_tls_set_config(struct server_tls *t, struct config *config);
void server_tls_set_ticket_keys(struct server_tls *t, const struct ticket_keys *keys);

/* A new SSL in the accept state whose certificate choice may suspend on W (zeroed, on_ready set).
 * The caller sets the BIO and frees the SSL, which must not be used after cert_waiter_deinit but to
 * free it; once the handshake is done it may go on without W. NULL when there is no memory. */
SSL *server_tls_accept(struct server_tls *t, struct cert_waiter *w);
/* Before the connection goes, in every case: leaves the list, drops the certificate. */
void cert_waiter_deinit(struct cert_waiter *w);

/* From control: CERT (referenced) is held under its base, in place of an older one; who waits
 * for it goes on. A PEM file's certificate is matched by the names it covers, before the made
 * ones. */
void server_tls_put(struct server_tls *t, struct cert *cert);
/* As server_tls_put, but only where an older one is held: for a renewal, which need not reach
 * workers that nobody asks. */
void server_tls_replace(struct server_tls *t, struct cert *cert);
/* Cannot be made: the waiting handshakes go on with the zone's certificate if it is held, else fail
 * with unrecognized_name. */
void server_tls_refuse(struct server_tls *t, const char *base);
void server_tls_drop(struct server_tls *t, const char *base);
/* The certificates from PEM files are replaced by these; the first of those that cover a name
 * wins. */
void server_tls_set_files(struct server_tls *t, struct cert *const *certs, size_t n);
