/* Between the parts of an agent: what it holds and wants (agent.c), its sessions (agent_sessions.c), one
 * connection to the edge (agent_link.c), the asking for a tunnel (agent_ask.c) and what is answered
 * (agent_answer.h), and where requests go (agent_steer.c). Private to the folder. */
#pragma once

#include "core/metrics.h"
#include "proxy/back/dial.h"
#include "proxy/front/front.h"
#include "proxy/worker.h"
#include "sessions/api.h"
#include "tunnel/agent/agent.h"
#include "tunnel/agent/agent_answer.h"

#define AGENT_PROTOCOL "linkup-tunnel/1"
/* "a, b, c" of as many sessions as a tunnel may carry. */
#define AGENT_SET_MAX (API_TUNNEL_SESSIONS_MAX * (SESSION_NAME_MAX + 2) + 1)

struct agent_session {
    struct agent_session *next;
    char name[SESSION_NAME_MAX + 1];
    char *refusal;  /* NULL: none */
    bool hoped_for; /* it is refused, and asked for again all the same */
};

enum link_stage {
    LINK_DIALLING,
    LINK_ASKING, /* the answer to the upgrade is awaited */
    LINK_UP,
    LINK_LEAVING, /* given nothing new by the edge, or to be replaced */
    LINK_OVER,
};

/* One connection to the edge. */
struct agent_link {
    struct agent_link *next, **prev;
    struct turn_item reap;
    struct agent *agent;
    enum link_stage stage;
    char set[AGENT_SET_MAX]; /* the sessions that it was asked for */
    struct dial dial;
    struct conn conn; /* while it asks */
    struct agent_answer answer;
    struct front_watch watch;
    struct front *front; /* while it is up or leaving */
};

struct agent {
    struct ev_loop *loop;
    struct agent_ops ops;
    struct config *config;
    struct metrics metrics;
    struct route_table table;
    struct proxy_hooks hooks;
    struct proxy *proxy;

    struct arena strings; /* of the options */
    struct config_backend edge;
    struct span host; /* of the edge, as it is asked for */
    const char *token, *id;
    struct endpoints endpoints;

    struct agent_session *sessions; /* by name */
    struct agent_link *links;
    struct turn_item settle; /* makes what there is what is wanted, at the end of the turn */
    ev_timer again;
    ev_timer hope;  /* what was refused is asked for again */
    ev_timer awake; /* agent_wake.c */
    int64_t looked_ms;
    int netlink; /* -1: none */
    ev_io network;
    bool freeing;

    struct agent_status status;
    uint64_t up_ms; /* loop's clock: since when the present link is up */
};

/* --- agent.c ------------------------------------------------------------------------------------- */

void agent_settle_later(struct agent *a);
/* What waits for its next try waits no longer than MS from now. */
void agent_retry_within(struct agent *a, uint64_t ms);
/* L's asking has come to nothing. SESSION: the one that is at fault, or empty. */
void agent_link_failed(struct agent_link *l, enum link_failure what, struct span session,
                       const char *why);
void agent_link_up(struct agent_link *l);
/* The edge gives it nothing new. */
void agent_link_leaving(struct agent_link *l);
/* It has ended, after it was up. */
void agent_link_closed(struct agent_link *l);

/* --- agent_sessions.c ---------------------------------------------------------------------------- */

struct agent_session *agent_find_session(const struct agent *a, struct span name);
/* Those that are not refused, joined; HOPEFUL: and those that are hoped for. */
void agent_wanted_set(const struct agent *a, bool hopeful, char out[AGENT_SET_MAX]);
void agent_refuse_session(struct agent_session *s, const char *why);
/* Those that are refused are hoped for from now on, or not. False: there are none. */
bool agent_hope_again(struct agent *a, bool hope);
/* The edge lets SET be carried. */
void agent_allow_sessions(struct agent *a, const char *set);
void agent_free_sessions(struct agent *a);

/* --- agent_link.c -------------------------------------------------------------------------------- */

struct agent_link *agent_link_start(struct agent *a, const char *set);
/* Whatever it is at: ended, and forgotten. */
void agent_link_end(struct agent_link *l);

/* --- agent_ask.c --------------------------------------------------------------------------------- */

/* The request for L's set goes out over its connection, and what comes back is awaited. */
void agent_ask(struct agent_link *l);

/* --- agent_steer.c ------------------------------------------------------------------------------- */

/* proxy_hooks.inner; CTX is the agent. */
void agent_steer(void *ctx, struct exchange *x);
