/* What a single value cannot tell: how values stand to each other. Each check walks the loaded
 * config, whose broken parts are still zero, and adds errors with their places. */
#pragma once

#include "config/duplicates.h"
#include "config/load.h"

/* All of those below, in the order of the file. */
void check_config(struct load *l);

void check_hosts(struct load *l);    /* zone, addresses, nameservers */
void check_listen(struct load *l);   /* listeners, admin_socket; resolves public_https_port */
void check_services(struct load *l); /* and their backends */
void check_domains(struct load *l);  /* and their routes */
void check_rewrites(struct load *l, const char *owner, const struct config_rewrite *v, size_t n);
/* For project files as well: no name twice; domains whose services exist. */
void check_service_names(struct load *l, const struct name_index *names);
void check_routes(struct load *l, const struct config_domain *domains, size_t n,
                  const struct name_index *services);
void check_certificates(struct load *l);
void check_sessions(struct load *l);
void check_dns(struct load *l); /* fills in the records' lines */
