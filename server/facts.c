#include "server/facts.h"

#include "core/timefmt.h"
#include "server/health.h"
#include "server/tunnels.h"
#include "server/watches.h"

static const char *ca_pem(void *ctx)
{
    const struct control *c = ctx;
    return authority_ca_pem(c->authority);
}

static json_t *status(void *ctx)
{
    const struct control *c = ctx;
    size_t held;
    uint64_t made;
    authority_counts(c->authority, &held, &made);
    char started[TIMEFMT_MAX];
    return json_pack("{s:s, s:s, s:i, s:s, s:s, s:I, s:I, s:{s:I, s:I}, s:b, s:o}", "zone",
                     c->config->zone, "version", linkup_version, "workers", (int)c->n_workers,
                     "started", timefmt_rfc3339(c->started_ms, started), "issuer",
                     c->config->certificates.issuer == CERT_ISSUER_INTERNAL ? "internal" : "acme",
                     "sessions", (json_int_t)registry_count(c->registry), "tunnels",
                     (json_int_t)tunnel_book_count(&c->tunnels), "certificates", "held",
                     (json_int_t)held, "made", (json_int_t)made, "draining", (int)c->draining,
                     "health", health_counts(c));
}

static json_t *service_health(void *ctx, const char *service)
{
    return health_of_service(ctx, service);
}

void facts_init(struct control *c)
{
    c->facts = (struct api_facts){
        .ctx = c,
        .version = linkup_version,
        .ca_pem = ca_pem,
        .status = status,
        .service_health = service_health,
        .tunnel_open = tunnels_open,
        .tunnel_lost = tunnels_lost,
        .tunnel_revoke = tunnels_revoke,
        .tunnel_of = tunnels_of,
        .watch_begin = watches_begin,
        .watch_end = watches_end,
    };
}
