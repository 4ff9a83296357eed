#include "tunnel/agent/agent_wake.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/log.h"
#include "tunnel/agent/agent_parts.h"

/* How often it is looked, and how late a look must come to say that there was none for a while. */
#define LOOK_MS 1000
#define ASLEEP_LEAST_MS 5000
/* An interface that comes up says so many times; some machines never stop saying. */
#define NETWORK_MS 500

/* --- sleep --------------------------------------------------------------------------------------- */

/* This clock goes on while the machine is suspended, which the loop's does not, and while the process stands
 * still. */
static int64_t boot_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void on_look(struct ev_loop *loop, ev_timer *t, int events)
{
    (void)loop, (void)events;
    struct agent *a = t->data;
    int64_t now = boot_ms(), slept = now - a->looked_ms - LOOK_MS;
    a->looked_ms = now;
    if (slept < ASLEEP_LEAST_MS)
        return;
    LOG(LOG_INFO, "awoke", LOG_U("seconds", (uint64_t)slept / 1000));
    agent_awoke(a);
}

/* --- the network --------------------------------------------------------------------------------- */

static int open_netlink(void)
{
    struct sockaddr_nl at = {
        .nl_family = AF_NETLINK,
        .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                     RTMGRP_IPV6_ROUTE,
    };
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* What it says in detail does not matter. */
static void on_network(struct ev_loop *loop, ev_io *io, int events)
{
    (void)loop, (void)events;
    struct agent *a = io->data;
    char thrown_away[8192];
    while (recv(io->fd, thrown_away, sizeof thrown_away, 0) > 0 || errno == EINTR)
        ;
    if (a->status.state == AGENT_WAITING)
        agent_retry_within(a, NETWORK_MS);
}

void agent_watch_wake(struct agent *a)
{
    a->looked_ms = boot_ms();
    ev_timer_init(&a->awake, on_look, LOOK_MS / 1000., LOOK_MS / 1000.);
    a->awake.data = a;
    ev_timer_start(a->loop, &a->awake);
    ev_unref(a->loop);
    a->netlink = open_netlink();
    ev_io_init(&a->network, on_network, a->netlink, EV_READ);
    a->network.data = a;
    if (a->netlink < 0)
        return;
    ev_io_start(a->loop, &a->network);
    ev_unref(a->loop);
}

void agent_unwatch_wake(struct agent *a)
{
    ev_ref(a->loop);
    ev_timer_stop(a->loop, &a->awake);
    if (a->netlink < 0)
        return;
    ev_ref(a->loop);
    ev_io_stop(a->loop, &a->network);
    close(a->netlink);
}
