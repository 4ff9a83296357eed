/* What the active checks have found, kept by control: the truth that the API tells and the workers get.
 *
 * An address is unknown until its first good check, which makes it up, or until `fall` bad ones in a row
 * have made it down; from there `rise` good ones bring it up. A service is up while one of its addresses
 * is, and down when all of them are. A name that cannot be resolved is a bad check of every address that
 * was known. Pure: the time comes in as milliseconds of the wall clock. Control's thread only. */
#pragma once

#include "proxy/health/health.h"
#include "sessions/image.h"

struct health_address {
    struct addr addr; /* len 0: stands for a name that has no address */
    enum health_state state;
    unsigned good, bad; /* in a row */
};

struct health_service {
    char *name;
    uint64_t hash;
    unsigned rise, fall;
    enum health_state state;
    int64_t since_ms; /* of the state */
    struct health_address v[HEALTH_ADDRS_MAX];
    size_t n;
    enum health_outcome last_outcome; /* of the last check that failed; HEALTH_WELL: none did */
    int last_status;
    int64_t last_ms;
};

struct health_book {
    struct health_service *v; /* by name */
    size_t n;
};

enum health_change {
    HEALTH_SAME = 0,
    HEALTH_ADDRESS_CHANGED = 1, /* for the workers */
    HEALTH_STATE_CHANGED = 2,   /* the service's: for people */
};

void health_book_init(struct health_book *b);
void health_book_deinit(struct health_book *b);
/* The services of I that are checked. What is known of a service whose backend and path are the same is
 * kept. */
void health_book_set(struct health_book *b, const struct edge_image *i, int64_t now_ms);
/* Takes in R; flags of enum health_change. *OUT: the service, NULL when it is none any more. */
unsigned health_book_take(struct health_book *b, const struct health_round *r, int64_t now_ms,
                          const struct health_service **out);
/* NULL: it is not checked. */
const struct health_service *health_book_find(const struct health_book *b, const char *name);
size_t health_service_count(const struct health_service *s, enum health_state state);
/* For the workers; the caller's. */
struct health_image *health_book_image(const struct health_book *b);
