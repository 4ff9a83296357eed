#include "core/metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>

#include "core/mem.h"

static const struct family_member {
    struct span name; /* with its labels */
    const char *type, *help;
    bool is_counter;
} members[METRIC_COUNT] = {
#define counter true
#define gauge false
#define METRIC(id, type, name, help) {SPAN_LIT(name), #type, help, type},
#include "core/metrics.def"
#undef METRIC
#undef counter
#undef gauge
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static struct metrics *registered;
/* What the counters of those that have gone had come to: a counter must not fall. */
static uint64_t carried[METRIC_COUNT];

void metrics_register(struct metrics *m)
{
    pthread_mutex_lock(&lock);
    m->next = registered;
    registered = m;
    pthread_mutex_unlock(&lock);
}

static uint64_t value_of(const struct metrics *m, size_t id)
{
    return atomic_load_explicit(&m->value[id], memory_order_relaxed);
}

void metrics_unregister(struct metrics *m)
{
    pthread_mutex_lock(&lock);
    struct metrics **link = &registered;
    while (*link != m) {
        CHECK(*link != NULL);
        link = &(*link)->next;
    }
    *link = m->next;
    for (size_t id = 0; id < METRIC_COUNT; id++)
        if (members[id].is_counter)
            carried[id] += value_of(m, id);
    pthread_mutex_unlock(&lock);
}

static void sum_all(uint64_t sums[METRIC_COUNT])
{
    pthread_mutex_lock(&lock);
    memcpy(sums, carried, sizeof carried);
    for (const struct metrics *m = registered; m; m = m->next)
        for (size_t id = 0; id < METRIC_COUNT; id++)
            sums[id] += value_of(m, id);
    pthread_mutex_unlock(&lock);
}

/* The name without its labels. */
static struct span family_of(size_t id)
{
    struct span name = members[id].name;
    ptrdiff_t brace = span_chr(name, '{');
    return brace < 0 ? name : span_sub(name, 0, (size_t)brace);
}

static bool same_family(size_t a, size_t b)
{
    return span_eq(family_of(a), family_of(b));
}

static bool has_earlier_member(size_t id)
{
    for (size_t i = 0; i < id; i++)
        if (same_family(i, id))
            return true;
    return false;
}

static enum err write_member(struct buf *out, size_t id, uint64_t value)
{
    TRY(buf_append(out, members[id].name));
    /* One thread's share of a gauge may be below zero, where another one took in what it gave. */
    if (!members[id].is_counter)
        return buf_printf(out, " %" PRId64 "\n", (int64_t)value);
    return buf_printf(out, " %" PRIu64 "\n", value);
}

/* The lines of a family must stand together, wherever they are in the table. */
static enum err write_family(struct buf *out, size_t first, const uint64_t sums[METRIC_COUNT])
{
    struct span family = family_of(first);
    TRY(buf_printf(out, "# HELP " SPAN_FMT " %s\n", SPAN_ARG(family), members[first].help));
    TRY(buf_printf(out, "# TYPE " SPAN_FMT " %s\n", SPAN_ARG(family), members[first].type));
    for (size_t id = first; id < METRIC_COUNT; id++)
        if (same_family(first, id))
            TRY(write_member(out, id, sums[id]));
    return ERR_OK;
}

static enum err write_label_value(struct buf *out, struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        if (c == '\\' || c == '"')
            TRY(buf_append(out, SPAN_LIT("\\")));
        TRY(buf_append(out, c == '\n' ? SPAN_LIT("\\n") : span_sub(s, i, 1)));
    }
    return ERR_OK;
}

static enum err write_build_info(struct buf *out, const char *version)
{
    TRY(buf_append(out, SPAN_LIT("# HELP linkup_build_info The running version.\n"
                                 "# TYPE linkup_build_info gauge\n"
                                 "linkup_build_info{version=\"")));
    TRY(write_label_value(out, span_str(version)));
    return buf_append(out, SPAN_LIT("\"} 1\n"));
}

enum err metrics_write(struct buf *out, const char *version)
{
    uint64_t sums[METRIC_COUNT];
    sum_all(sums);
    TRY(write_build_info(out, version));
    for (size_t id = 0; id < METRIC_COUNT; id++)
        if (!has_earlier_member(id))
            TRY(write_family(out, id, sums));
    return ERR_OK;
}
