#include "server/checks.h"

#include "config/errors.h"

/* Refused, rather than taken and not done: who asks for a signed zone must not serve an unsigned one. */
static bool check_supported(const struct config *c, struct config_errors *errors)
{
    size_t before = errors->n;
    if (c->dns.dnssec)
        errors_add(errors, 0, "dns.dnssec",
                   "signing the zone is not in this version: leave it out");
    if (c->certificates.issuer == CERT_ISSUER_ACME)
        errors_add(
            errors, 0, "certificates.issuer",
            "acme is not in this version: use internal, and files for domains outside the zone");
    return errors->n == before;
}

enum err checks_run(const struct config *c, uint32_t serial, struct dns_zone **zone,
                    struct config_errors *errors)
{
    bool supported = check_supported(c, errors);
    enum err e = dns_zone_compile(c, serial, zone, errors);
    if (e != ERR_OK || supported)
        return e;
    dns_zone_unref(*zone);
    *zone = NULL;
    return ERR_UNSUPPORTED;
}
