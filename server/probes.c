#include "server/probes.h"

#include <stdio.h>

#include "core/log.h"
#include "server/control.h"

#define METRICS_TEXT_MAX (256 * 1024)

static void answer(struct local_call *call, int status, const char *type, struct span body)
{
    char length[24];
    int n = snprintf(length, sizeof length, "%zu", body.len);
    const struct local_field fields[] = {
        {SPAN_LIT("content-type"), span_str(type)},
        {SPAN_LIT("content-length"), span_of(length, (size_t)n)},
        {SPAN_LIT("cache-control"), SPAN_LIT("no-store")},
    };
    local_call_head(call, status, fields, 3);
    if (local_call_data(call, body) != ERR_OK)
        LOG(LOG_WARN, "probe_cut", LOG_U("bytes", body.len));
    local_call_end(call);
}

static void answer_text(struct local_call *call, int status, const char *text)
{
    answer(call, status, "text/plain; charset=utf-8", span_str(text));
}

static void answer_metrics(struct local_call *call)
{
    struct buf text;
    buf_init(&text, METRICS_TEXT_MAX);
    if (metrics_write(&text, linkup_version) == ERR_OK)
        answer(call, 200, "text/plain; version=0.0.4; charset=utf-8", buf_span(&text));
    else
        answer_text(call, 500, "the metrics do not fit\n");
    buf_deinit(&text);
}

void probes_answer(struct edge_worker *w, struct local_call *call)
{
    struct span path = call->request->path;
    if (!method_is_safe(call->request->method))
        answer_text(call, 405, "only GET and HEAD\n");
    else if (span_eq(path, SPAN_LIT("/healthz")))
        answer_text(call, 200, "ok\n");
    else if (span_eq(path, SPAN_LIT("/readyz")) && (!w->control->serving || w->control->draining))
        answer_text(call, 503, w->control->draining ? "draining\n" : "starting\n");
    else if (span_eq(path, SPAN_LIT("/readyz")))
        answer_text(call, 200, "ready\n");
    else if (span_eq(path, SPAN_LIT("/metrics")))
        answer_metrics(call);
    else
        answer_text(call, 404, "there are /healthz, /readyz and /metrics\n");
}
