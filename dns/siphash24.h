/* SipHash-2-4, the hash that RFC 9018 4.4 prescribes for server cookies. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The 8 bytes of the hash of LEN bytes at DATA, in the algorithm's own (little-endian) order. */
void siphash24(const uint8_t key[16], const void *data, size_t len, uint8_t out[8]);
