#include "proxy/head/forwarded_field.h"

#include "core/mem.h"
#include "proxy/head/public_url.h"

bool forwarded_is_claim(const struct field *f)
{
    switch (f->id) {
    case FIELD_X_FORWARDED_FOR:
    case FIELD_X_FORWARDED_HOST:
    case FIELD_X_FORWARDED_PORT:
    case FIELD_X_FORWARDED_PROTO:
    case FIELD_FORWARDED:
        return true;
    case FIELD_OTHER: /* -prefix, -ssl, -server, ... */
        return span_starts(f->name, SPAN_LIT("x-forwarded-"));
    default:
        return false;
    }
}

/* VALUE at the end of the list in the lines with ID. */
static enum err list_append(struct fields *f, enum field_id id, struct span value,
                            struct arena *arena)
{
    struct span before = fields_join(f, id, SPAN_LIT(", "), arena);
    if (before.len > 0) {
        struct span parts[3] = {before, SPAN_LIT(", "), value};
        value = arena_join(arena, parts, 3);
    }
    return value.p ? fields_set(f, arena, id, value) : ERR_FULL;
}

/* A trusted proxy in front knows better. */
static enum err set_unless_there(struct fields *f, enum field_id id, struct span value,
                                 struct arena *arena)
{
    return fields_find(f, id) ? ERR_OK : fields_set(f, arena, id, value);
}

/* forwarded-element (RFC 7239 4). A host with a port and an IPv6 address hold characters that tokens do
 * not have, and are quoted (section 6); neither can hold a quote. */
static struct span forwarded_element(struct span ip, struct span authority, struct span proto,
                                     struct arena *arena)
{
    bool v6 = span_chr(ip, ':') >= 0;
    struct span quote = field_name_valid(authority) ? SPAN_LIT("") : SPAN_LIT("\"");
    struct span parts[] = {
        v6 ? SPAN_LIT("for=\"[") : SPAN_LIT("for="),
        ip,
        v6 ? SPAN_LIT("]\";host=") : SPAN_LIT(";host="),
        quote,
        authority,
        quote,
        SPAN_LIT(";proto="),
        proto,
    };
    return arena_join(arena, parts, ARRAY_LEN(parts));
}

enum err forwarded_add(struct fields *f, const struct forward_facts *facts, struct arena *arena)
{
    char storage[ADDR_TEXT_MAX];
    struct span ip = arena_copy(arena, client_ip_text(facts->client, storage));
    struct span port = arena_u64(arena, facts->public_port);
    struct span authority = public_authority(facts, arena);
    struct span proto = public_scheme(facts);
    if (!ip.p || !port.p || !authority.p)
        return ERR_FULL;
    struct span element = forwarded_element(ip, authority, proto, arena);
    if (!element.p)
        return ERR_FULL;

    TRY(list_append(f, FIELD_X_FORWARDED_FOR, ip, arena));
    TRY(set_unless_there(f, FIELD_X_FORWARDED_PROTO, proto, arena));
    TRY(set_unless_there(f, FIELD_X_FORWARDED_HOST, authority, arena));
    TRY(set_unless_there(f, FIELD_X_FORWARDED_PORT, port, arena));
    return list_append(f, FIELD_FORWARDED, element, arena);
}
