/* The HTTP API of /v1/, free of HTTP's framing: a call comes in whole, the answer goes out by callback.
 *
 * Lives on the control thread. Calls and their routes stand in one table (api_routes.c). */
#pragma once

#include "core/buf.h"
#include "sessions/registry.h"
#include "sessions/table.h"

struct api;

#define API_BODY_MAX (1024 * 1024)

struct api_field {
    const char *name;
    const char *value;
};

struct api_call {
    /* Filled by the caller; borrowed until the answer ends or api_cancel. */
    struct span method;
    struct span target; /* path and query */
    struct span authorization, if_match, content_type, accept, last_event_id;
    struct span upgrade, tunnel_agent, tunnel_sessions;
    struct span body;
    bool admin_peer; /* over the admin socket */
    struct api *api; /* set by api_handle */
    void *state;     /* the API's own, NULL between calls */

    /* The answer: `head` once, then any number of `data`, then `end`. All on the control thread, and
     * possibly before api_handle returns. After `end` the call is the caller's again. What `head` and
     * `data` are given lives during the call only. An answer that is given whole has a content-length
     * among its fields; to HEAD no data follows. api_cancel must not be called from within them. */
    void (*head)(struct api_call *c, int status, const struct api_field *fields, size_t n);
    void (*data)(struct api_call *c, struct span bytes);
    void (*end)(struct api_call *c);
    /* In the place of these three: 101 with FIELDS, and the connection is the tunnel ID's from then on. */
    void (*hand_over)(struct api_call *c, const struct api_field *fields, size_t n, uint64_t id);
    /* Bytes given by `data` that the client has not taken yet; NULL: none ever. A listener to events
     * that is too far behind is ended. */
    size_t (*pending)(struct api_call *c);
};

/* An agent asks for a tunnel: sessions that its token may change, no name twice. */
#define API_TUNNEL_AGENT_MIN 16
#define API_TUNNEL_AGENT_MAX 64
#define API_TUNNEL_SESSIONS_MAX 32

struct api_tunnel_ask {
    struct span token; /* its id; "" over the admin socket */
    struct span agent; /* the agent's own id, hexadecimal */
    struct span sessions[API_TUNNEL_SESSIONS_MAX];
    size_t n_sessions;
};

/* The tunnel ID is in force on every worker; 0: there can be no more for now. */
typedef void api_tunnel_opened(void *ctx, uint64_t id);

/* A watch is in force on every worker. */
typedef void api_watch_begun(void *ctx);
/* It is no more; what was seen: {"sightings": [...], "missed": n}, the callee's reference. */
typedef void api_watch_ended(void *ctx, json_t *seen);

/* What the API tells but does not own; all on the control thread. */
struct api_facts {
    void *ctx;
    const char *version;
    const char *(*ca_pem)(void *ctx); /* NULL: there is none */
    json_t *(*status)(void *ctx);     /* new reference: workers, certificates, ... */
    json_t *(*service_health)(void *ctx, const char *service); /* new reference or NULL */
    /* Opens a tunnel over the connection that C came by; ASK lives during the call. */
    void (*tunnel_open)(void *ctx, struct api_call *c, const struct api_tunnel_ask *ask,
                        api_tunnel_opened *opened, void *opened_ctx);
    /* Nobody is there any more to whom ID could be handed over. */
    void (*tunnel_lost)(void *ctx, uint64_t id);
    /* TOKEN (its id) has been revoked. */
    void (*tunnel_revoke)(void *ctx, const char *token);
    json_t *(*tunnel_of)(void *ctx, const char *session); /* new reference or NULL: there is none */
    /* The requests of TRACE, its id in hexadecimal, are noted from the call of BEGUN on, until
     * watch_end. */
    void (*watch_begin)(void *ctx, const char *trace, api_watch_begun *begun, void *begun_ctx);
    void (*watch_end)(void *ctx, const char *trace, api_watch_ended *ended, void *ended_ctx);
    /* Each function may be NULL; the last two are there, or are not, together. */
};

/* Reads the tokens from STORE; at the first start makes an admin token and writes it to
 * <state>/admin.token (0600). EXPLAIN_TABLE: a route table that control keeps for /v1/explain. */
enum err api_new(struct ev_loop *loop, struct config *c, struct registry *r, struct store *store,
                 const struct route_table *explain_table, const struct api_facts *facts,
                 struct api **out, char **why) MUST_USE;
/* Before the registry is freed. Calls that still wait are answered 503. */
void api_free(struct api *a);
/* The edge is about to stop: answers that would never end are ended. */
void api_drain(struct api *a);
void api_set_config(struct api *a, struct config *c);
void api_handle(struct api *a, struct api_call *c);
/* The client went away: no callback comes after this. A change under way is still carried out. */
void api_cancel(struct api_call *c);
/* To everyone who listens to /v1/events. DATA: an object, borrowed. */
void api_event(struct api *a, const char *what, json_t *data);
/* The same for a session, as registry_ops.event tells it: {"change": WHAT, "session": {...}}. */
void api_session_event(struct api *a, const char *what, const struct session *s);
/* All calls as a Markdown table: call, scope, what it does. */
enum err api_describe(struct buf *out) MUST_USE;
