/* The keys of a project file; private to config/. */
#pragma once

#include "config/project.h"
#include "config/schema.h"

/* What the schema loads into: keys that have two names stand in a member each. */
struct project_read {
    struct project project;
    const char *edge_url, *worker_url, *token, *worker_token;
};

extern const struct schema project_schema;
