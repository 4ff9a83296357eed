#include "sessions/image_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/mem.h"

void *image_array(struct arena *arena, size_t n, size_t size)
{
    if (n == 0)
        return NULL;
    void *p = arena_must_alloc(arena, n * size);
    memset(p, 0, n * size);
    return p;
}

static enum err compile(struct image_maker *m, const char *pattern, const char *field,
                        struct regex **out)
{
    char why[128];
    size_t at;
    if (m->trusted) {
        *out = regex_new_trusted(pattern);
        return ERR_OK;
    }
    enum err e = regex_new(pattern, out, why, &at);
    if (e != ERR_OK) {
        snprintf(m->fault->field, sizeof m->fault->field, "%s", field);
        snprintf(m->fault->text, sizeof m->fault->text, "must be a regex (%s at offset %zu)", why,
                 at);
        m->fault->status = 422;
    }
    return e;
}

enum err image_rewrites(struct image_maker *m, const struct config_rewrite *v, size_t n,
                        const char *field, struct rewrite_set *out)
{
    char path[128];
    *out = (struct rewrite_set){image_array(m->arena, n, sizeof *out->v), 0};
    for (size_t i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s[%zu].source", field, i);
        TRY(compile(m, v[i].source, path, &out->v[i].source));
        out->v[i].target = v[i].target;
        out->n++;
    }
    return ERR_OK;
}

static enum err compile_routes(struct image_maker *m, const struct config_domain *d, size_t at,
                               struct image_domain *out)
{
    char path[128];
    out->routes = image_array(m->arena, d->n_routes, sizeof *out->routes);
    for (size_t i = 0; i < d->n_routes; i++) {
        snprintf(path, sizeof path, "domains[%zu].routes[%zu].path", at, i);
        TRY(compile(m, d->routes[i].path, path, &out->routes[i].path));
        out->routes[i].service = d->routes[i].service;
        out->n_routes++;
    }
    return ERR_OK;
}

/* Longest first; names of one length in their order, so that images of one content are alike. */
static int by_length(const void *a, const void *b)
{
    const struct image_domain *x = a, *y = b;
    if (x->name.len != y->name.len)
        return x->name.len > y->name.len ? -1 : 1;
    return span_cmp(x->name, y->name);
}

enum err image_domains(struct image_maker *m, const struct config_domain *v, size_t n,
                       struct image_domain **out, size_t *n_out)
{
    *out = image_array(m->arena, n, sizeof **out);
    *n_out = 0;
    for (size_t i = 0; i < n; i++) {
        struct image_domain *d = &(*out)[i];
        d->domain = v[i].domain;
        d->name = span_str(v[i].domain);
        d->default_service = v[i].default_service;
        ++*n_out; /* before its routes: a fault among them must not lose those compiled */
        TRY(compile_routes(m, &v[i], i, d));
    }
    if (n > 1)
        qsort(*out, n, sizeof **out, by_length);
    return ERR_OK;
}

enum err image_regexes(struct image_maker *m, const struct config_strings *v, const char *field,
                       struct regex ***out, size_t *n_out)
{
    char path[128];
    *out = image_array(m->arena, v->n, sizeof **out);
    *n_out = 0;
    for (size_t i = 0; i < v->n; i++) {
        snprintf(path, sizeof path, "%s[%zu]", field, i);
        TRY(compile(m, v->v[i], path, &(*out)[i]));
        ++*n_out;
    }
    return ERR_OK;
}

void image_rewrites_drop(struct rewrite_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        regex_unref(set->v[i].source);
}

void image_domains_drop(struct image_domain *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < v[i].n_routes; j++)
            regex_unref(v[i].routes[j].path);
}

void image_regexes_drop(struct regex **v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        regex_unref(v[i]);
}

/* Two backends share connections when these are the same: preserve_host and the base path belong to
 * requests. Each text is hashed by itself, which keeps
 * their borders. */
static uint64_t backend_hash(const struct config_backend *b)
{
    const char *texts[] = {b->host, b->connect.host, b->tls_ca, b->tls_server_name};
    char numbers[64];
    int n = snprintf(numbers, sizeof numbers, "%d:%u:%u:%d:%d", (int)b->scheme, b->port,
                     b->connect.port, b->tls_verify, (int)b->proxy_protocol);
    uint64_t hash = span_hash(span_of(numbers, (size_t)n));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        uint64_t pair[3] = {hash, texts[i] != NULL, span_hash(span_str(texts[i]))};
        hash = span_hash(span_of(pair, sizeof pair));
    }
    return hash;
}

void image_backend(const struct config_backend *to, struct route_backend *out)
{
    out->to = *to;
    out->hash = to->host ? backend_hash(to) : 0;
}

void image_checked_backend(const struct config_service *s, struct route_backend *out)
{
    image_backend(&s->backend, out);
    uint64_t parts[3] = {out->hash, span_hash(span_str(s->name)),
                         span_hash(span_str(s->health.path))};
    out->hash = span_hash(span_of(parts, sizeof parts));
}
