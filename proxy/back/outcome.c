#include "proxy/back/outcome.h"

#include "core/log.h"
#include "proxy/back/pool.h"
#include "proxy/worker.h"

void outcome_failed(struct proxy *p, const struct config_backend *to, struct endpoints *e,
                    struct endpoint *at)
{
    char text[ADDR_TEXT_MAX];
    uint64_t now = loop_now_ms(p->conns.loop);
    if (!endpoint_failed(e, at, now))
        return;
    metrics_add(p->metrics, METRIC_BACK_EJECTED, 1);
    LOG(LOG_WARN, "address_ejected", LOG_S("host", to->host), LOG_U("port", to->port),
        LOG_S("address", addr_ip_text(&at->addr, text)),
        LOG_U("for_ms", at->ejected_until_ms - now));
}

void outcome_broke(struct pool *pool, struct endpoint *at)
{
    outcome_failed(pool->pools->proxy, &pool->to, &pool->endpoints, at);
}

void outcome_answered(struct pool *pool, struct endpoint *at)
{
    endpoint_succeeded(&pool->endpoints, at, loop_now_ms(pool->pools->proxy->conns.loop));
}
