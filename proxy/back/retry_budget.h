/* How many second attempts a backend is worth: a share of what was asked of it lately, and a few a
 * second beside, so that one which is going down is not hit twice as hard for it.
 *
 * Two windows of fixed length, the present and the last, are counted together. Pure; one worker's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RETRY_SHARE 20 /* percent of the requests */
#define RETRY_LEAST_A_SECOND 2
#define RETRY_WINDOW_MS 5000

struct retry_window {
    uint32_t requests, retries;
};

struct retry_budget {
    uint64_t window; /* number of the present one */
    struct retry_window now, last;
};

/* A request came for the backend. */
void retry_budget_request(struct retry_budget *b, uint64_t now_ms);
/* Takes one retry off; false: there is none left. */
bool retry_budget_take(struct retry_budget *b, uint64_t now_ms);
