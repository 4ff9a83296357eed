#include "certs/tls_context.h"

#include <openssl/aead.h>
#include <openssl/nid.h>

#include "core/err.h"
#include "core/mem.h"
#include "core/span.h"

static bool offers(const uint8_t *in, unsigned in_len, struct span protocol)
{
    for (unsigned at = 0; at < in_len; at += 1u + in[at]) {
        /* BoringSSL has checked that the lengths add up. */
        if (span_eq(span_of(in + at + 1, in[at]), protocol))
            return true;
    }
    return false;
}

/* RFC 7301 3.2: our preference decides; "in the event that the server supports no protocols that
 * the client advertises, then the server SHALL respond with a fatal no_application_protocol
 * alert". */
static int on_alpn(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in,
                   unsigned in_len, void *ctx)
{
    (void)ssl, (void)ctx;
    static const struct span ours[] = {{"h2", 2}, {"http/1.1", 8}};
    for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
        if (!offers(in, in_len, ours[i]))
            continue;
        *out = (const uint8_t *)ours[i].p;
        *out_len = (uint8_t)ours[i].len;
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* TLS 1.2 with forward secrecy and AEAD only: no cipher that HTTP/2 forbids (RFC 9113 9.2.2).
 * Within brackets the client's order decides: ChaCha20 where it has no AES instructions. TLS
 * 1.3's ciphers are ordered by the library along the same lines. */
#define CIPHERS_AES                                                                                \
    "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]:"                               \
    "[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]:"                                   \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
/* Our own processor has none either. */
#define CIPHERS_CHACHA                                                                             \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"                                   \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                                   \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"

static bool set_groups(SSL_CTX *ctx)
{
#ifdef SSL_GROUP_X25519_MLKEM768
    static const uint16_t groups[] = {SSL_GROUP_X25519_MLKEM768, SSL_GROUP_X25519,
                                      SSL_GROUP_SECP256R1};
    return SSL_CTX_set1_group_ids(ctx, groups, ARRAY_LEN(groups));
#else
    static const int groups[] = {NID_X25519, NID_X9_62_prime256v1};
    return SSL_CTX_set1_curves(ctx, groups, ARRAY_LEN(groups));
#endif
}

SSL_CTX *tls_context_new(void)
{
    /* Clients' certificates are not asked for: nothing of X.509 is needed while serving. */
    SSL_CTX *ctx = SSL_CTX_new(TLS_with_buffers_method());
    CHECK(ctx);
    CHECK(SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION)); /* RFC 8996 */
    CHECK(
        SSL_CTX_set_strict_cipher_list(ctx, EVP_has_aes_hardware() ? CIPHERS_AES : CIPHERS_CHACHA));
    CHECK(set_groups(ctx));
    SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_early_data_enabled(ctx, 0); /* it can be replayed (RFC 8446 8) */
    SSL_CTX_set_grease_enabled(ctx, 0);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    return ctx;
}
