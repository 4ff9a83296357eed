#include "server/checks.h"

#include <stdio.h>

#include "certs/pem_files.h"
#include "config/errors.h"
#include "core/mem.h"

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

/* Reads the files of one certificate and lets go of them. */
static bool check_file(const struct config *c, size_t i, struct config_errors *errors)
{
    const struct config_cert_file *file = &c->certificates.files[i];
    struct pem_files *files = NULL;
    char *why = NULL;
    char key[64];
    snprintf(key, sizeof key, "certificates.files[%zu]", i);
    enum err e = pem_files_new(ev_default_loop(EVFLAG_AUTO), file, 1, NULL, NULL, &files, &why);
    if (e != ERR_OK)
        errors_add(errors, file->line, key, "%s", why ? why : err_text(e));
    mem_free(why);
    pem_files_free(files);
    return e == ERR_OK;
}

static bool check_files(const struct config *c, struct config_errors *errors)
{
    bool fit = true;
    for (size_t i = 0; i < c->certificates.n_files; i++)
        fit = check_file(c, i, errors) && fit;
    return fit;
}

enum err checks_run(const struct config *c, uint32_t serial, struct dns_zone **zone,
                    struct config_errors *errors)
{
    bool supported = check_supported(c, errors);
    bool readable = check_files(c, errors);
    enum err e = dns_zone_compile(c, serial, zone, errors);
    if (e != ERR_OK || (supported && readable))
        return e;
    dns_zone_unref(*zone);
    *zone = NULL;
    return ERR_UNSUPPORTED;
}
