/* SHA-256 (FIPS 180-4), for the hashes of tokens. Pure.
 *
 * Tokens are 256 random bits, so a plain hash is enough: there is nothing to guess and no need to be
 * slow. This library links no cryptographic one. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SHA256_LEN 32

void sha256(const void *data, size_t len, uint8_t out[SHA256_LEN]);
