/* A session of this machine as people see it: each of its services, whose copy answers, and where.
 *
 * A service is a JSON object: {"service", "url", "place": "local" | "remote" | "shared", "backend": its URL or "",
 * and once it was asked "health": "up" | "down" | "", "why"}. */
#pragma once

#include "cli/book.h"
#include "config/project.h"

/* The entry's services, local ones first, then in the project's order (P may be NULL); kept by the run. */
json_t *here_services(struct cli *c, const struct project *p, const json_t *entry);
struct here_set {
    const struct project *project; /* NULL: none */
    json_t *services;
};

/* Asks those that are local, or have a `remote`, whether they are well, all at once. CONNECT_ONLY: whether somebody
 * listens, and only the local ones. */
void here_probe(struct cli *c, const struct here_set *v, size_t n, bool connect_only);
/* A warning for each local one where nobody listens. */
void here_warn(struct cli *c, const struct project *p, const json_t *services);

/* A table on a terminal; in a pipe one URL a line, the domains' last. */
void here_print_urls(struct cli *c, const json_t *entry, const json_t *services);
/* The same as JSON, with the session's name and edge. A new reference. */
json_t *here_json(const json_t *entry, json_t *services);
