/* One connection of DNS over TCP. RFC 7766: queries may follow one another without waiting, in any
 * number of pieces; the answers come in their order.
 *
 * What passes through goes over the worker's own workspace; a connection holds memory only for a
 * query that has come in part and for answers its peer has not read yet. */
#pragma once

#include "core/buf.h"
#include "core/loop.h"
#include "dns/proto.h"
#include "dns/tcp_serve.h"

struct dns_tcp_conn {
    struct dns_tcp_conn *prev, *next; /* the list of all, the longest idle first */
    struct dns_tcp *owner;
    ev_io io;
    struct deadline idle;
    struct addr peer;
    struct buf in;  /* the beginning of a query; queries that wait for room in out */
    struct buf out; /* answers the socket did not take */
    bool ended;     /* the peer sends no more; what is in out is still for it */
};

/* FD, connected and non-blocking, is the new connection's. */
struct dns_tcp_conn *dns_tcp_conn_new(struct dns_tcp *owner, int fd, const struct addr *peer);
/* Takes it out of its owner's list. */
void dns_tcp_conn_free(struct dns_tcp_conn *c);
