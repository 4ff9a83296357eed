#include "sessions/sha256.h"

#include <string.h>

#include "core/mem.h"

#define BLOCK 64

/* FIPS 180-4, 4.2.2 */
static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static uint32_t load_be(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void store_be(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

/* FIPS 180-4, 6.2.2, step 1. */
static void schedule(const uint8_t block[BLOCK], uint32_t w[64])
{
    for (size_t t = 0; t < 16; t++)
        w[t] = load_be(block + 4 * t);
    for (size_t t = 16; t < 64; t++) {
        uint32_t s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3;
        uint32_t s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
}

/* FIPS 180-4, 6.2.2, steps 2 to 4; v is a to h. */
static void compress(uint32_t hash[8], const uint8_t block[BLOCK])
{
    uint32_t w[64], v[8];
    schedule(block, w);
    memcpy(v, hash, sizeof v);
    for (size_t t = 0; t < 64; t++) {
        uint32_t e1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
        uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t t1 = v[7] + e1 + choice + round_constants[t] + w[t];
        uint32_t e0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
        uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += t1;
        v[0] = t1 + e0 + majority;
    }
    for (size_t i = 0; i < 8; i++)
        hash[i] += v[i];
    mem_wipe(w, sizeof w);
    mem_wipe(v, sizeof v);
}

void sha256(const void *data, size_t len, uint8_t out[SHA256_LEN])
{
    uint32_t hash[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    const uint8_t *p = (const uint8_t *)data;
    size_t left = len;
    for (; left >= BLOCK; left -= BLOCK, p += BLOCK)
        compress(hash, p);

    /* The rest, a 1 bit, zeros, and the length in bits (5.1.1): one block or two. */
    uint8_t last[2 * BLOCK] = {0};
    size_t blocks = left + 9 <= BLOCK ? 1 : 2;
    if (left)
        memcpy(last, p, left);
    last[left] = 0x80;
    uint64_t bits = (uint64_t)len * 8;
    store_be(last + blocks * BLOCK - 8, (uint32_t)(bits >> 32));
    store_be(last + blocks * BLOCK - 4, (uint32_t)bits);
    for (size_t i = 0; i < blocks; i++)
        compress(hash, last + i * BLOCK);

    for (size_t i = 0; i < 8; i++)
        store_be(out + 4 * i, hash[i]);
    mem_wipe(last, sizeof last);
    mem_wipe(hash, sizeof hash);
}
