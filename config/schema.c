#include "config/schema.h"

#include "config/config.h"
#include "config/values.h"
#include "core/mem.h"

/* A single member; both members of a list; the {v, n} of config_strings and config_addrs. */
#define AT(type, member) .offset = offsetof(type, member), .size = sizeof(((type *)0)->member)
#define AT_LIST(type, items, count)                                                                \
    .offset = offsetof(type, items), .count_offset = offsetof(type, count),                        \
    .size = sizeof(*((type *)0)->items)
#define AT_VN(type, member) AT_LIST(type, member.v, member.n)

#define SCHEMA(name, keys) static const struct schema name = {keys, ARRAY_LEN(keys)}

#define SECOND_MS UINT64_C(1000)
#define HOUR_MS (3600 * SECOND_MS)
#define DAY_MS (24 * HOUR_MS)
#define YEAR_MS (365 * DAY_MS)

/* --- listen --- */

#define LISTEN(key, flag, most, preset, text)                                                      \
    {                                                                                              \
        .name = #key, .path = "listen." #key, .type = &value_endpoint,                             \
        .flags = SCHEMA_LIST | SCHEMA_RESTART | (flag), AT_VN(struct config, listen_##key),        \
        .max = (most), .fallback = preset, .help = text                                            \
    }
static const struct schema_key listen_keys[] = {
    LISTEN(dns, 0, 64, "0.0.0.0:53 [::]:53", "Where DNS is answered, over UDP and TCP."),
    LISTEN(https, 0, 64, "0.0.0.0:443 [::]:443", "Where HTTPS is served."),
    LISTEN(http, 0, 64, "0.0.0.0:80 [::]:80", "Where plain HTTP is redirected to HTTPS."),
    LISTEN(metrics, SCHEMA_LONE_ITEM, 1, "127.0.0.1:9145",
           "Where /metrics, /healthz and /readyz are served, without TLS: keep it private."),
};
SCHEMA(listen_schema, listen_keys);

/* --- services --- */

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
SCHEMA(tls_schema, tls_keys);

static const struct schema_key health_keys[] = {
    {.name = "path",
     .type = &value_url_path,
     .flags = SCHEMA_REQUIRED,
     AT(struct config_service, health.path),
     .help = "Path that is asked for to see whether the backend is well."},
    {.name = "interval",
     .type = &value_duration,
     .flags = SCHEMA_DUMP_CHANGED,
     AT(struct config_service, health.interval_ms),
     .min = 100,
     .max = HOUR_MS,
     .fallback = "10s",
     .help = "Time from one check to the next."},
    {.name = "statuses",
     .type = &value_status,
     .flags = SCHEMA_LIST | SCHEMA_UNIQUE | SCHEMA_DUMP_CHANGED,
     AT_LIST(struct config_service, health.statuses, health.n_statuses),
     .max = 100,
     .fallback_note = "200 to 399",
     .help = "Status codes of a backend that is well."},
};
SCHEMA(health_schema, health_keys);

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
    {.name = "tls", .sub = &tls_schema, .help = "How an https backend is verified."},
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

/* --- domains --- */

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
SCHEMA(route_schema, route_keys);

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

/* --- certificates --- */

static const struct schema_choice issuer_choices[] = {
    {"internal", CERT_ISSUER_INTERNAL}, {"acme", CERT_ISSUER_ACME}, {0}};

static const struct schema_key eab_keys[] = {
    {.name = "kid",
     .type = &value_text,
     .flags = SCHEMA_REQUIRED,
     AT(struct config, certificates.acme_eab_kid),
     .help = "Key identifier from the authority."},
    {.name = "key",
     .type = &value_secret,
     .flags = SCHEMA_REQUIRED,
     AT(struct config, certificates.acme_eab_key),
     .help = "HMAC key from the authority, in base64url."},
};
SCHEMA(eab_schema, eab_keys);

static const struct schema_key acme_keys[] = {
    {.name = "directory",
     .type = &value_https_url,
     AT(struct config, certificates.acme_directory),
     .fallback_note = "required with issuer: acme",
     .help = "The authority's ACME directory."},
    {.name = "contact",
     .type = &value_mail,
     AT(struct config, certificates.acme_contact),
     .help = "Mail address the authority may write to."},
    {.name = "eab",
     .sub = &eab_schema,
     .help = "External account binding, where the authority asks for one."},
};
SCHEMA(acme_schema, acme_keys);

static const struct schema_key cert_file_keys[] = {
    {.name = "cert",
     .type = &value_path,
     .flags = SCHEMA_REQUIRED,
     AT(struct config_cert_file, cert),
     .help = "PEM file with the certificate and its chain."},
    {.name = "key",
     .type = &value_path,
     .flags = SCHEMA_REQUIRED,
     AT(struct config_cert_file, key),
     .help = "PEM file with the private key."},
};
SCHEMA(cert_file_schema, cert_file_keys);

static const struct schema_key certificates_keys[] = {
    {.name = "issuer",
     .type = &value_choice,
     AT(struct config, certificates.issuer),
     .choices = issuer_choices,
     .fallback = "internal",
     .help = "Who signs: the built-in authority, or a public one over ACME."},
    {.name = "acme", .sub = &acme_schema, .help = "The public authority."},
    {.name = "files",
     .sub = &cert_file_schema,
     .flags = SCHEMA_LIST,
     AT_LIST(struct config, certificates.files, certificates.n_files),
     .help = "Certificates from files, for the names in them; watched and swapped on change."},
};
SCHEMA(certificates_schema, certificates_keys);

/* --- sessions, dns, log --- */

static const struct schema_key sessions_keys[] = {
    {.name = "default_ttl",
     .type = &value_duration,
     AT(struct config, sessions.default_ttl_ms),
     .min = SECOND_MS,
     .max = 10 * YEAR_MS,
     .fallback = "7d",
     .help = "Life of a session after its last change or use."},
    {.name = "max_ttl",
     .type = &value_duration,
     AT(struct config, sessions.max_ttl_ms),
     .min = SECOND_MS,
     .max = 10 * YEAR_MS,
     .fallback = "90d",
     .help = "The longest life that may be asked for."},
    {.name = "max",
     .type = &value_number,
     AT(struct config, sessions.max),
     .min = 1,
     .max = 10000000,
     .fallback = "100000",
     .help = "The most sessions there may be."},
};
SCHEMA(sessions_schema, sessions_keys);

static const struct schema_choice unknown_choices[] = {{"answer", false}, {"nxdomain", true}, {0}};

static const struct schema_key dns_keys[] = {
    {.name = "ttl",
     .type = &value_number,
     AT(struct config, dns.ttl),
     .min = 0,
     .max = 604800,
     .fallback = "60",
     .help = "Seconds for which answers may be cached."},
    {.name = "dnssec",
     .type = &value_bool,
     AT(struct config, dns.dnssec),
     .fallback = "false",
     .help = "Whether the zone is signed."},
    {.name = "unknown_sessions",
     .type = &value_choice,
     AT(struct config, dns.unknown_nxdomain),
     .choices = unknown_choices,
     .fallback = "answer",
     .help = "What names of sessions that are not get: the edge's addresses, or NXDOMAIN."},
    {.name = "records",
     .type = &value_text,
     .flags = SCHEMA_LIST,
     AT_VN(struct config, dns.records),
     .help = "Static records, as lines of a zone file relative to the zone."},
    {.name = "caa",
     .type = &value_text,
     .flags = SCHEMA_LIST | SCHEMA_UNIQUE,
     AT_VN(struct config, dns.caa),
     .help = "CAA record data for the zone's top, such as '0 issue \"letsencrypt.org\"'."},
    {.name = "nsid",
     .type = &value_text,
     AT(struct config, dns.nsid),
     .max = 128,
     .fallback_note = "nothing is told",
     .help = "Name of this server for clients that ask for it (RFC 5001)."},
    {.name = "hostmaster",
     .type = &value_host,
     AT(struct config, dns.hostmaster),
     .fallback_note = "hostmaster.<zone>",
     .help = "Mail address in the SOA record, written as a name: its @ as a dot."},
};
SCHEMA(dns_schema, dns_keys);

static const struct schema_choice level_choices[] = {
    {"debug", LOG_DEBUG}, {"info", LOG_INFO}, {"warn", LOG_WARN}, {"error", LOG_ERROR}, {0}};
static const struct schema_choice format_choices[] = {{"text", false}, {"json", true}, {0}};
static const struct schema_choice access_choices[] = {
    {"off", ACCESS_OFF}, {"stdout", ACCESS_STDOUT}, {0}};

static const struct schema_key log_keys[] = {
    {.name = "level",
     .type = &value_choice,
     AT(struct config, log.level),
     .choices = level_choices,
     .fallback = "info",
     .help = "The least important lines that are written, on standard error."},
    {.name = "access",
     .type = &value_access_log,
     AT(struct config, log),
     .choices = access_choices,
     .fallback = "stdout",
     .help = "Where one line a request goes: nowhere, standard output, or a file."},
    {.name = "format",
     .type = &value_choice,
     AT(struct config, log.json),
     .choices = format_choices,
     .fallback = "json",
     .help = "Form of the lines."},
};
SCHEMA(log_schema, log_keys);

/* --- limits --- */

#define LIMIT_TIME(key, preset, text)                                                              \
    {                                                                                              \
        .name = #key, .type = &value_duration, AT(struct config, limits.key##_ms), .min = 100,     \
        .max = DAY_MS, .fallback = preset, .help = text                                            \
    }
#define LIMIT_COUNT(key, least, most, preset, text)                                                \
    {                                                                                              \
        .name = #key, .type = &value_number, AT(struct config, limits.key), .min = (least),        \
        .max = (most), .fallback = preset, .help = text                                            \
    }
static const struct schema_key limits_keys[] = {
    LIMIT_TIME(handshake_timeout, "10s", "A client's TLS handshake."),
    LIMIT_TIME(header_timeout, "30s",
               "A client's request header, from its first byte to its last."),
    LIMIT_TIME(idle_timeout, "75s", "A client's connection without a request."),
    LIMIT_TIME(connect_timeout, "5s", "Connecting to a backend, its handshake included."),
    LIMIT_TIME(response_timeout, "120s", "A backend's silence within an exchange."),
    LIMIT_COUNT(max_connections, 1, 10000000, "20000", "Client connections, per worker."),
    LIMIT_COUNT(max_streams, 1, 10000, "128", "Requests at once on one HTTP/2 connection."),
    LIMIT_COUNT(pool_per_backend, 0, 100000, "64",
                "Idle connections kept to one backend, per worker."),
    LIMIT_TIME(pool_idle, "30s", "Time for which an idle connection to a backend is kept."),
    LIMIT_COUNT(dns_tcp_connections, 1, 1000000, "1000", "DNS connections over TCP, per worker."),
};
SCHEMA(limits_schema, limits_keys);

/* --- the root --- */

static const struct schema_choice workers_choices[] = {{"auto", 0}, {0}};
static const struct schema_choice socket_choices[] = {{"off", 0}, {0}};
static const struct schema_choice cors_choices[] = {
    {"off", CORS_OFF}, {"same-session", CORS_SAME_SESSION}, {0}};

static const struct schema_key root_keys[] = {
    {.name = "zone",
     .type = &value_host,
     .flags = SCHEMA_REQUIRED | SCHEMA_RESTART,
     AT(struct config, zone),
     .help = "The domain whose NS records point at this edge."},
    {.name = "addresses",
     .type = &value_ip,
     .flags = SCHEMA_REQUIRED | SCHEMA_LIST | SCHEMA_UNIQUE,
     AT_VN(struct config, addresses),
     .min = 1,
     .max = 64,
     .help = "Addresses at which the world reaches this edge."},
    {.name = "nameservers",
     .type = &value_nameserver,
     .flags = SCHEMA_LIST | SCHEMA_UNIQUE,
     AT_VN(struct config, nameservers),
     .min = 1,
     .max = 13,
     .fallback = "ns1",
     .help = "Names of the zone's servers, relative to the zone, or with a final dot."},
    {.name = "state",
     .type = &value_path,
     .flags = SCHEMA_RESTART,
     AT(struct config, state),
     .fallback = "/var/lib/linkup",
     .help = "Folder of the database, the authority, keys and the first token."},
    {.name = "workers",
     .type = &value_number,
     .flags = SCHEMA_RESTART,
     AT(struct config, workers),
     .min = 1,
     .max = 1024,
     .choices = workers_choices,
     .fallback = "auto",
     .help = "Threads that serve traffic; auto: one for each CPU that is online."},
    {.name = "user",
     .type = &value_user,
     .flags = SCHEMA_RESTART,
     AT(struct config, user),
     .fallback_note = "stay who we are",
     .help = "User to become once the listeners are bound."},
    {.name = "listen", .sub = &listen_schema, .help = "Listeners; any list may be empty: []."},
    {.name = "admin_socket",
     .type = &value_path,
     .flags = SCHEMA_RESTART,
     AT(struct config, admin_socket),
     .choices = socket_choices,
     .fallback = "/run/linkup/admin.sock",
     .help = "Unix socket of the API, whose peers count as admin."},
    {.name = "public_port",
     .type = &value_number,
     AT(struct config, public_https_port),
     .min = 1,
     .max = 65535,
     .fallback_note = "the port of the first listen.https, else 443",
     .help = "HTTPS port in the URLs shown to people."},
    {.name = "services",
     .sub = &service_schema,
     .flags = SCHEMA_REQUIRED | SCHEMA_LIST,
     AT_LIST(struct config, services, n_services),
     .min = 1,
     .help = "The parts of the system, with their shared backends."},
    {.name = "domains",
     .sub = &domain_schema,
     .flags = SCHEMA_LIST,
     AT_LIST(struct config, domains, n_domains),
     .help = "Public hosts with routes to services."},
    {.name = "certificates", .sub = &certificates_schema, .help = "Where certificates come from."},
    {.name = "sessions", .sub = &sessions_schema, .help = "Bounds of sessions."},
    {.name = "require_session",
     .type = &value_bool,
     AT(struct config, require_session),
     .fallback = "false",
     .help = "Whether a request without a session is refused (422) instead of shared."},
    {.name = "cors",
     .type = &value_choice,
     AT(struct config, cors),
     .choices = cors_choices,
     .fallback = "same-session",
     .help = "Whether origins of the same session get CORS answers where the backend gives none."},
    {.name = "no_cache",
     .type = &value_bool,
     AT(struct config, no_cache),
     .fallback = "false",
     .help = "Whether responses get cache-control: no-cache."},
    {.name = "cache_routes",
     .type = &value_regex,
     .flags = SCHEMA_LIST,
     AT_VN(struct config, cache_routes),
     .help = "Paths (regexes) that no_cache leaves alone."},
    {.name = "trusted_proxies",
     .type = &value_network,
     .flags = SCHEMA_LIST | SCHEMA_UNIQUE,
     AT_LIST(struct config, trusted_proxies, n_trusted_proxies),
     .help = "Networks whose x-forwarded-* and forwarded fields are believed."},
    {.name = "dns", .sub = &dns_schema, .help = "The zone's contents."},
    {.name = "log", .sub = &log_schema, .help = "What is logged."},
    {.name = "limits", .sub = &limits_schema, .help = "Timeouts and ceilings."},
    {.name = "drain",
     .type = &value_duration,
     AT(struct config, drain_ms),
     .max = HOUR_MS,
     .fallback = "30s",
     .help = "Time for exchanges to end after SIGTERM."},
};
const struct schema config_schema = {root_keys, ARRAY_LEN(root_keys)};
