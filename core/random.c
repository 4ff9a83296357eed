#include "core/random.h"

#include <errno.h>
#include <sys/random.h>

#include "core/err.h"

void random_bytes(void *p, size_t len)
{
    char *at = (char *)p;
    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0) {
            CHECK(errno == EINTR);
            continue;
        }
        at += n;
        len -= (size_t)n;
    }
}

uint32_t random_u32_below(uint32_t bound)
{
    CHECK(bound > 0);
    /* Lemire's method: the high half of a product, drawn again where the low half shows that the
     * value stands for a share of the 2^32 draws that does not divide evenly. */
    uint32_t uneven = (uint32_t)-bound % bound;
    for (;;) {
        uint32_t draw;
        random_bytes(&draw, sizeof draw);
        uint64_t product = (uint64_t)draw * bound;
        if ((uint32_t)product >= uneven)
            return (uint32_t)(product >> 32);
    }
}
