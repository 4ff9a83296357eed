#include "proxy/back/retry_budget.h"

static void turn_to(struct retry_budget *b, uint64_t now_ms)
{
    uint64_t window = now_ms / RETRY_WINDOW_MS;
    if (window == b->window)
        return;
    b->last = window == b->window + 1 ? b->now : (struct retry_window){0};
    b->now = (struct retry_window){0};
    b->window = window;
}

void retry_budget_request(struct retry_budget *b, uint64_t now_ms)
{
    turn_to(b, now_ms);
    b->now.requests++;
}

bool retry_budget_take(struct retry_budget *b, uint64_t now_ms)
{
    turn_to(b, now_ms);
    uint64_t requests = (uint64_t)b->now.requests + b->last.requests;
    uint64_t retries = (uint64_t)b->now.retries + b->last.retries;
    uint64_t least = (uint64_t)RETRY_LEAST_A_SECOND * 2 * RETRY_WINDOW_MS / 1000;
    if (retries >= least + requests * RETRY_SHARE / 100)
        return false;
    b->now.retries++;
    return true;
}
