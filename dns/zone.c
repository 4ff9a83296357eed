#include "dns/zone.h"

#include <stdarg.h>

#include "core/mem.h"
#include "dns/compile.h"

/* The configuration's own ceilings on dns.records keep it far below. */
#define ZONE_ARENA_MAX ((size_t)256 << 20)

void dns_compile_fault(struct dns_compile *k, const char *key, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    errors_add_v(k->errors, k->line, key, fmt, args);
    va_end(args);
    k->failed = true;
}

static void free_zone(struct dns_zone *z)
{
    dns_tree_deinit(&z->tree);
    arena_deinit(&z->arena);
    mem_free(z);
}

static struct dns_zone *new_zone(const struct config *c)
{
    struct dns_zone *z = NEW(struct dns_zone);
    atomic_init(&z->refs, 1);
    arena_init(&z->arena, NULL, 0, ZONE_ARENA_MAX);
    dns_tree_init(&z->tree, &z->arena);
    z->ttl = c->dns.ttl;
    z->nxdomain = c->dns.unknown_nxdomain;
    z->only_sessions = c->dns.only_sessions;
    return z;
}

/* Settings that are no records. */
static void compile_settings(struct dns_compile *k)
{
    const struct config *c = k->config;
    struct dns_zone *z = k->zone;
    if (!dns_name_from_text(span_str(c->zone), &z->name))
        dns_compile_fault(k, "zone", "%s is not a domain name", c->zone);
    if (!c->dns.nsid)
        return;
    if (strlen(c->dns.nsid) > DNS_NSID_MAX)
        dns_compile_fault(k, "dns.nsid", "longer than %d bytes", DNS_NSID_MAX);
    else
        z->nsid = arena_copy(&z->arena, span_str(c->dns.nsid));
}

enum err dns_zone_compile(const struct config *c, uint32_t serial, struct dns_zone **out,
                          struct config_errors *errors)
{
    struct dns_zone *z = new_zone(c);
    struct dns_compile k = {.config = c, .zone = z, .errors = errors};

    compile_settings(&k);
    if (k.failed) {
        free_zone(z);
        return ERR_SYNTAX;
    }
    k.origin = (struct dns_origin){.zone = &z->name, .ttl = c->dns.ttl};
    k.origin.zone_text = arena_printf(&z->arena, "%s.", c->zone).p;
    dns_compile_static(&k);
    dns_compile_own(&k, serial);
    if (!k.failed)
        dns_compile_sets(&k);
    if (k.failed) {
        free_zone(z);
        return ERR_SYNTAX;
    }
    *out = z;
    return ERR_OK;
}

struct dns_zone *dns_zone_ref(struct dns_zone *z)
{
    atomic_fetch_add_explicit(&z->refs, 1, memory_order_relaxed);
    return z;
}

void dns_zone_unref(struct dns_zone *z)
{
    if (z && atomic_fetch_sub_explicit(&z->refs, 1, memory_order_acq_rel) == 1)
        free_zone(z);
}
