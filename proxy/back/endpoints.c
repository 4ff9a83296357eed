#include "proxy/back/endpoints.h"

#include "core/mem.h"

/* --- the list ------------------------------------------------------------------------------------ */

void endpoints_init(struct endpoints *e)
{
    *e = (struct endpoints){0};
}

void endpoints_deinit(struct endpoints *e)
{
    while (e->first) {
        struct endpoint *p = e->first;
        CHECK(p->holds == 0);
        e->first = p->next;
        mem_free(p);
    }
    e->n_listed = 0;
}

/* Takes the endpoint of A off the list LEFT, or makes one. */
static struct endpoint *take(struct endpoint **left, const struct addr *a)
{
    for (struct endpoint **at = left; *at; at = &(*at)->next) {
        struct endpoint *p = *at;
        if (!addr_eq(&p->addr, a))
            continue;
        *at = p->next;
        return p;
    }
    struct endpoint *p = NEW(struct endpoint);
    p->addr = *a;
    return p;
}

static bool has(const struct addr *v, size_t n, const struct addr *a)
{
    for (size_t i = 0; i < n; i++)
        if (addr_eq(&v[i], a))
            return true;
    return false;
}

/* The last link of those in use, which is what LEFT had; the others are freed. */
static struct endpoint *keep_used(struct endpoint *left)
{
    struct endpoint *kept = NULL, *next;
    for (struct endpoint *p = left; p; p = next) {
        next = p->next;
        if (p->holds == 0) {
            mem_free(p);
            continue;
        }
        p->listed = false;
        p->next = kept;
        kept = p;
    }
    return kept;
}

void endpoints_update(struct endpoints *e, const struct addr *v, size_t n)
{
    struct endpoint *left = e->first, *first = NULL, **at = &first;
    if (n > ENDPOINTS_LISTED_MAX)
        n = ENDPOINTS_LISTED_MAX;
    e->n_listed = 0;
    for (size_t i = 0; i < n; i++) {
        if (has(v, i, &v[i]))
            continue;
        struct endpoint *p = take(&left, &v[i]);
        p->listed = true;
        *at = p;
        at = &p->next;
        e->n_listed++;
    }
    *at = keep_used(left);
    e->first = first;
}

void endpoint_hold(struct endpoint *p)
{
    p->holds++;
}

void endpoint_drop(struct endpoints *e, struct endpoint *p)
{
    CHECK(p->holds > 0);
    if (--p->holds > 0 || p->listed)
        return;
    struct endpoint **at = &e->first;
    while (*at != p) {
        CHECK(*at != NULL);
        at = &(*at)->next;
    }
    *at = p->next;
    mem_free(p);
}

/* --- the choice ---------------------------------------------------------------------------------- */

bool endpoint_is_ejected(const struct endpoint *p, uint64_t now_ms)
{
    return p->ejected_until_ms > now_ms;
}

static bool is_in(const struct endpoint *p, struct endpoint_list list)
{
    return has(list.v, list.n, &p->addr);
}

bool endpoint_is_well(const struct endpoints *e, const struct endpoint *p, uint64_t now_ms)
{
    return p->listed && !endpoint_is_ejected(p, now_ms) && !is_in(p, e->down);
}

/* In percent: how large a part of the choices is open to one that came back. */
static unsigned share_of(const struct endpoint *p, uint64_t now_ms)
{
    if (p->ejected_until_ms == 0)
        return 100;
    uint64_t back_ms = now_ms - p->ejected_until_ms;
    if (back_ms >= ENDPOINT_SLOW_START_MS)
        return 100;
    return ENDPOINT_SLOW_START_SHARE +
           (unsigned)(back_ms * (100 - ENDPOINT_SLOW_START_SHARE) / ENDPOINT_SLOW_START_MS);
}

