/* The edge's configuration: DESIGN of the file, as structures.
 *
 * A struct config is made whole by config_load, never changed afterwards, and freed by the last
 * config_unref (atomic count: any thread may hold it). Strings are terminated, inside the config's
 * own arena. Absent optional strings are NULL, absent lists have length 0. Every key, its type,
 * default and limits stand once, in schema*.c; --dump and docs are made from the same table. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/addr.h"
#include "core/buf.h"
#include "core/err.h"
#include "core/log.h"

struct config_strings {
    const char **v;
    size_t n;
};

struct config_addrs {
    struct addr *v;
    size_t n;
};

enum backend_scheme { BACKEND_HTTP, BACKEND_HTTPS, BACKEND_H2C };

/* The version of the PROXY header that a backend is sent. */
enum proxy_out { PROXY_OUT_OFF, PROXY_OUT_V1, PROXY_OUT_V2 };

/* Where to connect to: a name or an address, and a port. */
struct config_hostport {
    const char *host; /* NULL: none */
    uint16_t port;
};

/* A backend URL taken apart: shared by the configuration and the session API (config/backend_url.h). */
struct config_backend {
    const char *url; /* normalised, for people and dumps */
    enum backend_scheme scheme;
    const char *host; /* lower case; an IPv6 literal without brackets */
    bool host_is_ip;
    uint16_t port;
    const char *base_path;          /* "" or "/x/y", no final slash */
    bool preserve_host;             /* host: preserve */
    struct config_hostport connect; /* instead of the URL's own host and port */
    enum proxy_out proxy_protocol;
    const char *tls_ca;     /* PEM file, NULL: the system's roots */
    const char *tls_beside; /* PEM text, trusted beside them; NULL: none. No key of a file */
    const char *tls_server_name;
    bool tls_verify;
};

struct config_rewrite {
    const char *source; /* a regex that compiles */
    const char *target; /* with $1.. */
};

struct config_statuses {
    uint16_t from, to; /* both belong to it */
};

struct config_health {
    const char *path; /* with the query; NULL: no active check */
    uint64_t interval_ms, timeout_ms;
    struct config_statuses *statuses; /* n == 0: 200-399 */
    size_t n_statuses;
    unsigned rise, fall; /* checks in a row that bring it up, and down */
};

struct config_service {
    const char *name;
    struct config_backend backend;
    bool passthrough; /* TLS is the backend's own: found by SNI, and not read */
    struct config_health health;
    struct config_rewrite *rewrites;
    size_t n_rewrites;
};

struct config_route {
    const char *path; /* a regex that compiles */
    const char *service;
};

struct config_domain {
    const char *domain; /* lower case, no final dot */
    const char *default_service;
    struct config_route *routes;
    size_t n_routes;
};

enum cert_issuer { CERT_ISSUER_INTERNAL, CERT_ISSUER_ACME };

struct config_cert_file {
    const char *cert, *key;
    unsigned line; /* where it stands in the file; 0: not known */
};

struct config_certificates {
    enum cert_issuer issuer;
    struct config_cert_file *files;
    size_t n_files;
    const char *acme_directory, *acme_eab_kid, *acme_eab_key; /* the key in base64url */
    const char *acme_contact; /* a mail address, without "mailto:" */
};

/* A static record, as master-file text relative to the zone: "mail 300 IN A 192.0.2.1". */
struct config_dns {
    uint32_t ttl;
    bool dnssec;
    bool unknown_nxdomain;
    bool only_sessions; /* every other name is refused */
    struct config_strings records;
    unsigned *record_lines;    /* where each of them stands in the file */
    struct config_strings caa; /* CAA RDATA texts for the apex */
    unsigned *caa_lines;
    const char *nsid;       /* NULL: the host name is not told */
    const char *hostmaster; /* SOA RNAME as a name; NULL: hostmaster.<zone> */
};

struct config_sessions {
    uint64_t default_ttl_ms, max_ttl_ms;
    uint64_t max;
};

enum access_log_mode { ACCESS_OFF, ACCESS_STDOUT, ACCESS_FILE };

/* ACCESS_AS_LOG: as `json` says. */
enum access_format { ACCESS_AS_LOG, ACCESS_TEXT, ACCESS_JSON, ACCESS_COMBINED };

struct config_log {
    enum log_level level;
    bool json;
    enum access_log_mode access;
    const char *access_file;
    enum access_format access_format;
};

