#include "dns/responder.h"

#include "core/mem.h"
#include "dns/lookup.h"

struct dns_responder *dns_responder_new(struct dns_zone *zone, const struct dns_oracle *oracle,
                                        struct metrics *metrics)
{
    struct dns_responder *r = NEW(struct dns_responder);
    r->zone = dns_zone_ref(zone);
    if (oracle)
        r->oracle = *oracle;
    r->metrics = metrics;
    dns_txt_init(&r->txt);
    return r;
}

void dns_responder_free(struct dns_responder *r)
{
    if (!r)
        return;
    dns_zone_unref(r->zone);
    dns_txt_deinit(&r->txt);
    mem_wipe(&r->cookie_keys, sizeof(r->cookie_keys));
    mem_free(r);
}

void dns_responder_set_zone(struct dns_responder *r, struct dns_zone *zone)
{
    struct dns_zone *old = r->zone;
    r->zone = dns_zone_ref(zone);
    dns_zone_unref(old);
}

void dns_responder_set_cookie_keys(struct dns_responder *r, const struct dns_cookie_keys *keys)
{
    r->cookie_keys = *keys;
    r->has_cookie_keys = true;
}

enum err dns_responder_txt_add(struct dns_responder *r, struct span name, struct span value)
{
    struct dns_name n;
    unsigned below;
    if (!dns_name_from_text(name, &n))
        return ERR_SYNTAX;
    if (!dns_name_in(&n, &r->zone->name, &below))
        return ERR_RANGE;
    /* RFC 2181 10.1: nothing stands beside a CNAME; it would hide the value. */
    struct dns_found f = dns_lookup(r->zone, &n, below);
    if (f.exact && f.node->cname)
        return ERR_CONFLICT;
    return dns_txt_add(&r->txt, &n, value);
}

void dns_responder_txt_remove(struct dns_responder *r, struct span name, struct span value)
{
    struct dns_name n;
    if (dns_name_from_text(name, &n))
        dns_txt_remove(&r->txt, &n, value);
}
