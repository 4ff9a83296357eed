/* Randomness of the operating system, fit for keys and tokens. From any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Fills P with LEN random bytes; dies when the kernel has none to give. */
void random_bytes(void *p, size_t len);
/* Evenly distributed in [0, BOUND); BOUND must not be 0. */
uint32_t random_u32_below(uint32_t bound);
