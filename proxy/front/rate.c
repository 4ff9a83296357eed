#include "proxy/front/rate.h"

#define US_PER_MS 1000
#define US_PER_S 1000000

static int64_t full_us(const struct rate_limit *l)
{
    return (int64_t)l->grace_ms * US_PER_MS;
}

void rate_init(struct rate *r, const struct rate_limit *l)
{
    *r = (struct rate){.left_us = full_us(l)};
}

static void leak(struct rate *r, uint64_t now_ms)
{
    if (r->due && now_ms > r->at_ms)
        r->left_us -= (int64_t)(now_ms - r->at_ms) *
                      US_PER_MS; /* clocks of years do not overflow */
    r->at_ms = now_ms;
}

void rate_set_due(struct rate *r, uint64_t now_ms, bool due)
{
    leak(r, now_ms);
    r->due = due;
}

void rate_moved(struct rate *r, const struct rate_limit *l, uint64_t bytes)
{
    if (l->bytes_per_s == 0)
        return;
    int64_t full = full_us(l);
    uint64_t seconds = bytes / l->bytes_per_s, rest = bytes % l->bytes_per_s;
    if (seconds > l->grace_ms / 1000) { /* more than the grace's worth is no use */
        r->left_us = full;
        return;
    }
    r->left_us += (int64_t)(seconds * US_PER_S + rest * US_PER_S / l->bytes_per_s);
    if (r->left_us > full)
        r->left_us = full;
}

uint64_t rate_left_ms(struct rate *r, const struct rate_limit *l, uint64_t now_ms)
{
    leak(r, now_ms);
    if (!r->due || l->bytes_per_s == 0)
        return RATE_NEVER;
    /* Rounded up: a timer set to it finds that it is late. */
    return r->left_us <= 0 ? 0 : ((uint64_t)r->left_us + US_PER_MS - 1) / US_PER_MS;
}
