#include "dns/cookie.h"

#include <string.h>

#include "core/wire.h"
#include "dns/siphash24.h"

/* RFC 9018 4.3: valid for an hour, and five minutes ahead for clocks that differ; renewed when
 * older than half an hour. */
#define COOKIE_LIFE_S 3600
#define COOKIE_AHEAD_S 300
#define COOKIE_RENEW_S 1800

#define COOKIE_VERSION 1
#define COOKIE_TIME_AT 4
#define COOKIE_HASH_AT 8
#define COOKIE_HASH_LEN 8

bool dns_cookie_len_ok(size_t len)
{
    return len == DNS_COOKIE_CLIENT_LEN || (len >= 16 && len <= 40);
}

/* RFC 9018 4.4: SipHash-2-4( Client Cookie | Version | Reserved | Timestamp | Client-IP, Secret ).
 * HEAD is everything before the address. */
static void cookie_hash(const uint8_t key[16], const uint8_t head[16], const struct addr *client,
                        uint8_t out[COOKIE_HASH_LEN])
{
    uint8_t input[16 + 16];
    size_t ip_len;
    const uint8_t *ip = addr_ip_bytes(client, &ip_len);
    memcpy(input, head, 16);
    memcpy(input + 16, ip, ip_len);
    siphash24(key, input, 16 + ip_len, out);
}

/* Without a branch on where the first difference lies. */
static bool hash_eq(const uint8_t *a, const uint8_t *b)
{
    uint8_t diff = 0;
    for (int i = 0; i < COOKIE_HASH_LEN; i++)
        diff |= (uint8_t)(a[i] ^ b[i]);
    return diff == 0;
}

static bool made_with(const uint8_t key[16], const struct addr *client, const uint8_t *cookie)
{
    uint8_t hash[COOKIE_HASH_LEN];
    cookie_hash(key, cookie, client, hash);
    return hash_eq(hash, cookie + DNS_COOKIE_CLIENT_LEN + COOKIE_HASH_AT);
}

/* Seconds since COOKIE was made, by serial number arithmetic (RFC 9018 4.3, RFC 1982). */
static int32_t cookie_age(const uint8_t *cookie, uint32_t wall_s)
{
    struct wire_reader r = wire_reader_of(cookie + DNS_COOKIE_CLIENT_LEN + COOKIE_TIME_AT, 4);
    return (int32_t)(wall_s - wire_get_u32(&r));
}

/* The reserved bytes are hashed as they came and need not be zero (RFC 9018 4.2). */
static enum dns_cookie_state judge(const struct dns_cookie_keys *keys, const struct addr *client,
                                   uint32_t wall_s, const uint8_t *cookie, size_t len, bool *renew)
{
    *renew = true;
    if (len == DNS_COOKIE_CLIENT_LEN)
        return DNS_COOKIE_CLIENT_ONLY;
    if (len != DNS_COOKIE_LEN || cookie[DNS_COOKIE_CLIENT_LEN] != COOKIE_VERSION)
        return DNS_COOKIE_BAD;
    int32_t age = cookie_age(cookie, wall_s);
    if (age > COOKIE_LIFE_S || age < -COOKIE_AHEAD_S)
        return DNS_COOKIE_BAD;

    if (made_with(keys->current, client, cookie)) {
        *renew = age >= COOKIE_RENEW_S;
        return DNS_COOKIE_GOOD;
    }
    /* RFC 9018 5: one of the last secret is good, and answered with one of the new. */
    if (keys->has_previous && made_with(keys->previous, client, cookie))
        return DNS_COOKIE_GOOD;
    return DNS_COOKIE_BAD;
}

static void make_fresh(const struct dns_cookie_keys *keys, const struct addr *client,
                       uint32_t wall_s, const uint8_t *client_cookie, uint8_t out[DNS_COOKIE_LEN])
{
    struct wire_writer w = wire_writer_of(out, DNS_COOKIE_LEN);
    wire_put_bytes(&w, client_cookie, DNS_COOKIE_CLIENT_LEN);
    wire_put_u32(&w, (uint32_t)COOKIE_VERSION << 24);
    wire_put_u32(&w, wall_s);
    cookie_hash(keys->current, out, client, out + DNS_COOKIE_CLIENT_LEN + COOKIE_HASH_AT);
}

enum dns_cookie_state dns_cookie_answer(const struct dns_cookie_keys *keys,
                                        const struct addr *client, uint32_t wall_s,
                                        const uint8_t *cookie, size_t len,
                                        uint8_t out[DNS_COOKIE_LEN])
{
    if (len == 0)
        return DNS_COOKIE_NONE;
    bool renew;
    enum dns_cookie_state state = judge(keys, client, wall_s, cookie, len, &renew);
    if (renew)
        make_fresh(keys, client, wall_s, cookie, out);
    else
        memcpy(out, cookie, DNS_COOKIE_LEN);
    return state;
}
