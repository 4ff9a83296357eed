/* What `linkup ca` and `linkup login` share. */
#pragma once

#include "cli/ca_cert.h"
#include "cli/cli.h"

/* CA as people check it: fingerprint, names, validity, on standard error. */
void ca_describe(struct cli *c, const struct ca_cert *ca);
json_t *ca_to_json(const struct ca_cert *ca);
/* What the CA of the local edge of ZONE is called in stores; it has the name of the zone's own. */
const char *ca_local_id(struct cli *c, const char *zone);
#define LOCAL_CA_MAX ((size_t)1 << 20)
