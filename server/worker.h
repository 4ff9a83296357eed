/* A worker: a thread with a loop of its own, its own sockets, and its own copy of everything that is
 * read while serving. Nothing in it is touched by another thread once it runs; what changes comes as
 * mail from control. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "certs/server_tls.h"
#include "core/mailbox.h"
#include "core/metrics.h"
#include "dns/answer.h"
#include "dns/transport.h"
#include "proxy/proxy.h"
#include "server/sockets.h"
#include "server/touches.h"
#include "sessions/table.h"
#include "tunnel/edge/tunnels.h"

struct control;

struct edge_worker {
    unsigned index;
    pthread_t thread;
    struct ev_loop *loop;
    struct mailbox mailbox;
    struct control *control; /* only to post to its mailbox, and for what is constant */
    struct metrics metrics;
    struct config *config;
    struct route_table table;
    struct server_tls *tls;
    struct dns_responder *responder;
    struct dns_udp **udp;
    struct dns_tcp **tcp;
    size_t n_dns;
    struct proxy *proxy;
    struct proxy_hooks hooks;
    struct tunnels *tunnels;
    struct tunnels_hooks tunnel_hooks;
    struct touches touches;
    ev_prepare drain_watch;
    bool draining, drained;
    bool joined; /* its thread has ended: control's own from then on */
};

/* Sets W up on the caller's thread; SOCKETS become its. */
void edge_worker_init(struct edge_worker *w, struct control *control, unsigned index,
                      struct config *config, struct edge_image *image, struct dns_zone *zone,
                      struct worker_sockets *sockets);
/* Starts the thread. From here on only mail reaches W. */
void edge_worker_start(struct edge_worker *w);
/* From control: M is delivered on W's thread, or at once when that has ended. */
void edge_worker_post(struct edge_worker *w, struct mail *m);
/* After edge_worker_stop has been delivered: waits for the thread; what was still posted is delivered. */
void edge_worker_join(struct edge_worker *w);
/* Frees what a joined W holds. */
void edge_worker_deinit(struct edge_worker *w);

/* On the worker's thread, by mail: */
void edge_worker_drain(struct edge_worker *w);
void edge_worker_stop(struct edge_worker *w);
