/* SipHash-1-3: a short-input hash that peers who do not know the key cannot make collide. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t k0, k1;
};

uint64_t siphash13(struct siphash_key key, const void *data, size_t len);
