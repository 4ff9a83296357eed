#include "server/reference.h"

#include "config/config.h"
#include "core/mem.h"

/* --- metrics ------------------------------------------------------------------------------------- */

static const struct metric_row {
    struct span name; /* with its labels */
    const char *type, *help;
} metrics[] = {
    {SPAN_LIT("linkup_build_info{version=\"...\"}"), "gauge", "The running version."},
#define METRIC(id, type, name, help) {SPAN_LIT(name), #type, help},
#include "core/metrics.def"
#undef METRIC
};

/* The name without its labels. */
static struct span family_of(const struct metric_row *m)
{
    ptrdiff_t brace = span_chr(m->name, '{');
    struct span name = brace < 0 ? m->name : span_sub(m->name, 0, (size_t)brace);
    bool parts = strcmp(m->type, "histogram") == 0;
    return parts ? span_sub(name, 0, (size_t)span_rchr(name, '_')) : name;
}

/* The labels of all that are of M's family: they stand together in the table. */
static enum err put_labels(struct buf *out, const struct metric_row *m)
{
    const struct metric_row *end = metrics + ARRAY_LEN(metrics);
    struct span family = family_of(m);
    for (const char *comma = ""; m < end && span_eq(family_of(m), family); m++, comma = ", ") {
        ptrdiff_t brace = span_chr(m->name, '{');
        if (brace < 0)
            continue;
        struct span labels = span_from(m->name, (size_t)brace);
        TRY(buf_printf(out, "%s`" SPAN_FMT "`", comma,
                       SPAN_ARG(span_sub(labels, 1, labels.len - 2))));
    }
    return ERR_OK;
}

enum err reference_metrics(struct buf *out)
{
    TRY(buf_printf(out, "| metric | type | labels | meaning |\n|---|---|---|---|\n"));
    for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
        struct span family = family_of(&metrics[i]);
        if (i > 0 && span_eq(family, family_of(&metrics[i - 1])))
            continue;
        TRY(buf_printf(out, "| `" SPAN_FMT "` | %s | ", SPAN_ARG(family), metrics[i].type));
        TRY(put_labels(out, &metrics[i]));
        TRY(buf_printf(out, " | %s |\n", metrics[i].help));
    }
    return ERR_OK;
}
