/* The zone, the edge's addresses, its nameservers. */
#include "config/check.h"
#include "config/names.h"

/* "<service>.<session>." before the zone: 63 + 1 + 40 + 1 of the 253 bytes of a name. */
#define ZONE_MAX 148

static void check_zone(struct load *l)
{
    const char *zone = l->config->zone;
    if (!zone)
        return;
    if (strlen(zone) > ZONE_MAX)
        load_fail_at(l, "zone", "must not be longer than %d bytes: names below it would not fit",
                     ZONE_MAX);
}

static bool is_unusable(const struct addr *a)
{
    size_t len = 0;
    const uint8_t *ip = addr_ip_bytes(a, &len);
    bool zero = true;
    for (size_t i = 0; i < len; i++)
        zero = zero && ip[i] == 0;
    bool multicast = len == 4 ? ip[0] >= 224 : len == 16 && ip[0] == 0xff;
    return zero || multicast;
}

static void check_addresses(struct load *l)
{
    const struct config_addrs *a = &l->config->addresses;
    char text[ADDR_TEXT_MAX];
    for (size_t i = 0; i < a->n; i++) {
        if (a->v[i].len == 0 || !is_unusable(&a->v[i]))
            continue;
        load_fail_at(l, load_at(l, "addresses[%zu]", i),
                     "must be an address that clients can reach, not \"%s\"",
                     addr_ip_text(&a->v[i], text));
    }
}

/* "ns1.example.net" without its final dot becomes a name below the zone: with more than one label
 * before the zone, that is what happened. */
static void check_nameservers(struct load *l)
{
    const struct config *c = l->config;
    for (size_t i = 0; c->zone && i < c->nameservers.n; i++) {
        struct span prefix;
        const char *host = c->nameservers.v[i];
        if (!host || !name_below(span_str(host), span_str(c->zone), &prefix))
            continue;
        if (span_chr(prefix, '.') >= 0)
            load_fail_at(l, load_at(l, "nameservers[%zu]", i),
                         "must be one label below the zone (a full name ends with a dot), not "
                         "\"%s.\"",
                         host);
    }
}

void check_hosts(struct load *l)
{
    check_zone(l);
    check_addresses(l);
    check_nameservers(l);
}
