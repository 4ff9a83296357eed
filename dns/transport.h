/* DNS over UDP and TCP on a worker's loop. */
#pragma once

#include <ev.h>

#include "dns/answer.h"

/* Serves datagrams of FD (bound, non-blocking, with IP_PKTINFO / IPV6_RECVPKTINFO on; its owner is
 * the new object) in batches: recvmmsg, answer, sendmmsg. Answers leave from the address that was
 * asked; a socket bound to one address has the two options turned off, which saves their cost.
 * Buffers are made once. R and METRICS must outlive it. */
struct dns_udp;
struct dns_udp *dns_udp_new(struct ev_loop *loop, int fd, struct dns_responder *r,
                            struct metrics *metrics);
void dns_udp_free(struct dns_udp *u);

/* Serves connections accepted on the listening FD (owned): RFC 7766 pipelining, at most
 * limits.dns_tcp_connections at once (the longest idle goes first), idle time-out 10 s, RFC 7828 not
 * offered. All buffers are capped; a peer that does not read is closed. R and METRICS must
 * outlive it. */
struct dns_tcp;
struct dns_tcp *dns_tcp_new(struct ev_loop *loop, int fd, struct dns_responder *r,
                            struct metrics *metrics, uint64_t max_connections);
void dns_tcp_free(struct dns_tcp *t);
