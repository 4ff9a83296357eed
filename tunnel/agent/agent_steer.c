#include "proxy/back/back.h"
#include "proxy/page/own_answer.h"
#include "proxy/steer.h"
#include "tunnel/agent/agent_parts.h"

static struct span field_of(const struct exchange *x, enum field_id id)
{
    const struct field *f = fields_find(&x->request.fields, id);
    return f ? f->value : span_of(NULL, 0);
}

/* Finds the service that the edge asks for. False: it is not here. */
static bool find(struct agent *a, struct exchange *x)
{
    struct span session = field_of(x, FIELD_LINKUP_SESSION);
    struct span service = field_of(x, FIELD_LINKUP_SERVICE);
    struct session_entry *e = route_table_find(&a->table, session);
    const struct image_override *o = e ? session_image_override(e->image, service) : NULL;
    if (!o)
        return false;
    session_entry_pin(e);
    x->session = e;
    x->route = (struct route_result){
        .outcome = ROUTE_TO_BACKEND,
        .place = PLACE_SESSION,
        .session = e,
        .session_name = e->image->name,
        .service = o->key,
        .override = o,
        .backend = &o->backend,
    };
    return true;
}

/* "host[:port]" of the public URL: what a location that names the local host is turned to. */
static void note_public_host(struct exchange *x)
{
    struct span authority = x->request.authority;
    uint64_t port = 0;
    size_t at = authority.len;
    while (at > 0 && authority.p[at - 1] >= '0' && authority.p[at - 1] <= '9')
        at--;
    bool has_port = at > 0 && at < authority.len && authority.p[at - 1] == ':' &&
                    span_to_u64(span_from(authority, at), &port) == ERR_OK && port <= UINT16_MAX;
    x->port = has_port ? (uint16_t)port : x->secure ? 443 : 80;
    if (host_normalise(authority, x->host_storage, &x->host) != ERR_OK)
        x->host = span_of(NULL, 0);
}

static bool is_for_us(const struct field *f, void *ctx)
{
    (void)ctx;
    return span_starts(f->name, SPAN_LIT("linkup-"));
}

void agent_steer(void *ctx, struct exchange *x)
{
    struct agent *a = ctx;
    a->status.requests++;
    if (!find(a, x)) {
        own_answer_page(x, PAGE_UNKNOWN_SERVICE, NULL);
        return;
    }
    note_public_host(x);
    bool preserve = span_eq(field_of(x, FIELD_LINKUP_HOST), SPAN_LIT("preserve"));
    fields_remove_if(&x->request.fields, is_for_us, NULL);
    if (!steer_aim(x))
        return;
    if (preserve)
        x->back_host = x->request.authority;
    back_start(x);
}
