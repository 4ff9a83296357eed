/* Counters, gauges and histograms, declared once in a table (metrics.def), counted per thread, summed at a
 * scrape.
 *
 * Each thread that counts owns one struct metrics; it alone writes it (plain relaxed stores, no
 * lock, no shared cache line), and a scrape reads all registered ones. Names follow Prometheus:
 * base units, `_total`, `_seconds`, `_bytes`. No label carries a session's name. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "core/buf.h"

enum metric_id {
#define METRIC(id, type, name, help) METRIC_##id,
#include "core/metrics.def"
#undef METRIC
    METRIC_COUNT
};

struct metrics {
    struct metrics *next;
    _Atomic uint64_t value[METRIC_COUNT];
} __attribute__((aligned(64)));

/* Adds M to the ones that a scrape reads, until metrics_unregister. From any thread. */
void metrics_register(struct metrics *m);
void metrics_unregister(struct metrics *m);

static inline void metrics_add(struct metrics *m, enum metric_id id, uint64_t n)
{
    uint64_t v = atomic_load_explicit(&m->value[id], memory_order_relaxed);
    atomic_store_explicit(&m->value[id], v + n, memory_order_relaxed);
}
static inline void metrics_sub(struct metrics *m, enum metric_id id, uint64_t n)
{
    metrics_add(m, id, (uint64_t)0 - n);
}
/* Takes MICROSECONDS up into the histogram of linkup_http_head_seconds. */
void metrics_observe_head(struct metrics *m, uint64_t microseconds);
/* For gauges that one thread owns. */
static inline void metrics_set(struct metrics *m, enum metric_id id, uint64_t v)
{
    atomic_store_explicit(&m->value[id], v, memory_order_relaxed);
}

/* The text exposition format 0.0.4, with linkup_build_info{version=VERSION}. */
enum err metrics_write(struct buf *out, const char *version) MUST_USE;
