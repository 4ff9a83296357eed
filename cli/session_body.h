/* A session of a project as the API takes it. */
#pragma once

#include "cli/cli.h"
#include "config/project.h"

/* Services with a URL in LOCAL are behind the tunnel, those that the project does not know (`linkup http`) too; the
 * others have their `remote`, or are the edge's own. P may be NULL. A new reference. */
json_t *session_body(const struct project *p, const json_t *local);
/* The override of one service, a new reference; NULL: the edge's own shared backend. */
json_t *session_override(const struct project_service *s, bool local);
/* The project's domains and cache routes, put into BODY. */
void session_body_domains(json_t *body, const struct project *p);
/* --ttl and --owner, where they are given. */
enum exit_code session_put_words(struct cli *c, json_t *body) MUST_USE;
