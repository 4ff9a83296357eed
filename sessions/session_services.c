/* The overrides of a body: "services": {"web": URL or {...}}. */
#include <stdio.h>
#include <stdlib.h>

#include "config/backend_url.h"
#include "config/names.h"
#include "core/addr.h"
#include "sessions/session_record.h"

/* As a body has it, before it is known whether it is a URL or a tunnel. */
struct override_body {
    const char *service;
    json_t *url;
    bool has_tunnel, tunnel, preserve_host, fallback_shared;
    const char *server_name;
    bool has_tls, no_verify;
    enum proxy_out proxy_protocol;
    struct session_override *to;
};

static enum err keep_json(struct reader *r, json_t *v, const char *at, void *out)
{
    (void)r;
    (void)at;
    *(json_t **)out = v; /* borrowed from the body */
    return ERR_OK;
}

static bool is_word(json_t *v, const char *word)
{
    return json_is_string(v) && strcmp(json_string_value(v), word) == 0;
}

static enum err read_host(struct reader *r, json_t *v, const char *at, void *out)
{
    if (!is_word(v, "target") && !is_word(v, "preserve"))
        return read_fail(r, at, "must be \"target\" or \"preserve\"");
    *(bool *)out = is_word(v, "preserve");
    return ERR_OK;
}

static enum err read_fallback(struct reader *r, json_t *v, const char *at, void *out)
{
    if (!is_word(v, "shared") && !is_word(v, "none"))
        return read_fail(r, at, "must be \"shared\" or \"none\"");
    *(bool *)out = is_word(v, "shared");
    return ERR_OK;
}

static enum err read_proxy_protocol(struct reader *r, json_t *v, const char *at, void *out)
{
    if (!is_word(v, "off") && !is_word(v, "v1") && !is_word(v, "v2"))
        return read_fail(r, at, "must be \"off\", \"v1\" or \"v2\"");
    *(enum proxy_out *)out = is_word(v, "v1")   ? PROXY_OUT_V1
                             : is_word(v, "v2") ? PROXY_OUT_V2
                                                : PROXY_OUT_OFF;
    return ERR_OK;
}

static enum err read_tunnel(struct reader *r, json_t *v, const char *at, void *out)
{
    struct override_body *b = (struct override_body *)out;
    b->has_tunnel = true;
    TRY(read_bool(r, v, at, &b->tunnel));
    return b->tunnel ? ERR_OK : read_fail(r, at, "must be true, or left out for a url");
}

static enum err read_server_name(struct reader *r, json_t *v, const char *at, void *out)
{
    const char **name = (const char **)out;
    TRY(read_text(r, v, at, 1, 253, name));
    if (!name_is_host(span_str(*name)))
        return read_fail(r, at, "must be a host name in lower case");
    return ERR_OK;
}

static enum err read_verify(struct reader *r, json_t *v, const char *at, void *out)
{
    bool verify = true;
    TRY(read_bool(r, v, at, &verify));
    *(bool *)out = !verify;
    return ERR_OK;
}

/* A path on the edge's disk: those who may make sessions need not be those who may read there. */
static enum err refuse_ca(struct reader *r, json_t *v, const char *at, void *out)
{
    (void)v;
    (void)out;
    return read_fail(r, at, "is a file of the edge, which only its configuration can name");
}

static enum err read_tls(struct reader *r, json_t *v, const char *at, void *out)
{
    static const struct member members[] = {
        {"ca", refuse_ca, 0, false},
        {"server_name", read_server_name, offsetof(struct override_body, server_name), false},
        {"verify", read_verify, offsetof(struct override_body, no_verify), false},
    };
    ((struct override_body *)out)->has_tls = true;
    return read_object(r, v, at, members, 3, out);
}

static enum err read_own_rewrites(struct reader *r, json_t *v, const char *at, void *out)
{
    struct session_override *o = ((struct override_body *)out)->to;
    return read_rewrite_list(r, v, at, &o->rewrites, &o->n_rewrites);
}

/* --- one override --- */

static enum err set_url(struct reader *r, const struct override_body *b, const char *at)
{
    struct config_backend *to = &b->to->backend;
    char path[READ_PATH_MAX];
    const char *why = NULL;
    if (!json_is_string(b->url))
        return read_fail(r, at, "must be text");
    struct span url = span_of(json_string_value(b->url), json_string_length(b->url));
    enum err e = backend_url_parse(url, &r->s->arena, to, &why);
    if (e == ERR_MEMORY)
        return read_full(r);
    if (e != ERR_OK)
        return read_fail(r, at, "%s", why);

    if (b->has_tls && to->scheme != BACKEND_HTTPS)
        return read_fail(r, read_path(path, "services", b->service),
                         "has tls, which is for https:// backends only");
    to->preserve_host = b->preserve_host;
    to->proxy_protocol = b->proxy_protocol;
    to->tls_server_name = b->server_name;
    to->tls_verify = !b->no_verify;
    return ERR_OK;
}