/* Lower is better; what is in one class is told apart by its load. */
enum rank {
    RANK_WELL,
    RANK_OTHER,     /* of the family that is not preferred */
    RANK_RETURNING, /* its share says: not this time */
    RANK_EJECTED,
    RANK_NO,
};

static enum rank rank_of(const struct endpoints *e, const struct endpoint *p,
                         const struct endpoint_choice *c)
{
    if (!p->listed || is_in(p, e->down) || is_in(p, c->tried))
        return RANK_NO;
    if (endpoint_is_ejected(p, c->now_ms))
        return RANK_EJECTED;
    if (c->chance % 100 >= share_of(p, c->now_ms))
        return RANK_RETURNING;
    return p->addr.sa.sa_family == e->first->addr.sa.sa_family ? RANK_WELL : RANK_OTHER;
}

struct endpoint *endpoints_pick(struct endpoints *e, const struct endpoint_choice *c)
{
    struct endpoint *best = NULL;
    enum rank best_rank = RANK_NO;
    unsigned equal = 0;
    uint32_t chance = c->chance / 100;
    for (struct endpoint *p = e->first; p; p = p->next) {
        enum rank rank = rank_of(e, p, c);
        if (rank == RANK_NO || (best && rank > best_rank))
            continue;
        if (!best || rank < best_rank || p->busy < best->busy) {
            best = p;
            best_rank = rank;
            equal = 1;
        } else if (p->busy == best->busy && chance % ++equal == 0) {
            best = p; /* each of the equals with the same chance */
            chance /= equal;
        }
    }
    return best;
}

bool endpoints_all_out(const struct endpoints *e, uint64_t now_ms)
{
    for (const struct endpoint *p = e->first; p; p = p->next)
        if (endpoint_is_well(e, p, now_ms))
            return false;
    return e->n_listed > 0;
}

/* --- outcomes ------------------------------------------------------------------------------------ */

static void eject(struct endpoint *p, uint64_t now_ms)
{
    uint64_t ms = ENDPOINT_EJECT_FIRST_MS;
    for (unsigned i = 0; i < p->ejections && ms < ENDPOINT_EJECT_MOST_MS; i++)
        ms *= 2;
    p->ejections++;
    p->probation = true;
    p->failures = 0;
    p->ejected_until_ms = now_ms + (ms < ENDPOINT_EJECT_MOST_MS ? ms : ENDPOINT_EJECT_MOST_MS);
}

bool endpoint_failed(struct endpoints *e, struct endpoint *p, uint64_t now_ms)
{
    (void)e;
    /* What was under way when it was ejected fails one after the other: that is no news. */
    if (endpoint_is_ejected(p, now_ms))
        return false;
    p->failures++;
    if (!p->probation && p->failures < ENDPOINT_EJECT_AFTER)
        return false;
    eject(p, now_ms);
    return true;
}

void endpoint_succeeded(struct endpoints *e, struct endpoint *p, uint64_t now_ms)
{
    e->failing_since_ms = 0;
    p->failures = 0;
    if (p->ejected_until_ms == 0)
        return;
    p->probation = false;
    if (endpoint_is_ejected(p, now_ms)) {
        p->ejected_until_ms = now_ms; /* all were, and this one is well */
        return;
    }
    if (now_ms - p->ejected_until_ms < ENDPOINT_SLOW_START_MS)
        return;
    p->ejected_until_ms = 0;
    p->ejections = 0;
}

void endpoints_unreachable(struct endpoints *e, uint64_t now_ms)
{
    if (e->failing_since_ms == 0)
        e->failing_since_ms = now_ms;
}

bool endpoints_remember(const struct endpoints *e, uint64_t now_ms)
{
    for (const struct endpoint *p = e->first; p; p = p->next) {
        bool fresh = p->ejected_until_ms > 0 &&
                     now_ms < p->ejected_until_ms + ENDPOINT_SLOW_START_MS;
        if (p->holds > 0 || p->failures > 0 || fresh)
            return true;
    }
    return e->failing_since_ms > 0;
}
