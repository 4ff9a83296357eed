/* What the parts of one worker's proxy share; private to the folder. */
#pragma once

#include "proxy/front/front_h2_shared.h"
#include "proxy/front/peers.h"
#include "proxy/net/conn.h"
#include "proxy/proxy.h"

struct exchange;
struct front;
struct pools;
struct resolver;
struct access_log;
struct back_tls;
struct checker;
struct watch;

/* A plain count around the edge's image, so that exchanges pin it without touching memory that other
 * workers touch. */
struct edge_pin {
    struct edge_image *image;
    uint64_t pins;
};

/* Every front connection hangs here, so that draining and closing reach them. */
struct front_link {
    struct front_link *next, **prev;
    enum listen_kind kind; /* that it came in by */
    void (*drain)(struct front_link *l);
    void (*kill)(struct front_link *l);
};

/* TLS handshakes in flight, in the order in which they began. */
struct handshakes {
    struct front *first, **last;
    size_t n;
};

struct listener {
    struct listener *next;
    struct proxy *proxy;
    enum listen_kind kind;
    ev_io io;
    uint16_t port;
};

struct proxy {
    struct conn_shared conns;
    struct route_table *table;
    struct server_tls *tls;
    struct metrics *metrics;
    const struct proxy_hooks *hooks;
    const struct config *config; /* of edge->image */
    struct edge_pin *edge;
    struct listener *listeners;
    bool resting, draining; /* resting: there are no descriptors to accept with */
    ev_timer accept_again;
    struct front_link *fronts;
    size_t n_fronts, n_public, n_probes, n_inner;
    struct peers peers;
    struct handshakes handshakes;
    struct exchange *free_exchanges;
    size_t n_free_exchanges;
    struct pools *pools;
    struct back_tls *back_tls;
    struct resolver *resolver;
    struct checker *checker; /* NULL: another worker checks */
    struct front_h2_shared h2;
    struct access_log *access;
    struct watch *watches; /* watch.h; NULL: nothing is watched */
    /* Plaintext on its way into records, each empty when its side's functions return. Two: what a front
     * writes may end an exchange, and the back that is free then sends its next request at once. */
    struct buf staging, back_staging;
};

void edge_pin_drop(struct edge_pin *e);

void front_link_add(struct proxy *p, struct front_link *l);
void front_link_remove(struct proxy *p, struct front_link *l);

/* The fronts' ways in: take over the accepted FD. */
void front_accept(struct listener *l, int fd, const struct addr *peer);
