/* Keys of services and domains. */
#include "config/schema_table.h"

static const struct schema_choice host_choices[] = {{"target", false}, {"preserve", true}, {0}};

static const struct schema_key tls_keys[] = {
    {.name = "ca",
     .type = &value_path,
     AT(struct config_service, backend.tls_ca),
     .fallback_note = "the system's roots",
     .help = "PEM file with the authorities that may have signed the backend's certificate."},
    {.name = "server_name",
     .type = &value_host,
     AT(struct config_service, backend.tls_server_name),
     .fallback_note = "the URL's host",
     .help = "Name to ask for (SNI) and to find in the backend's certificate."},
    {.name = "verify",
     .type = &value_bool,
     .flags = SCHEMA_DUMP_CHANGED,
     AT(struct config_service, backend.tls_verify),
     .fallback = "true",
     .help = "Whether the backend's certificate is verified."},
};
static SCHEMA(tls_schema, tls_keys);

static const struct schema_key health_keys[] = {
    {.name = "path",
     .type = &value_url_path,
     .flags = SCHEMA_REQUIRED,
     AT(struct config_service, health.path),
     .help =
         "Path that is asked for with GET to see whether the backend is well; its URL's base path "
         "is not put in front."},
    {.name = "interval",
     .type = &value_duration,
     .flags = SCHEMA_DUMP_CHANGED,
     AT(struct config_service, health.interval_ms),
     .min = 100,
     .max = DURATION_HOUR,
     .fallback = "10s",
     .help =
         "Time from one check of an address to the next; at most 1s while it is down, or about to "
         "be."},
    {.name = "timeout",
     .type = &value_duration,
     .flags = SCHEMA_DUMP_CHANGED,
     AT(struct config_service, health.timeout_ms),
     .min = 10,
     .max = 60 * DURATION_SECOND,
     .fallback = "2s",
     .help = "How long a check may take, from connecting to the head of the response."},
    {.name = "statuses",
     .type = &value_statuses,
     .flags = SCHEMA_LIST | SCHEMA_LONE_ITEM | SCHEMA_UNIQUE | SCHEMA_DUMP_CHANGED,
     AT_LIST(struct config_service, health.statuses, health.n_statuses),
     .max = 100,
     .fallback_note = "200-399",
     .help = "Status codes of a backend that is well: 204, or 200-299."},
    {.name = "rise",
     .type = &value_number,
     .flags = SCHEMA_DUMP_CHANGED,
     AT(struct config_service, health.rise),
     .min = 1,
     .max = 100,
     .fallback = "2",
     .help = "Checks in a row that must succeed before an address that is down counts as up."},
    {.name = "fall",
     .type = &value_number,
     .flags = SCHEMA_DUMP_CHANGED,
     AT(struct config_service, health.fall),
     .min = 1,
     .max = 100,
     .fallback = "3",
     .help = "Checks in a row that must fail before an address counts as down."},
};
static SCHEMA(health_schema, health_keys);

static const struct schema_key rewrite_keys[] = {
    {.name = "source",
     .type = &value_regex,
     .flags = SCHEMA_REQUIRED,
     AT(struct config_rewrite, source),
     .help = "Regex (PCRE2, unanchored) on the path."},
    {.name = "target",
     .type = &value_text,
     .flags = SCHEMA_REQUIRED,
     AT(struct config_rewrite, target),
     .help = "What replaces the match; $1 to $9 are its groups."},
};
SCHEMA(rewrite_schema, rewrite_keys);

static const struct schema_choice proxy_choices[] = {
    {"off", PROXY_OUT_OFF}, {"v1", PROXY_OUT_V1}, {"v2", PROXY_OUT_V2}, {0}};

static const struct schema_key service_keys[] = {
    {.name = "name",
     .type = &value_service,
     .flags = SCHEMA_REQUIRED,
     AT(struct config_service, name),
     .help = "First label of the service's hosts."},
    {.name = "url",
     .type = &value_backend,
     .flags = SCHEMA_REQUIRED,
     AT(struct config_service, backend),
     .help = "The shared backend; a base path is kept in front of every request's path."},
    {.name = "host",
     .type = &value_choice,
     AT(struct config_service, backend.preserve_host),
     .choices = host_choices,
     .fallback = "target",
     .help = "Whether the backend sees its own host or the client's."},
    {.name = "connect",
     .type = &value_hostport,
     AT(struct config_service, backend.connect),
     .fallback_note = "the URL's host and port",
     .help = "Where connections go instead; Host, SNI and the certificate's name stay the URL's."},
    {.name = "tls", .sub = &tls_schema, .help = "How an https backend is verified."},
    {.name = "proxy_protocol",
     .type = &value_choice,
     .flags = SCHEMA_DUMP_CHANGED,
     AT(struct config_service, backend.proxy_protocol),
     .choices = proxy_choices,
     .fallback = "off",
     .help =
         "Version of the PROXY header that tells the backend, on each connection, who the client "
         "is."},
    {.name = "passthrough",
     .type = &value_bool,
     .flags = SCHEMA_DUMP_CHANGED,
     AT(struct config_service, passthrough),
     .fallback = "false",
     .help = "Whether clients' TLS goes through to https backends unread, found by SNI."},
    {.name = "health",
     .sub = &health_schema,
     .fallback_note = "no active check",
     .help = "Active check of the backend."},
    {.name = "rewrites",
     .sub = &rewrite_schema,
     .flags = SCHEMA_LIST,
     AT_LIST(struct config_service, rewrites, n_rewrites),
     .help = "Changes to the request's path, each in order; the query is kept."},
};
SCHEMA(service_schema, service_keys);

static const struct schema_key route_keys[] = {
    {.name = "path",
     .type = &value_regex,
     .flags = SCHEMA_REQUIRED,
     AT(struct config_route, path),
     .help = "Regex (PCRE2, unanchored) on the path; the first route that matches wins."},
    {.name = "service",
     .type = &value_service,
     .flags = SCHEMA_REQUIRED,
     AT(struct config_route, service),
     .help = "Service that gets the request."},
};
static SCHEMA(route_schema, route_keys);

static const struct schema_key domain_keys[] = {
    {.name = "domain",
     .type = &value_host,
     .flags = SCHEMA_REQUIRED,
     AT(struct config_domain, domain),
     .help = "Public host; <session>.<domain> belongs to it as well."},
    {.name = "default_service",
     .type = &value_service,
     .flags = SCHEMA_REQUIRED,
     AT(struct config_domain, default_service),
     .help = "Service of the requests that no route takes."},
    {.name = "routes",
     .sub = &route_schema,
     .flags = SCHEMA_LIST,
     AT_LIST(struct config_domain, routes, n_routes),
     .help = "Paths that lead to other services."},
};
SCHEMA(domain_schema, domain_keys);
