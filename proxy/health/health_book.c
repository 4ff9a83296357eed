#include "proxy/health/health_book.h"

#include "core/mem.h"

/* --- which services ------------------------------------------------------------------------------ */

void health_book_init(struct health_book *b)
{
    *b = (struct health_book){0};
}

static void free_all(struct health_service *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        mem_free(v[i].name);
    mem_free(v);
}

void health_book_deinit(struct health_book *b)
{
    free_all(b->v, b->n);
    health_book_init(b);
}

static struct health_service *by_hash(struct health_service *v, size_t n, uint64_t hash)
{
    for (size_t i = 0; i < n; i++)
        if (v[i].hash == hash)
            return &v[i];
    return NULL;
}

void health_book_set(struct health_book *b, const struct edge_image *i, int64_t now_ms)
{
    struct health_book old = *b;
    b->v = mem_zalloc((i->n_services + 1) * sizeof *b->v);
    b->n = 0;
    for (size_t k = 0; k < i->n_services; k++) {
        const struct image_service *from = &i->services[k];
        if (!from->health)
            continue;
        struct health_service *s = &b->v[b->n++];
        const struct health_service *known = by_hash(old.v, old.n, from->backend.hash);
        if (known)
            *s = *known;
        else
            s->since_ms = now_ms;
        s->name = mem_strdup(from->name);
        s->hash = from->backend.hash;
        s->rise = from->health->rise;
        s->fall = from->health->fall;
    }
    free_all(old.v, old.n);
}

/* --- what was found ------------------------------------------------------------------------------ */

/* True: its state is another one now. */
static bool note(const struct health_service *s, struct health_address *a, bool well)
{
    enum health_state before = a->state;
    a->good = well ? a->good + 1 : 0;
    a->bad = well ? 0 : a->bad + 1;
    if (well && (a->state == HEALTH_UNKNOWN || a->good >= s->rise))
        a->state = HEALTH_UP;
    if (!well && a->bad >= s->fall)
        a->state = HEALTH_DOWN;
    return a->state != before;
}

static struct health_address *known_address(struct health_service *s, const struct addr *a)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i].addr.len > 0 && addr_eq(&s->v[i].addr, a))
            return &s->v[i];
    return NULL;
}

static void note_failure(struct health_service *s, const struct health_finding *f, int64_t now_ms)
{
    if (f->outcome == HEALTH_WELL)
        return;
    s->last_outcome = f->outcome;
    s->last_status = f->status;
    s->last_ms = now_ms;
}

static bool take_findings(struct health_service *s, const struct health_round *r, int64_t now_ms)
{
    struct health_address next[HEALTH_ADDRS_MAX] = {0};
    bool changed = false;
    size_t kept = 0;
    for (size_t i = 0; i < r->n; i++) {
        const struct health_address *known = known_address(s, &r->v[i].addr);
        kept += known != NULL;
        next[i] = known ? *known : (struct health_address){.addr = r->v[i].addr};
        changed |= note(s, &next[i], r->v[i].outcome == HEALTH_WELL);
        note_failure(s, &r->v[i], now_ms);
    }
    changed |= kept != s->n; /* one that is gone may have been down */
    memcpy(s->v, next, r->n * sizeof *next);
    s->n = r->n;
    return changed;
}

static bool take_nameless(struct health_service *s, int64_t now_ms)
{
    const struct health_finding f = {.outcome = HEALTH_NAME};
    bool changed = false;
    if (s->n == 0)
        s->v[s->n++] = (struct health_address){.addr = {.len = 0}};
    for (size_t i = 0; i < s->n; i++)
        changed |= note(s, &s->v[i], false);
    note_failure(s, &f, now_ms);
    return changed;
}

size_t health_service_count(const struct health_service *s, enum health_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += s->v[i].addr.len > 0 && s->v[i].state == state;
    return n;
}

static enum health_state state_of(const struct health_service *s)
{
    size_t down = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (s->v[i].state == HEALTH_UP)
            return HEALTH_UP;
        down += s->v[i].state == HEALTH_DOWN;
    }
    return s->n > 0 && down == s->n ? HEALTH_DOWN : HEALTH_UNKNOWN;
}

unsigned health_book_take(struct health_book *b, const struct health_round *r, int64_t now_ms,
                          const struct health_service **out)
{
    CHECK(r->n <= HEALTH_ADDRS_MAX);
    struct health_service *s = by_hash(b->v, b->n, r->hash);
    *out = s;
    if (!s)
        return HEALTH_SAME;
    bool changed = r->n > 0 ? take_findings(s, r, now_ms) : take_nameless(s, now_ms);
    enum health_state state = state_of(s);
    unsigned flags = changed ? HEALTH_ADDRESS_CHANGED : HEALTH_SAME;
    if (state == s->state)
        return flags;
    s->state = state;
    s->since_ms = now_ms;
    return flags | HEALTH_STATE_CHANGED;
}

/* --- what is told -------------------------------------------------------------------------------- */

const struct health_service *health_book_find(const struct health_book *b, const char *name)
{
    for (size_t i = 0; i < b->n; i++)
        if (strcmp(b->v[i].name, name) == 0)
            return &b->v[i];
    return NULL;
}

static void describe(const struct health_service *s, struct health_entry *e)
{
    e->hash = s->hash;
    e->down = s->state == HEALTH_DOWN;
    e->since_ms = s->since_ms;
    e->outcome = s->last_outcome;
    e->status = s->last_status;
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i].state == HEALTH_DOWN && s->v[i].addr.len > 0)
            e->addrs[e->n++] = s->v[i].addr;
}

struct health_image *health_book_image(const struct health_book *b)
{
    struct health_image *image = health_image_new(b->n);
    for (size_t i = 0; i < b->n; i++) {
        struct health_entry *e = &image->v[image->n];
        describe(&b->v[i], e);
        if (e->n > 0 || e->down)
            image->n++;
    }
    health_image_seal(image);
    return image;
}
