/* The words in which active health checks are told: from the worker that checks to control, and from
 * control to every worker. Addresses have port 0, as in proxy/back/endpoints.h. */
#pragma once

#include "core/addr.h"
#include "core/table.h"
#include "proxy/back/endpoints.h"

#define HEALTH_ADDRS_MAX ENDPOINTS_LISTED_MAX

enum health_state { HEALTH_UNKNOWN, HEALTH_UP, HEALTH_DOWN };

/* How a check ended. */
enum health_outcome {
    HEALTH_WELL,
    HEALTH_STATUS,    /* a status that is none of those wanted */
    HEALTH_REFUSED,   /* the connection */
    HEALTH_BROKE,     /* it was closed before there was an answer, or the answer is no HTTP */
    HEALTH_SILENT,    /* the time ran out */
    HEALTH_NAME,      /* the name has no address */
    HEALTH_UNTRUSTED, /* TLS */
    HEALTH_OTHER,
};

struct health_finding {
    struct addr addr;
    enum health_outcome outcome;
    int status; /* of the response, 0: none came */
};

/* One look at all addresses of a service. */
struct health_round {
    uint64_t hash; /* of its route_backend */
    size_t n;      /* 0: the name could not be resolved */
    struct health_finding v[HEALTH_ADDRS_MAX];
};

/* In words, for people: "status 503", "connection refused". */
#define HEALTH_WHY_MAX 48
const char *health_why(enum health_outcome outcome, int status, char out[HEALTH_WHY_MAX]);
const char *health_state_word(enum health_state s);

/* What is not well, as the workers get it: immutable, counted. A service that is not in it is up, or not
 * known, which is the same to traffic. */
struct health_entry {
    struct table_node node;
    uint64_t hash;
    bool down;        /* the service as a whole */
    int64_t since_ms; /* wall clock, DOWN: since when */
    enum health_outcome outcome;
    int status; /* of the last failure */
    size_t n;
    struct addr addrs[HEALTH_ADDRS_MAX]; /* that are down */
};

struct health_image {
    _Atomic unsigned refs;
    struct table by_hash;
    size_t n;
    struct health_entry v[];
};

/* With room for N entries, which the caller fills in and counts; then health_image_seal. */
struct health_image *health_image_new(size_t n);
/* Complete: it is not changed any more. */
void health_image_seal(struct health_image *i);
struct health_image *health_image_ref(struct health_image *i);
void health_image_unref(struct health_image *i);
/* NULL: nothing is wrong, as far as is known. I may be NULL. */
const struct health_entry *health_image_find(const struct health_image *i, uint64_t hash);
