#include "core/metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>

#include "core/mem.h"

static const struct family_member {
    struct span name; /* with its labels */
    const char *type, *help;
    bool is_counter, is_histogram;
} members[METRIC_COUNT] = {
#define counter true, false
#define gauge false, false
#define histogram true, true
#define METRIC(id, type, name, help) {SPAN_LIT(name), #type, help, type},
#include "core/metrics.def"
#undef METRIC
#undef counter
#undef gauge
#undef histogram
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

void metrics_observe_head(struct metrics *m, uint64_t microseconds)
{
    static const uint64_t limits[] = {5000, 25000, 100000, 500000, 2500000, 10000000};
    _Static_assert(METRIC_HEAD_MORE - METRIC_HEAD_5MS == ARRAY_LEN(limits), "as in the table");
    size_t i = 0;
    while (i < ARRAY_LEN(limits) && microseconds > limits[i])
        i++;
    metrics_add(m, (enum metric_id)(METRIC_HEAD_5MS + i), 1);
    metrics_add(m, METRIC_HEAD_SUM, microseconds);
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

/* The name without its labels, and without what tells the members of a histogram apart. */
static struct span family_of(size_t id)
{
    struct span name = members[id].name;
    ptrdiff_t brace = span_chr(name, '{');
    if (brace >= 0)
        name = span_sub(name, 0, (size_t)brace);
    if (!members[id].is_histogram)
        return name;
    ptrdiff_t last = span_rchr(name, '_');
    return span_sub(name, 0, (size_t)last);
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

/* Prometheus counts in each bucket what is in those before as well. The count is the last one's. */
static enum err write_histogram(struct buf *out, size_t first, const uint64_t sums[METRIC_COUNT])
{
    struct span family = family_of(first);
    uint64_t count = 0;
    size_t id = first;
    for (; span_chr(members[id].name, '{') >= 0; id++) {
        count += sums[id];
        TRY(write_member(out, id, count));
    }
    TRY(buf_append(out, members[id].name));
    TRY(buf_printf(out, " %" PRIu64 ".%06" PRIu64 "\n", sums[id] / 1000000, sums[id] % 1000000));
    return buf_printf(out, SPAN_FMT "_count %" PRIu64 "\n", SPAN_ARG(family), count);
}

/* The lines of a family must stand together, wherever they are in the table. */
static enum err write_family(struct buf *out, size_t first, const uint64_t sums[METRIC_COUNT])
{
    struct span family = family_of(first);
    TRY(buf_printf(out, "# HELP " SPAN_FMT " %s\n", SPAN_ARG(family), members[first].help));
    TRY(buf_printf(out, "# TYPE " SPAN_FMT " %s\n", SPAN_ARG(family), members[first].type));
    if (members[first].is_histogram)
        return write_histogram(out, first, sums);
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
