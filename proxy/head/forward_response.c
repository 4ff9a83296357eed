#include "proxy/head/cors.h"
#include "proxy/head/date_field.h"
#include "proxy/head/forward.h"
#include "proxy/head/hop_by_hop.h"
#include "proxy/head/turning.h"

struct stripping {
    struct hop_options options;
    bool keep_upgrade; /* 101 says what it upgrades to (RFC 9110 7.8) */
};

static bool is_stripped(const struct field *f, void *ctx)
{
    const struct stripping *s = ctx;
    if (f->id == FIELD_UPGRADE)
        return !s->keep_upgrade;
    return hop_is_last(f, &s->options);
}

static enum err strip(struct response_head *h, struct arena *arena)
{
    struct stripping s = {.keep_upgrade = h->status == 101};
    TRY(hop_options_read(&s.options, &h->fields, arena));
    if (hop_may_have_last(&h->fields, &s.options))
        fields_remove_if(&h->fields, is_stripped, &s);
    return ERR_OK;
}

enum err forward_interim(struct response_head *h, struct arena *arena)
{
    return strip(h, arena);
}

/* Every set-cookie on its own line and in its order: they are no list (RFC 9110 5.3). */
static enum err turn(struct fields *f, const struct forward_facts *facts, struct arena *arena)
{
    if (!fields_may_have(f, FIELD_BIT(FIELD_LOCATION) | FIELD_BIT(FIELD_SET_COOKIE)))
        return ERR_OK;
    for (size_t i = 0; i < f->n; i++) {
        struct field *line = &f->v[i];
        struct span turned = line->value;
        if (line->id == FIELD_LOCATION)
            turned = turn_location(line->value, facts, arena);
        else if (line->id == FIELD_SET_COOKIE)
            turned = turn_cookie(line->value, facts, arena);
        if (!turned.p && line->value.p)
            return ERR_FULL;
        f->bytes = f->bytes - line->value.len + turned.len;
        line->value = turned;
    }
    return ERR_OK;
}

/* --- linkup-explain ------------------------------------------------------------------------------ */

static struct span place_word(const struct route_result *r)
{
    static const struct span words[] = {
        [PLACE_SHARED] = SPAN_LIT("shared"),
        [PLACE_SESSION] = SPAN_LIT("session"),
        [PLACE_TUNNEL] = SPAN_LIT("tunnel"),
    };
    return words[r->place];
}

/* What is not known is not said, nor what the back may have said in its place. */
static enum err say(struct fields *f, enum field_id id, struct span value, struct arena *arena)
{
    if (value.len > 0 && field_value_valid(value))
        return fields_set(f, arena, id, value);
    fields_remove(f, id);
    return ERR_OK;
}

/* Never an address: who asks may be anyone. */
static enum err explain_route(struct fields *f, const struct route_result *r, struct arena *arena)
{
    struct span none = {NULL, 0};
    bool to_back = r->outcome == ROUTE_TO_BACKEND || r->outcome == ROUTE_TO_TUNNEL;
    TRY(say(f, FIELD_LINKUP_SESSION, r->session ? r->session_name : none, arena));
    TRY(say(f, FIELD_LINKUP_SERVICE, r->service, arena));
    TRY(say(f, FIELD_LINKUP_BACKEND, to_back ? place_word(r) : none, arena));
    return say(f, FIELD_LINKUP_RULE, route_rule(r, arena), arena);
}

/* --- both kinds of response ---------------------------------------------------------------------- */

static enum err add_ours(struct response_head *h, const struct request_head *request,
                         const struct forward_facts *facts, const struct route_table *table,
                         bool explain, struct arena *arena)
{
    TRY(date_field_add(&h->fields, arena));
    if (explain)
        TRY(explain_route(&h->fields, facts->route, arena));
    if (cors_is_answered(h))
        return ERR_OK;
    struct span origin = cors_allowed_origin(request, facts->route, table, facts->config);
    return origin.len > 0 ? cors_allow(h, request, origin, arena) : ERR_OK;
}

enum err forward_response(struct response_head *h, const struct request_head *request,
                          const struct forward_facts *facts, const struct route_table *table,
                          bool explain, struct arena *arena)
{
    TRY(strip(h, arena));
    TRY(turn(&h->fields, facts, arena));
    TRY(via_add(&h->fields, facts->via_name, arena));
    if (facts->config->no_cache && !route_is_cache_route(table, facts->route, request->path))
        TRY(fields_set(&h->fields, arena, FIELD_CACHE_CONTROL, SPAN_LIT("no-cache")));
    return add_ours(h, request, facts, table, explain, arena);
}

static bool is_of_linkup(const struct field *f, void *ctx)
{
    (void)ctx;
    return span_starts(f->name, SPAN_LIT("linkup-"));
}

enum err forward_local_response(struct response_head *h, const struct forward_facts *facts,
                                struct arena *arena)
{
    TRY(strip(h, arena));
    fields_remove_if(&h->fields, is_of_linkup, NULL);
    return turn(&h->fields, facts, arena);
}

enum err forward_own_response(struct response_head *h, const struct request_head *request,
                              const struct forward_facts *facts, const struct route_table *table,
                              bool explain, struct arena *arena)
{
    return add_ours(h, request, facts, table, explain, arena);
}
