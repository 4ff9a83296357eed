#include "dns/name.h"

/* Lower-cases the eight bytes of W at once. A byte is a capital when adding to its low seven bits
 * reaches 0x80 from 'A' on and does not yet from 'Z' + 1 on. */
static uint64_t lower_word(uint64_t w)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t low = w & (0x7f * ones);
    uint64_t from_a = low + (0x80 - 'A') * ones;
    uint64_t after_z = low + (0x7f - 'Z') * ones;
    uint64_t capital = ~w & (from_a ^ after_z) & (0x80 * ones);
    return w | (capital >> 2);
}

/* Length bytes are at most 63 and so below 'A': the whole name is lower-cased in one pass, by words as
 * far as LEFT bytes of source go. DST has room for whole words. */
static void copy_lower(uint8_t *dst, const uint8_t *src, size_t len, size_t left)
{
    size_t i = 0;
    for (; i < len && left - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
        uint64_t w;
        memcpy(&w, src + i, sizeof(w));
        w = lower_word(w);
        memcpy(dst + i, &w, sizeof(w));
    }
    for (; i < len; i++)
        dst[i] = (uint8_t)ascii_lower((char)src[i]);
}

bool dns_name_read(struct wire_reader *r, struct dns_name *out)
{
    const uint8_t *p = r->base + r->pos;
    size_t left = wire_left(r);
    size_t limit = left < DNS_NAME_MAX ? left : DNS_NAME_MAX;
    size_t pos = 0;
    uint8_t labels = 0;

    for (;;) {
        if (pos >= limit)
            goto bad;
        out->at[labels] = (uint8_t)pos;
        uint8_t len = p[pos];
        if (len == 0)
            break;
        /* Pointers (RFC 1035 4.1.4) have nowhere to point to in a question; 0x40 and 0x80 are
         * no label types (RFC 6891 5). */
        if (len > DNS_LABEL_MAX)
            goto bad;
        pos += 1u + len;
        labels++;
    }
    out->labels = labels;
    out->len = (uint8_t)(pos + 1);
    copy_lower(out->wire, p, out->len, left);
    r->pos += out->len;
    return true;

bad:
    r->failed = true;
    return false;
}

void dns_name_skip(struct wire_reader *r)
{
    size_t total = 0;
    for (;;) {
        uint8_t len = wire_get_u8(r);
        if (r->failed || len == 0)
            return;
        if ((len & 0xc0) == 0xc0) {
            wire_get_u8(r);
            return;
        }
        total += 1u + len;
        if (len > DNS_LABEL_MAX || total >= DNS_NAME_MAX) {
            r->failed = true;
            return;
        }
        wire_get_bytes(r, len);
    }
}

bool dns_name_from_text(struct span text, struct dns_name *out)
{
    uint8_t wire[DNS_NAME_MAX];
    struct wire_writer w = wire_writer_of(wire, sizeof(wire));
    if (text.len > 0 && text.p[text.len - 1] == '.')
        text.len--;
    if (text.len == 0)
        return false;

    for (;;) {
        ptrdiff_t dot = span_chr(text, '.');
        struct span label = dot < 0 ? text : span_sub(text, 0, (size_t)dot);
        if (label.len == 0 || label.len > DNS_LABEL_MAX)
            return false;
        wire_put_u8(&w, (uint8_t)label.len);
        wire_put_bytes(&w, label.p, label.len);
        if (dot < 0)
            break;
        text = span_from(text, (size_t)dot + 1);
    }
    wire_put_u8(&w, 0);
    if (w.failed)
        return false;
    struct wire_reader r = wire_reader_of(wire, w.pos);
    return dns_name_read(&r, out);
}

bool dns_name_in(const struct dns_name *n, const struct dns_name *zone, unsigned *below)
{
    if (n->labels < zone->labels)
        return false;
    unsigned more = (unsigned)(n->labels - zone->labels);
    if (n->len - n->at[more] != zone->len)
        return false;
    if (memcmp(n->wire + n->at[more], zone->wire, zone->len) != 0)
        return false;
    if (below)
        *below = more;
    return true;
}

bool dns_name_eq(const struct dns_name *a, const struct dns_name *b)
{
    return a->len == b->len && memcmp(a->wire, b->wire, a->len) == 0;
}
