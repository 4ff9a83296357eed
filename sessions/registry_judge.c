#include <stdio.h>

#include "config/names.h"
#include "core/mem.h"
#include "sessions/registry_internal.h"
#include "sessions/session_names.h"

/* Whether a change may be done. Asked when its turn has come, so that nothing it rests on can change
 * before it is carried out; only what decides which name it is about is asked at once. */

void preview_digest(const struct session *s, const char *owner_token,
                    uint8_t out[PREVIEW_DIGEST_LEN])
{
    uint8_t content[SESSION_HASH_LEN];
    session_content_hash(s, content);
    size_t len = strlen(owner_token);
    uint8_t *both = (uint8_t *)mem_alloc(sizeof content + len);
    memcpy(both, content, sizeof content);
    memcpy(both + sizeof content, owner_token, len);
    sha256(both, sizeof content + len, out);
    mem_free(both);
}

/* Names */

static bool refuse(struct mutation *m, enum registry_outcome outcome)
{
    m->outcome = outcome;
    return false;
}

static bool is_taken(void *ctx, struct span name)
{
    return registry_entry((const struct registry *)ctx, name) != NULL;
}

/* The one that has this content (made, or in the making), else a name that is free. */
static struct entry *entry_for_preview(struct registry *r, struct mutation *m)
{
    uint8_t digest[PREVIEW_DIGEST_LEN];
    char name[SESSION_NAME_MAX + 1];
    preview_digest(m->made, m->actor_token, digest);
    struct table_node *n = table_find(&r->previews, span_of(digest, sizeof digest));
    if (n)
        return CONTAINER_OF(n, struct entry, by_digest);

    for (unsigned attempt = 0;; attempt++) {
        if (session_name_of_content(m->made, attempt, name) != ERR_OK) {
            (void)refuse(m, REGISTRY_TAKEN);
            return NULL;
        }
        if (!is_taken(r, span_str(name)) && !name_session_reserved(r->config, span_str(name)))
            break;
    }
    struct entry *e = registry_entry_new(r, span_str(name));
    registry_entry_set_digest(e, digest);
    return e;
}

static struct entry *entry_to_create(struct registry *r, struct mutation *m)
{
    if (session_parse(m->body, (struct span){0}, r->config, &m->made, &m->fault) != ERR_OK) {
        (void)refuse(m, REGISTRY_BAD);
        return NULL;
    }
    char name[SESSION_NAME_MAX + 1];
    struct span wanted = span_str(m->made->name);
    if (m->made->preview)
        return entry_for_preview(r, m);
    if (wanted.len == 0) {
        session_name_generate(r->config, is_taken, r, name);
        wanted = span_str(name);
    }
    struct entry *e = registry_entry(r, wanted);
    return e ? e : registry_entry_new(r, wanted);
}

struct entry *mutation_entry(struct registry *r, struct mutation *m, struct span name)
{
    if (m->verb == REGISTRY_CREATE)
        return entry_to_create(r, m);
    struct entry *e = registry_entry(r, name);
    if (!e && m->verb == REGISTRY_PUT)
        e = registry_entry_new(r, name);
    if (!e)
        (void)refuse(m, REGISTRY_NO_SUCH);
    return e;
}

/* Permission and preconditions */

static bool is_own(const struct mutation *m, const struct session *s)
{
    return m->actor_admin || strcmp(m->actor_token, s->owner_token) == 0;
}

static bool matches(const struct registry_match *match, const struct session *s)
{
    if (!match->given || match->any)
        return true;
    for (size_t i = 0; i < match->n; i++)
        if (match->versions[i] == s->version)
            return true;
    return false;
}

/* Whether M may change the session that is there. */
static bool may_change(struct mutation *m, enum registry_outcome if_foreign)
{
    const struct session *s = m->entry->session;
    if (!s)
        return refuse(m, REGISTRY_NO_SUCH);
    if (!is_own(m, s))
        return refuse(m, if_foreign);
    return matches(&m->match, s) ? true : refuse(m, REGISTRY_STALE);
}

