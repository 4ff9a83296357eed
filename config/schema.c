#include "config/schema_table.h"

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
    {.name = "proxy_protocol",
     .type = &value_network,
     .flags = SCHEMA_LIST | SCHEMA_UNIQUE,
     AT_LIST(struct config, listen_proxied, n_listen_proxied),
     .max = 256,
     .help = "Networks of load balancers that begin each connection to https and http with a PROXY "
             "header (version 1 or 2), and must; from elsewhere none is understood."},
};
static SCHEMA(listen_schema, listen_keys);

static const struct schema_key sessions_keys[] = {
    {.name = "default_ttl",
     .type = &value_duration,
     AT(struct config, sessions.default_ttl_ms),
     .min = DURATION_SECOND,
     .max = 3650 * DURATION_DAY,
     .fallback = "7d",
     .help = "Life of a session after its last change or use."},
    {.name = "max_ttl",
     .type = &value_duration,
     AT(struct config, sessions.max_ttl_ms),
     .min = DURATION_SECOND,
     .max = 3650 * DURATION_DAY,
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
static SCHEMA(sessions_schema, sessions_keys);

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
    {.name = "only_sessions",
     .type = &value_bool,
     .flags = SCHEMA_DUMP_CHANGED,
     AT(struct config, dns.only_sessions),
     .fallback = "false",
     .help = "Whether names that belong to no session are refused: for an edge beside the one that "
             "the zone is delegated to."},
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
static SCHEMA(dns_schema, dns_keys);

static const struct schema_choice level_choices[] = {
    {"debug", LOG_DEBUG}, {"info", LOG_INFO}, {"warn", LOG_WARN}, {"error", LOG_ERROR}, {0}};
static const struct schema_choice format_choices[] = {{"text", false}, {"json", true}, {0}};
static const struct schema_choice access_choices[] = {
    {"off", ACCESS_OFF}, {"stdout", ACCESS_STDOUT}, {0}};
static const struct schema_choice access_format_choices[] = {{"same", ACCESS_AS_LOG},
                                                             {"text", ACCESS_TEXT},
                                                             {"json", ACCESS_JSON},
                                                             {"combined", ACCESS_COMBINED},
                                                             {0}};

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
    {.name = "access_format",
     .type = &value_choice,
     AT(struct config, log.access_format),
     .choices = access_format_choices,
     .fallback = "same",
     .help = "Form of the access log's lines: as log.format has it, or one of its own."},
};
static SCHEMA(log_schema, log_keys);

#define LIMIT_TIME(key, preset, text)                                                              \
    {                                                                                              \
        .name = #key, .type = &value_duration, AT(struct config, limits.key##_ms), .min = 100,     \
        .max = DURATION_DAY, .fallback = preset, .help = text                                      \
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
    LIMIT_TIME(upgrade_idle, "1h", "The silence of an open WebSocket."),
    LIMIT_COUNT(min_request_rate, 0, 1000000000, "240",
                "Bytes a second, on the average, of a request's body that is waited for; 0: any."),
    LIMIT_COUNT(
        min_response_rate, 0, 1000000000, "240",
        "Bytes a second, on the average, that a client takes of a response that waits for it; "
        "0: any."),
    LIMIT_TIME(rate_grace, "2m", "Time for which a client may be slower than that."),
    LIMIT_COUNT(max_connections, 1, 10000000, "20000", "Client connections, per worker."),
    LIMIT_COUNT(max_connections_per_address, 0, 10000000, "1000",
                "Connections of one client (an IPv4 address, an IPv6 /64), per worker, but for "
                "loopback and trusted_proxies; 0: any number."),
    LIMIT_COUNT(max_handshakes, 1, 10000000, "1000",
                "TLS handshakes in flight, per worker; beyond, the oldest is given up."),
    LIMIT_COUNT(max_streams, 1, 10000, "128", "Requests at once on one HTTP/2 connection."),
    LIMIT_COUNT(pool_per_backend, 0, 100000, "256",
                "Idle connections kept to one backend, per worker."),
    LIMIT_COUNT(back_connections, 1, 1000, "8", "HTTP/2 connections to one backend, per worker."),
    LIMIT_COUNT(back_streams, 1, 1000, "100",
                "Requests at once on one HTTP/2 connection to a backend."),
    LIMIT_COUNT(back_waiting, 1, 1000000, "10000",
                "Requests that wait for a connection to one backend, per worker."),
    LIMIT_COUNT(tunnels, 0, 100000, "1000", "Tunnels that agents may have open, in all."),
    LIMIT_TIME(pool_idle, "30s", "Time for which an idle connection to a backend is kept."),
    LIMIT_COUNT(dns_tcp_connections, 1, 1000000, "1000", "DNS connections over TCP, per worker."),
};
static SCHEMA(limits_schema, limits_keys);

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
     .help = "Threads that serve traffic; auto: one for each CPU it may use."},
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
    {.name = "resolvers",
     .type = &value_endpoint,
     .flags = SCHEMA_LIST | SCHEMA_UNIQUE | SCHEMA_RESTART,
     AT_VN(struct config, resolvers),
     .max = 8,
     .fallback_note = "those of the system",
     .help = "Name servers that are asked for the hosts of backends."},
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
     .max = DURATION_HOUR,
     .fallback = "30s",
     .help = "Time for exchanges to end after SIGTERM."},
};
SCHEMA(config_schema, root_keys);
