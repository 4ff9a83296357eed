/* The host table: what a host names, without the request's context. Pure; a handful of lookups,
 * however many sessions and domains there are. */
#pragma once

#include "sessions/table.h"

enum host_form {
    HOST_UNKNOWN,
    HOST_EDGE,            /* edge.<zone> */
    HOST_DOMAIN,          /* <domain> */
    HOST_SESSION_DOMAIN,  /* <session>.<domain> */
    HOST_SESSION_SERVICE, /* <service>.<session>.<zone>, <service>--<session>.<zone> */
    HOST_SERVICE,         /* <service>.<zone> */
};

struct host_match {
    enum host_form form;
    struct span session_name;      /* empty: the host names none */
    struct session_entry *session; /* NULL: none named, or it does not live */
    /* The service's label. With HOST_SESSION_DOMAIN only where that session does not live and the
     * label may be a service that the context's session brings. */
    struct span service;
    const struct image_domain *domain; /* HOST_DOMAIN, HOST_SESSION_DOMAIN, or <service>.<zone> */
};

/* HOST is normalised (host_normalise). Spans point into it. */
void host_match(const struct route_table *t, struct span host, struct host_match *out);

/* The domain <LABEL>.<zone>: S's own (may be NULL), else the edge's; NULL when there is none. */
const struct image_domain *host_service_domain(const struct route_table *t,
                                               const struct session_entry *s, struct span label);
