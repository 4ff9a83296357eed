/* Keys of an engineer's project file. */
#include "config/project_schema.h"
#include "config/schema_table.h"

static const struct schema_key linkup_keys[] = {
    {.name = "edge_url",
     .type = &value_https_url,
     AT(struct project_read, edge_url),
     .help = "The edge: https://edge.<zone>."},
    {.name = "worker_url",
     .type = &value_https_url,
     AT(struct project_read, worker_url),
     .help = "The same, as Linkup's own files name it."},
    {.name = "token",
     .type = &value_secret,
     AT(struct project_read, token),
     .fallback_note = "the one of linkup login",
     .help = "Token for the edge; a file that is shared should not hold it: ${NAME} reads the "
             "environment."},
    {.name = "worker_token",
     .type = &value_secret,
     AT(struct project_read, worker_token),
     .help = "The same, as Linkup's own files name it."},
    {.name = "cache_routes",
     .type = &value_regex,
     .flags = SCHEMA_LIST,
     AT_VN(struct project_read, project.cache_routes),
     .max = 1000,
     .help = "Paths that browsers may cache where the edge forbids it to them."},
};
static SCHEMA(linkup_schema, linkup_keys);

static const struct schema_key health_keys[] = {
    {.name = "path",
     .type = &value_url_path,
     AT(struct project_service, health.path),
     .fallback_note = "/",
     .help = "Path that is asked for to see whether the service is well."},
    {.name = "statuses",
     .type = &value_statuses,
     .flags = SCHEMA_LIST | SCHEMA_LONE_ITEM | SCHEMA_UNIQUE,
     AT_LIST(struct project_service, health.statuses, health.n_statuses),
     .max = 100,
     .fallback_note = "200-399",
     .help = "Status codes of a service that is well: 204, or 200-299."},
};
static SCHEMA(health_schema, health_keys);

static const struct schema_key service_keys[] = {
    {.name = "name",
     .type = &value_service,
     .flags = SCHEMA_REQUIRED,
     AT(struct project_service, name),
     .help = "First label of the service's hosts."},
    {.name = "remote",
     .type = &value_backend,
     AT(struct project_service, remote),
     .fallback_note = "the edge's own shared backend",
     .help = "Where the shared copy runs, for services that the edge does not have."},
    {.name = "local",
     .type = &value_backend,
     .flags = SCHEMA_REQUIRED,
     AT(struct project_service, local),
     .help = "Where it runs on this machine: http://localhost:3000."},
    {.name = "directory",
     .type = &value_path,
     AT(struct project_service, directory),
     .help = "Its folder, in which env files are looked for; relative to this file."},
    {.name = "rewrites",
     .sub = &rewrite_schema,
     .flags = SCHEMA_LIST,
     AT_LIST(struct project_service, rewrites, n_rewrites),
     .help = "Changes to the request's path, each in order; the query is kept."},
    {.name = "health",
     .sub = &health_schema,
     .help = "How `linkup status` sees whether it is well."},
};
static SCHEMA(service_keys_schema, service_keys);

static const struct schema_key root_keys[] = {
    {.name = "linkup",
     .sub = &linkup_schema,
     .flags = SCHEMA_REQUIRED,
     .help = "Which edge, and how."},
    {.name = "services",
     .sub = &service_keys_schema,
     .flags = SCHEMA_REQUIRED | SCHEMA_LIST,
     AT_LIST(struct project_read, project.services, project.n_services),
     .min = 1,
     .max = 10000,
     .help = "The system's services."},
    {.name = "domains",
     .sub = &domain_schema,
     .flags = SCHEMA_REQUIRED | SCHEMA_LIST,
     AT_LIST(struct project_read, project.domains, project.n_domains),
     .min = 1,
     .max = 10000,
     .help =
         "Public hosts and the services behind them; a session has each as <session>.<domain>."},
};
SCHEMA(project_schema, root_keys);
