/* Session tickets (RFC 5077; RFC 8446 4.6.1): sealed under keys that all workers share. */
#pragma once

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

#define TICKET_KEYS_MAX 3

struct ticket_keys {
    /* The newest first: it encrypts; all decrypt. */
    struct ticket_key {
        uint8_t name[16], aes[16], hmac[32];
    } v[TICKET_KEYS_MAX];
    size_t n;
};

/* Puts a fresh key before the others; the oldest beyond TICKET_KEYS_MAX is forgotten, and with it
 * what its tickets protected. Rotate every TICKET_KEY_LIFE_S at the most. */
#define TICKET_KEY_LIFE_S 43200
void ticket_keys_rotate(struct ticket_keys *k);
void ticket_keys_wipe(struct ticket_keys *k);

/* Sets CTX to resume by tickets alone. KEYS stay the caller's, outlive CTX and may change between
 * handshakes; while there are none, no tickets are given. */
void tickets_setup(SSL_CTX *ctx, const struct ticket_keys *keys);
/* To be called when KEYS have changed. */
void tickets_changed(SSL_CTX *ctx, const struct ticket_keys *keys);
