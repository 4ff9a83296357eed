/* One health check: an exchange of the edge's own with one address of a backend, by way of the ordinary
 * backs, so that it speaks what traffic speaks. No more is read than the head of the response. One worker's
 * thread only. Private to the folder. */
#pragma once

#include "core/loop.h"
#include "proxy/exchange.h"
#include "proxy/health/health.h"

struct watch;

struct check {
    struct proxy *proxy;
    struct exchange *x; /* NULL: it is not running */
    const struct config_health *how;
    struct route_backend backend; /* the address by itself */
    char host[ADDR_TEXT_MAX];
    struct deadline deadline;
    struct health_finding finding;
    void (*done)(struct check *c);
    struct watch *watch; /* whose it is (checker.c) */
};

/* Asks AT for what S says. DONE is called once, possibly before this returns; S lives until then. */
void check_start(struct check *c, struct proxy *p, const struct image_service *s,
                 const struct addr *at, void (*done)(struct check *c));
/* If it is running: DONE is not called. */
void check_cancel(struct check *c);