static enum err set_override(struct reader *r, const struct override_body *b, const char *at)
{
    char path[READ_PATH_MAX];
    b->to->fallback_shared = b->fallback_shared;
    if (b->tunnel && b->url)
        return read_fail(r, at, "must have either a url or a tunnel");
    if (!b->tunnel && !b->url)
        return read_fail(r, at, "must have a url, or \"tunnel\": true");
    if (b->url) {
        b->to->kind = OVERRIDE_URL;
        return set_url(r, b, read_path(path, at, "url"));
    }
    if (b->has_tls)
        return read_fail(r, read_path(path, at, "tls"), "is for https:// backends only");
    if (b->proxy_protocol != PROXY_OUT_OFF)
        return read_fail(r, read_path(path, at, "proxy_protocol"), "is for backends with a url");
    b->to->kind = OVERRIDE_TUNNEL;
    b->to->backend = (struct config_backend){.preserve_host = b->preserve_host};
    return ERR_OK;
}

static enum err read_override(struct reader *r, const char *service, json_t *v,
                              struct session_override *out)
{
    static const struct member members[] = {
        {"url", keep_json, offsetof(struct override_body, url), false},
        {"tunnel", read_tunnel, 0, false},
        {"host", read_host, offsetof(struct override_body, preserve_host), false},
        {"fallback", read_fallback, offsetof(struct override_body, fallback_shared), false},
        {"proxy_protocol", read_proxy_protocol, offsetof(struct override_body, proxy_protocol),
         false},
        {"tls", read_tls, 0, false},
        {"rewrites", read_own_rewrites, 0, false},
    };
    char at[READ_PATH_MAX];
    read_path(at, "services", service);
    /* Some hosts below the zone are the edge's own. */
    if (!name_is_service(span_str(service)) || strcmp(service, "edge") == 0)
        return read_fail(r, at, "is not a service's name: a-z, 0-9 and inner '-', without '--'");
    out->service = arena_strz(&r->s->arena, span_str(service));
    if (!out->service)
        return read_full(r);

    struct override_body b = {.service = service, .to = out};
    if (json_is_string(v)) {
        b.url = v;
        out->kind = OVERRIDE_URL;
        return set_url(r, &b, at);
    }
    if (!json_is_object(v))
        return read_fail(r, at, "must be a URL, or an object with a url or \"tunnel\": true");
    TRY(read_object(r, v, at, members, sizeof members / sizeof *members, &b));
    return set_override(r, &b, at);
}

static int by_service(const void *a, const void *b)
{
    const struct session_override *x = a, *y = b;
    return span_cmp(span_str(x->service), span_str(y->service));
}

enum err read_services(struct reader *r, json_t *v, const char *at, void *out)
{
    struct session *s = (struct session *)out;
    size_t n = json_object_size(v);
    const char *service;
    json_t *value;
    if (!json_is_object(v))
        return read_fail(r, at, "must be an object: service to backend");
    if (n > SESSION_SERVICES_MAX)
        return read_fail(r, at, "must not have more than %d services", SESSION_SERVICES_MAX);

    s->overrides = arena_alloc(&s->arena, n * sizeof *s->overrides + 1);
    if (!s->overrides)
        return read_full(r);
    memset(s->overrides, 0, n * sizeof *s->overrides);
    json_object_foreach(v, service, value)
    {
        TRY(read_override(r, service, value, &s->overrides[s->n_overrides]));
        s->n_overrides++;
    }
    qsort(s->overrides, s->n_overrides, sizeof *s->overrides, by_service);
    return ERR_OK;
}

/* --- previews --- */

static bool is_loopback(const struct config_backend *b)
{
    struct addr a;
    struct span host = span_str(b->host);
    if (!b->host_is_ip)
        return span_eq(host, SPAN_LIT("localhost")) || span_ends(host, SPAN_LIT(".localhost"));
    if (addr_parse_ip(host, 0, &a) != ERR_OK)
        return false;

    size_t len = 0;
    const uint8_t *ip = addr_ip_bytes(&a, &len);
    bool zero = true; /* 0.0.0.0 and ::, which connect to this machine as well */
    for (size_t i = 0; i < len; i++)
        zero = zero && ip[i] == 0;
    return zero || addr_is_loopback(&a) || (len == 4 && ip[0] == 127);
}

enum err read_check_preview(struct reader *r)
{
    char at[READ_PATH_MAX];
    for (size_t i = 0; i < r->s->n_overrides; i++) {
        const struct session_override *o = &r->s->overrides[i];
        if (!is_loopback(&o->backend))
            continue;
        snprintf(at, sizeof at, "services.%s.url", o->service);
        enum err e = read_fail(r, at,
                               "is on the edge's own machine (%s): a preview needs a host that the "
                               "edge can reach; give the session a name if you mean it",
                               o->backend.host);
        r->fault->status = 400;
        return e;
    }
    return ERR_OK;
}
