#include "dns/txt.h"

#include "core/mem.h"

#define VALUE_MAX 255
#define RECORD_HEAD_LEN 13 /* owner, type, class, TTL, length, and the string's length byte */
#define WIRE_MAX (DNS_TXT_PER_NAME_MAX * (RECORD_HEAD_LEN + VALUE_MAX))

struct dns_txt_name {
    struct table_node node;
    unsigned below; /* values here and below */
    struct dns_rrset set;
    uint16_t owner_at[DNS_TXT_PER_NAME_MAX];
    uint8_t *wire; /* WIRE_MAX bytes, NULL at an empty non-terminal */
    uint8_t len;
    uint8_t name[DNS_NAME_MAX];
};

static struct span key_of(const struct table_node *node)
{
    const struct dns_txt_name *n = CONTAINER_OF(node, struct dns_txt_name, node);
    return span_of(n->name, n->len);
}

/* NAME without its first SKIP labels. */
static struct span suffix(const struct dns_name *name, unsigned skip)
{
    return span_of(name->wire + name->at[skip], (size_t)(name->len - name->at[skip]));
}

static struct dns_txt_name *find(const struct dns_txt *t, struct span name)
{
    struct table_node *node = table_find(&t->names, name);
    return node ? CONTAINER_OF(node, struct dns_txt_name, node) : NULL;
}

void dns_txt_init(struct dns_txt *t)
{
    table_init(&t->names, key_of);
    t->n_values = 0;
}

static void free_name(struct dns_txt *t, struct dns_txt_name *n)
{
    table_remove(&t->names, &n->node);
    mem_free(n->wire);
    mem_free(n);
}

void dns_txt_deinit(struct dns_txt *t)
{
    struct table_iter it;
    for (struct table_node *n = table_first(&t->names, &it); n; n = table_next(&it))
        free_name(t, CONTAINER_OF(n, struct dns_txt_name, node));
    table_deinit(&t->names);
}

static struct span value_at(const struct dns_rrset *s, unsigned i)
{
    const uint8_t *len = s->wire + s->owner_at[i] + RECORD_HEAD_LEN - 1;
    return span_of(len + 1, *len);
}

/* The index of VALUE, or -1. */
static int value_find(const struct dns_rrset *s, struct span value)
{
    for (unsigned i = 0; i < s->count; i++) {
        if (span_eq(value_at(s, i), value))
            return (int)i;
    }
    return -1;
}

static void value_append(struct dns_txt_name *n, struct span value)
{
    if (!n->wire) {
        n->wire = mem_alloc(WIRE_MAX);
        n->set = (struct dns_rrset){.type = DNS_TYPE_TXT, .wire = n->wire, .owner_at = n->owner_at};
    }
    struct wire_writer w = wire_writer_of(n->wire, WIRE_MAX);
    w.pos = n->set.len;
    n->owner_at[n->set.count++] = n->set.len;
    wire_put_u16(&w, dns_pointer(DNS_HEADER_LEN));
    wire_put_u16(&w, DNS_TYPE_TXT);
    wire_put_u16(&w, DNS_CLASS_IN);
    wire_put_u32(&w, DNS_TXT_TTL);
    wire_put_u16(&w, (uint16_t)(value.len + 1));
    wire_put_u8(&w, (uint8_t)value.len);
    wire_put_bytes(&w, value.p, value.len);
    CHECK(!w.failed);
    n->set.len = (uint16_t)w.pos;
}

static void value_cut(struct dns_txt_name *n, unsigned i)
{
    struct dns_rrset *s = &n->set;
    uint16_t start = n->owner_at[i];
    uint16_t len = (uint16_t)(RECORD_HEAD_LEN + value_at(s, i).len);
    memmove(n->wire + start, n->wire + start + len, (size_t)(s->len - start - len));
    s->len = (uint16_t)(s->len - len);
    s->count--;
    for (; i < s->count; i++)
        n->owner_at[i] = (uint16_t)(n->owner_at[i + 1] - len);
    if (s->count > 0)
        return;
    mem_free(n->wire);
    n->wire = NULL;
}

static struct dns_txt_name *find_or_add(struct dns_txt *t, struct span name)
{
    struct dns_txt_name *n = find(t, name);
    if (n)
        return n;
    n = NEW(struct dns_txt_name);
    n->len = (uint8_t)name.len;
    memcpy(n->name, name.p, name.len);
    CHECK(table_insert(&t->names, &n->node) == ERR_OK);
    return n;
}

enum err dns_txt_add(struct dns_txt *t, const struct dns_name *name, struct span value)
{
    if (value.len > VALUE_MAX)
        return ERR_RANGE;
    const struct dns_txt_name *there = find(t, suffix(name, 0));
    if (there && value_find(&there->set, value) >= 0)
        return ERR_OK;
    if (t->n_values == DNS_TXT_VALUES_MAX || (there && there->set.count == DNS_TXT_PER_NAME_MAX))
        return ERR_FULL;

    for (unsigned i = 0; i < name->labels; i++) {
        struct dns_txt_name *n = find_or_add(t, suffix(name, i));
        n->below++;
        if (i == 0)
            value_append(n, value);
    }
    t->n_values++;
    return ERR_OK;
}

void dns_txt_remove(struct dns_txt *t, const struct dns_name *name, struct span value)
{
    struct dns_txt_name *n = find(t, suffix(name, 0));
    int at = n ? value_find(&n->set, value) : -1;
    if (at < 0)
        return;
    value_cut(n, (unsigned)at);
    t->n_values--;
    for (unsigned i = 0; i < name->labels; i++) {
        n = find(t, suffix(name, i));
        if (--n->below == 0)
            free_name(t, n);
    }
}

const struct dns_txt_name *dns_txt_find(const struct dns_txt *t, const struct dns_name *name)
{
    return t->n_values > 0 ? find(t, suffix(name, 0)) : NULL;
}

const struct dns_rrset *dns_txt_set(const struct dns_txt_name *n)
{
    return n->set.count > 0 ? &n->set : NULL;
}
