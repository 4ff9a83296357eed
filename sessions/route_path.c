/* What a route does to the path. */
#include "sessions/router.h"

/* Rewriting may take the slash at the front away ("^/api/(.*)" to "$1"). */
static enum err with_slash(struct span *path, struct arena *arena)
{
    if (span_starts(*path, SPAN_LIT("/")))
        return ERR_OK;
    struct span parts[] = {SPAN_LIT("/"), *path};
    *path = arena_join(arena, parts, 2);
    return path->p ? ERR_OK : ERR_FULL;
}

static enum err rewrite(const struct route_table *t, const struct rewrite_set *set,
                        struct arena *arena, struct span *path)
{
    for (size_t i = 0; i < set->n; i++) {
        enum err e = regex_replace(set->v[i].source, t->scratch, *path, span_str(set->v[i].target),
                                   arena, path);
        if (e == ERR_NOT_FOUND)
            continue;
        TRY(e);
        TRY(with_slash(path, arena));
    }
    return ERR_OK;
}

/* Whatever a rewrite made, no second header line and no second query comes of it. */
static bool is_path(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        if ((unsigned char)c <= ' ' || c == 0x7f || c == '?' || c == '#')
            return false;
    }
    return true;
}

static enum err prepend_base(const struct route_result *r, struct arena *arena, struct span *path)
{
    struct span base = r->backend ? span_str(r->backend->to.base_path) : span_str(NULL);
    if (base.len == 0)
        return ERR_OK;
    if (base.len + path->len > REGEX_RESULT_MAX)
        return ERR_FULL;
    struct span parts[] = {base, *path};
    *path = arena_join(arena, parts, 2);
    return path->p ? ERR_OK : ERR_FULL;
}

enum err route_path(const struct route_table *t, const struct route_result *r, struct span path,
                    struct arena *arena, struct span *out)
{
    struct span now = path;
    if (span_eq(path, SPAN_LIT("*"))) {
        *out = path;
        return ERR_OK;
    }
    if (r->session)
        TRY(rewrite(t, &r->session->image->rewrites, arena, &now));
    if (r->override)
        TRY(rewrite(t, &r->override->rewrites, arena, &now));
    if (r->shared)
        TRY(rewrite(t, &r->shared->rewrites, arena, &now));
    if (now.p != path.p && !is_path(now))
        return ERR_SYNTAX;
    TRY(prepend_base(r, arena, &now));
    *out = now;
    return ERR_OK;
}

static bool any_matches(const struct route_table *t, struct regex *const *v, size_t n,
                        struct span path)
{
    for (size_t i = 0; i < n; i++)
        if (regex_matches(v[i], t->scratch, path))
            return true;
    return false;
}

bool route_is_cache_route(const struct route_table *t, const struct route_result *r,
                          struct span path)
{
    const struct session_image *s = r->session ? r->session->image : NULL;
    if (s && s->n_cache_routes > 0)
        return any_matches(t, s->cache_routes, s->n_cache_routes, path);
    return any_matches(t, t->edge->cache_routes, t->edge->n_cache_routes, path);
}
