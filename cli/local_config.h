/* What the local edge is told: its configuration, and the sessions it serves. Pure: JSON in, JSON out, which
 * is YAML too. Results are kept by the run. */
#pragma once

#include "cli/local_place.h"
#include "config/project.h"

/* The zone's own edge, where what is not local is. */
struct local_beyond {
    uint16_t port;       /* of https://<service>.<zone> */
    const char *connect; /* HOST:PORT to connect to instead, or NULL */
    bool own_ca;         /* its certificates are to be checked by the place's `ca` */
};

/* What the session of PROJECT needs of the edge: {"file", "services": [{"name", "remote"?}], "domains": [...]}.
 * Domains outside ZONE, which a local CA cannot vouch for, are left out. */
json_t *local_part(struct cli *c, const struct project *project, const char *zone);
/* linkupd's configuration for PARTS (an array of them). KNOWN: names of the services that the zone's edge has,
 * NULL when that is not known: then it is thought to have all. */
const char *local_config_text(struct cli *c, const struct local_place *p,
                              const struct local_beyond *beyond, const json_t *parts,
                              const json_t *known);
/* The session for the local edge's API. LOCAL: for each service of PROJECT its URL on this machine, NULL where it
 * is not local. KNOWN as above. */
json_t *local_session_body(struct cli *c, const struct project *project, const char *zone,
                           const char *const *local, const json_t *known);
