/* What the connections of one listener share. */
#pragma once

#include "core/loop.h"
#include "dns/transport.h"

/* No query that can be answered is longer; who announces one is no client. */
#define DNS_TCP_QUERY_MAX 4096
#define DNS_TCP_READ_MAX 16384
#define DNS_TCP_OUT_MAX (2 * (2 + DNS_MESSAGE_MAX))
#define DNS_TCP_IDLE_S 10.0

struct dns_tcp_conn;

struct dns_tcp {
    struct ev_loop *loop;
    ev_io io;
    struct deadline pause; /* accepting rests: no descriptors are left */
    struct dns_responder *r;
    struct metrics *metrics;
    uint64_t max, n;
    struct dns_tcp_conn *first, *last; /* the longest idle first */

    /* The connection at work has them for the time of one event. */
    uint8_t in[DNS_TCP_QUERY_MAX + 2 + DNS_TCP_READ_MAX];
    uint8_t out[DNS_TCP_OUT_MAX];
};

/* Moves C, which has just been of use, to the end of the list. */
void dns_tcp_touch(struct dns_tcp *t, struct dns_tcp_conn *c);
void dns_tcp_append(struct dns_tcp *t, struct dns_tcp_conn *c);
void dns_tcp_remove(struct dns_tcp *t, struct dns_tcp_conn *c);
