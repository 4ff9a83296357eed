#include "proxy/h2/h2_field.h"

#include "proxy/head/message.h"

enum err h2_field_take(struct fields *to, struct arena *a, struct span name, struct span value)
{
    enum field_id id = field_lookup(name);
    struct span v = arena_copy(a, value);
    if (!v.p)
        return ERR_FULL;
    if (to->bytes + name.len + v.len > HEAD_MAX)
        return ERR_FULL;
    if (id != FIELD_OTHER)
        return fields_add_id(to, a, id, v);
    struct span n = arena_copy(a, name);
    return n.p ? fields_add(to, a, id, n, v) : ERR_FULL;
}
