/* Whether a peer that has bytes to give, or to take, does it fast enough. Pure: fed with bytes and time.
 *
 * A budget of time, at most the grace, leaks while bytes are due, and only then; each byte that moves
 * pays for 1/N of a second. Who moves N bytes a second on the average never comes to its end, however
 * unevenly; who has been quick may rest for the grace; who trickles is found out after
 * grace * N / (N - n). Nobody else's silence costs anything: while nothing is due, time stands. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rate_limit {
    uint64_t bytes_per_s; /* 0: as slowly as it likes */
    uint64_t grace_ms;
};

struct rate {
    int64_t left_us;
    uint64_t at_ms; /* the budget was right then; while due */
    bool due;
};

#define RATE_NEVER UINT64_MAX

void rate_init(struct rate *r, const struct rate_limit *l);
/* Whether bytes are due from NOW on. */
void rate_set_due(struct rate *r, uint64_t now_ms, bool due);
void rate_moved(struct rate *r, const struct rate_limit *l, uint64_t bytes);
/* In how many milliseconds it is too late if nothing moves: 0: it is; RATE_NEVER: nothing is due, or
 * there is no limit. */
uint64_t rate_left_ms(struct rate *r, const struct rate_limit *l, uint64_t now_ms);