static bool may_create(struct mutation *m)
{
    struct registry *r = m->entry->registry;
    if (m->match.given && m->verb == REGISTRY_PUT)
        return refuse(m, REGISTRY_STALE);
    return r->live + r->creating < r->config->sessions.max ? true : refuse(m, REGISTRY_TOO_MANY);
}

/* What it makes */

/* MADE is nobody else's yet. BASE: what it replaces, or NULL. */
static bool finish(struct mutation *m, const struct session *base)
{
    struct session *s = m->made;
    int64_t now = registry_now_ms(m->entry->registry);
    /* The owner stays when an admin replaces it. */
    session_set_name(s, span_str(m->entry->name));
    session_set_owner_token(s, span_str(base ? base->owner_token : m->actor_token));
    s->created_ms = base ? base->created_ms : now;
    s->changed_ms = now;
    s->version = base ? base->version + 1 : 1;
    if (session_image_new(s, &m->image, &m->fault) != ERR_OK)
        return refuse(m, REGISTRY_BAD);
    m->outcome = base ? REGISTRY_CHANGED : REGISTRY_CREATED;
    return true;
}

static bool judge_create(struct mutation *m)
{
    struct entry *e = m->entry;
    if (!e->session)
        return may_create(m) && finish(m, NULL);
    if (!m->made->preview || !e->has_digest)
        return refuse(m, REGISTRY_TAKEN);
    uint8_t digest[PREVIEW_DIGEST_LEN];
    preview_digest(m->made, m->actor_token, digest);
    if (memcmp(digest, e->digest, sizeof digest) != 0)
        return refuse(m, REGISTRY_TAKEN);
    /* Deployed again: that is a use. */
    registry_touch(e->registry, span_str(e->name));
    return refuse(m, REGISTRY_SAME);
}

static bool judge_put(struct mutation *m)
{
    struct entry *e = m->entry;
    struct session *base = e->session;
    if (!(base ? may_change(m, REGISTRY_TAKEN) : may_create(m)))
        return false;
    if (session_parse(m->body, span_str(e->name), e->registry->config, &m->made, &m->fault) !=
        ERR_OK)
        return refuse(m, REGISTRY_BAD);
    return finish(m, base);
}

static bool judge_patch(struct mutation *m)
{
    struct session *base = m->entry->session;
    if (!may_change(m, REGISTRY_FOREIGN))
        return false;
    if (session_patch(base, m->body, m->entry->registry->config, &m->made, &m->fault) != ERR_OK)
        return refuse(m, REGISTRY_BAD);
    return finish(m, base);
}

static bool judge_extend(struct mutation *m)
{
    const char *key;
    json_t *value;
    json_object_foreach(m->body, key, value)
    {
        if (strcmp(key, "ttl") == 0)
            continue;
        m->fault.status = 422;
        snprintf(m->fault.field, sizeof m->fault.field, "%s", key);
        snprintf(m->fault.text, sizeof m->fault.text, "extend takes \"ttl\" only");
        return refuse(m, REGISTRY_BAD);
    }
    return judge_patch(m);
}

static bool judge_delete(struct mutation *m)
{
    struct entry *e = m->entry;
    if (!may_change(m, REGISTRY_FOREIGN))
        return false;
    /* Used or changed since the clock called. */
    if (m->expiry) {
        int64_t due = lifetime_expires_ms(e);
        if (due == 0 || due > registry_now_ms(e->registry)) {
            lifetime_follow(e);
            return refuse(m, REGISTRY_STALE);
        }
    }
    m->made = session_ref(e->session);
    m->outcome = REGISTRY_DELETED;
    return true;
}

bool mutation_judge(struct mutation *m)
{
    switch (m->verb) {
    case REGISTRY_CREATE:
        return judge_create(m);
    case REGISTRY_PUT:
        return judge_put(m);
    case REGISTRY_PATCH:
        return judge_patch(m);
    case REGISTRY_EXTEND:
        return judge_extend(m);
    case REGISTRY_DELETE:
        return judge_delete(m);
    }
    check_failed("a verb without a judge", __FILE__, __LINE__);
}