enum cors_mode { CORS_OFF, CORS_SAME_SESSION };

struct config_limits {
    uint64_t header_timeout_ms, idle_timeout_ms, connect_timeout_ms, response_timeout_ms;
    uint64_t handshake_timeout_ms, upgrade_idle_ms;
    uint64_t max_connections;                             /* per worker */
    uint64_t max_connections_per_address, max_handshakes; /* per worker */
    uint64_t min_request_rate, min_response_rate;         /* bytes a second; 0: any */
    uint64_t rate_grace_ms;
    uint64_t max_streams; /* of one h2 connection */
    uint64_t pool_per_backend, pool_idle_ms;
    uint64_t back_connections, back_streams,
        back_waiting;             /* per backend and worker; of one connection */
    uint64_t tunnels;             /* in all */
    uint64_t dns_tcp_connections; /* per worker */
};

struct config {
    const char *zone;              /* lower case, no final dot */
    struct config_addrs addresses; /* port 0 */
    struct config_strings
        nameservers; /* absolute, lower case, no final dot; glue is needed for in-zone ones */
    const char *state;
    unsigned workers; /* resolved: at least 1 */
    const char *user; /* NULL: stay who we are */
    struct config_addrs listen_dns, listen_https, listen_http;
    struct config_addrs listen_metrics; /* 0 or 1 */
    struct addr_cidr *listen_proxied;   /* peers that send a PROXY header, in https and http */
    size_t n_listen_proxied;
    const char *admin_socket;      /* NULL: none */
    struct config_addrs resolvers; /* none: the system's */
    struct config_service *services;
    size_t n_services;
    struct config_domain *domains;
    size_t n_domains;
    struct config_certificates certificates;
    struct config_sessions sessions;
    struct config_dns dns;
    struct config_log log;
    struct config_limits limits;
    uint64_t drain_ms;
    bool require_session;
    enum cors_mode cors;
    bool no_cache;
    struct config_strings cache_routes;
    struct addr_cidr *trusted_proxies;
    size_t n_trusted_proxies;
    uint16_t
        public_https_port; /* of URLs shown to people: 443 unless listen.https differs or public_port says so */
};

/* Everything wrong with a file, in its order: file, line (1-based; 0 when it is about the whole), key
 * path ("services[1].url") and a sentence. */
struct config_error {
    unsigned line;
    char *key, *text;
};

struct config_errors {
    struct config_error *v;
    size_t n;
};

/* Reads, checks and resolves FILE. On success *OUT is the caller's reference. On ERR_SYNTAX (or
 * ERR_IO: unreadable) *ERRORS lists every error found, not only the first. The environment is read
 * for ${NAME}. */
enum err config_load(const char *file, struct config **out, struct config_errors *errors) MUST_USE;
/* The same, and CHECK (may be NULL) adds what only the parts that use the configuration see to be wrong.
 * So that all errors are told at once, it is called for a file with errors, too, if zone, nameservers
 * and addresses are sound: then lists with errors of their own are given to it empty. */
typedef enum err config_check(const struct config *c, struct config_errors *errors);
enum err config_load_checked(const char *file, config_check *check, struct config **out,
                             struct config_errors *errors) MUST_USE;
/* The same as config_load from memory; FILE is used in messages and to resolve relative paths. */
enum err config_parse(const char *file, struct span yaml, struct config **out,
                      struct config_errors *errors) MUST_USE;
void config_errors_deinit(struct config_errors *errors);
/* "FILE:LINE: KEY: TEXT" lines. */
enum err config_errors_write(const struct config_errors *errors, const char *file,
                             struct buf *out) MUST_USE;

struct config *config_ref(struct config *c);
void config_unref(struct config *c);

/* The effective values as YAML that loads again to the same; secrets as "(secret)". */
enum err config_dump(const struct config *c, struct buf *out) MUST_USE;

/* The reference of all keys: "PATH: TYPE; default" and an indented explanation each, separated by
 * empty lines. */
enum err config_describe(struct buf *out) MUST_USE;
/* The same as the items of linkupd.yaml(5). */
enum err config_describe_mdoc(struct buf *out) MUST_USE;

/* A change that SIGHUP cannot bring into force (zone, state, listeners, workers, user):
 * the key's name, or NULL when all changes can be. */
const char *config_needs_restart(const struct config *running, const struct config *wanted);
