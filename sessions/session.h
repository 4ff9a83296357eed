/* A session as it is stored and shown: the record, and its JSON (DESIGN of the API).
 *
 * Immutable once shared, counted atomically. A change makes a new one. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "config/config.h"
#include "core/arena.h"

#define SESSION_NAME_MAX 40

/* What one session may carry; the body as a whole is bounded by the API. */
#define SESSION_SERVICES_MAX 64
#define SESSION_DOMAINS_MAX 32
#define SESSION_ROUTES_MAX 64   /* of one domain */
#define SESSION_REWRITES_MAX 64 /* of the session, and of one service */
#define SESSION_CACHE_ROUTES_MAX 64

enum override_kind { OVERRIDE_URL, OVERRIDE_TUNNEL };

struct session_override {
    const char *service;
    enum override_kind kind;
    struct config_backend backend; /* OVERRIDE_URL; of a tunnel only preserve_host is set */
    struct config_rewrite *rewrites;
    size_t n_rewrites;
    bool fallback_shared; /* "fallback":"shared" */
};

struct session {
    _Atomic unsigned refs;
    struct arena arena; /* what everything below points into */
    const char *name;
    const char *owner;       /* for people */
    const char *owner_token; /* id of the token that made it; "" over the admin socket */
    uint64_t ttl_ms;
    bool pinned;
    bool preview; /* made without a name, with URLs only: identical content, identical name */
    int64_t created_ms, changed_ms;     /* wall clock */
    uint64_t version;                   /* of this name, from 1: the ETag */
    struct session_override *overrides; /* sorted by service */
    size_t n_overrides;
    struct config_domain *domains;
    size_t n_domains;
    struct config_rewrite *rewrites; /* of every service of the session, before the edge's */
    size_t n_rewrites;
    struct config_strings cache_routes;
};

/* Why a body was refused: the field's path ("services.web.url"; "" for the whole) and a sentence, both
 * ASCII. */
struct session_fault {
    char field[128];
    char text[256];
    int status; /* 400, 413 or 422 */
};

struct session *session_ref(struct session *s);
void session_unref(struct session *s);

/* An API body as a new session, the caller's reference. NAME: the one in the path of a PUT, which the
 * body may repeat; empty for a POST, where the body may name it or not. A session without a name has
 * name "", and then is a preview when it has overrides and none is a tunnel. Parse JSON with JSON_REJECT_DUPLICATES.
 *
 * ERR_SYNTAX with FAULT: what is unknown, of a wrong type, not a name, reserved, out of limits. What
 * only the edge sets ("created", "urls"...) is passed over with NAME and refused without, so that
 * what was got may be put back.
 *
 * Until it is shared, the maker sets created_ms, changed_ms, version by hand, and name and
 * owner_token with the two functions below. */
enum err session_parse(json_t *body, struct span name, const struct config *c, struct session **out,
                       struct session_fault *fault) MUST_USE;
/* BASE changed by a PATCH body: what BODY has replaces what BASE has; in `services` service by
 * service, null takes one out; null elsewhere brings the default back. Name, owner_token, created_ms,
 * changed_ms and version are BASE's; preview too. Errors as session_parse. */
enum err session_patch(const struct session *base, json_t *body, const struct config *c,
                       struct session **out, struct session_fault *fault) MUST_USE;

/* Copies into S, which must be nobody else's yet. */
void session_set_name(struct session *s, struct span name);
void session_set_owner_token(struct session *s, struct span id);

/* As the API shows it: a new reference. EXPIRES_MS 0: never (null). `urls` has every service of the edge
 * and of the session, `domain_urls` every domain. */
json_t *session_to_json(const struct session *s, const struct config *c, int64_t expires_ms);

/* The stored form, which keeps everything; as a JSON value, a new reference. */
json_t *session_to_stored(const struct session *s);
/* ERR_CORRUPT with FAULT for what session_to_stored did not write. What a configuration allows is not
 * asked again: a session outlives a change of it. */
enum err session_from_stored(json_t *stored, struct session **out,
                             struct session_fault *fault) MUST_USE;

/* SHA-256 of what is routed (services in any order, domains, rewrites, cache routes): two sessions
 * with the same are the same preview. */
#define SESSION_HASH_LEN 32
void session_content_hash(const struct session *s, uint8_t out[SESSION_HASH_LEN]);
