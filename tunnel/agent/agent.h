/* An agent: the engineer's end of tunnels. It holds one connection to an edge, which carries the sessions that it
 * was given, and brings what comes over it to services on this machine. docs/tunnels.md.
 *
 * It dials by itself, again and again where it must: at once when a connection is lost, then with growing,
 * random pauses. What is changed is in force for new requests at once. A change of which sessions there are needs
 * another connection; the old one is served until the edge has ended it. All on the loop's thread. */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/span.h"

struct agent;

struct agent_options {   /* copied */
    const char *edge;    /* "https://edge.dev.example.com[:port]" */
    const char *connect; /* HOST:PORT to connect to instead of the name's, or NULL */
    struct span ca_pem;  /* trusted beside the system's roots; empty: none */
    const char *token;
    const char *id; /* 16 to 64 digits of lower-case hexadecimal, the same over restarts */
};

struct agent_service {
    const char *name;
    const char *url; /* http, https or h2c: config/backend_url.h */
};

enum agent_state {
    AGENT_IDLE,       /* there is no session to carry */
    AGENT_CONNECTING, /* dialling, asking */
    AGENT_UP,
    AGENT_WAITING, /* for the next try */
    AGENT_REFUSED, /* the edge will not have it, and it is not tried soon */
};

#define AGENT_WHY_MAX 256

struct agent_status {
    enum agent_state state;
    int64_t since_ms;        /* wall clock */
    char why[AGENT_WHY_MAX]; /* why it is not up; "" */
    uint64_t next_try_ms;    /* AGENT_WAITING, AGENT_REFUSED: so long from now */
    uint64_t attempts;       /* in a row, that have failed */
    uint64_t requests;       /* that came over its tunnels */
    uint64_t open;           /* of these, under way */
    uint64_t tunnels;        /* the one that counts, and older ones whose requests have not ended */
    uint64_t bytes_in, bytes_out; /* of bodies, to and from services, of requests that have ended */
};

struct agent_ops {
    void *ctx;
    /* The state has changed. Not from within a call of the functions below. */
    void (*changed)(void *ctx, const struct agent_status *s);
};

/* ERR_SYNTAX: one of the options is no such thing. */
enum err agent_new(struct ev_loop *loop, const struct agent_options *o, const struct agent_ops *ops,
                   struct agent **out) MUST_USE;
void agent_free(struct agent *a);
/* Makes or replaces SESSION's services. ERR_SYNTAX: a name or a URL is none; ERR_FULL: there are as many sessions
 * as a tunnel carries. *WHY (heap) says it. */
enum err agent_set_session(struct agent *a, const char *session, const struct agent_service *v,
                           size_t n, char **why) MUST_USE;
void agent_drop_session(struct agent *a, const char *session);
/* Why the edge does not let SESSION be carried (it has ended, it is another's); NULL: it does, or was not
 * asked. It is asked for again when it is given again, and slowly by and by. Lives until the next turn. */
const char *agent_refusal(const struct agent *a, const char *session);
/* Another connection is made, although there is one: a session may have been ended and made again at the edge, or
 * be carried by another agent, without this one having been told. */
void agent_renew(struct agent *a);
/* The network has changed: what waits for its next try does not wait any more. */
void agent_retry_now(struct agent *a);
void agent_get_status(const struct agent *a, struct agent_status *out);
