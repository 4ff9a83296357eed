/* Control: the one thread that owns what may change. It keeps the registry, the store, the
 * certificates and the API's truth, and tells the workers. It runs on the main thread. */
#pragma once

#include "certs/authority.h"
#include "core/job.h"
#include "dns/zone.h"
#include "proxy/health/health_book.h"
#include "server/worker.h"
#include "sessions/api.h"
#include "tunnel/edge/tunnel_book.h"

struct cert_ask;

struct control {
    const char *config_file;
    struct config *config;
    struct ev_loop *loop;
    struct mailbox mailbox;
    struct metrics metrics;
    struct job_runner *keys; /* makes private keys */
    struct access_writer *access;
    struct store *store;
    struct registry *registry;
    struct authority *authority;
    struct api *api;
    struct api_facts facts;
    struct registry_ops registry_ops;
    struct route_table explain; /* control's own: for /v1/explain */
    struct edge_image *image;
    struct health_book health; /* what the active checks have found */
    struct tunnel_book tunnels;
    struct dns_zone *zone;
    struct sockets sockets;
    struct edge_worker *workers;
    unsigned n_workers;
    struct cert_ask *asks; /* certificates being made for workers: asks.c */
    int64_t started_ms;

    struct ticket_keys tickets;
    struct dns_cookie_keys cookies;
    ev_timer rotation;

    ev_signal on_hup, on_term, on_int;
    ev_timer drain_timer;
    unsigned drained; /* workers without connections */
    /* Read by the probes on a worker's thread. */
    _Atomic bool serving, draining;
};

/* Makes everything ready to serve: opens the state, binds, drops privileges, starts the workers.
 * On failure *WHY (heap) says what is wrong and what to do, and nothing is left running. */
enum err control_start(struct control *c, const char *config_file, struct config *config,
                       char **why) MUST_USE;
/* Serves until a signal ends it. */
void control_run(struct control *c);
void control_free(struct control *c);

extern const char linkup_version[];
