#include "dns/edns.h"

#include "dns/answer.h"

#define OPT_FIXED_LEN 11
#define OPTION_HEAD_LEN 4
#define EDNS_DO 0x8000

static enum dns_rcode read_options(struct wire_reader *r, struct dns_edns *e)
{
    while (wire_left(r) > 0) {
        uint16_t code = wire_get_u16(r);
        uint16_t len = wire_get_u16(r);
        const uint8_t *data = wire_get_bytes(r, len);
        if (r->failed)
            return DNS_FORMERR;

        /* RFC 5001 2.1: what a query's NSID holds is ignored. */
        if (code == DNS_OPTION_NSID)
            e->nsid = true;
        /* RFC 7873 5.2: of several cookies only the first is looked at. */
        if (code != DNS_OPTION_COOKIE || e->cookie)
            continue;
        if (!dns_cookie_len_ok(len))
            return DNS_FORMERR;
        e->cookie = data;
        e->cookie_len = (uint8_t)len;
    }
    return r->failed ? DNS_FORMERR : DNS_NOERROR;
}

enum dns_rcode dns_edns_read(struct wire_reader *r, struct dns_edns *e)
{
    uint16_t payload = wire_get_u16(r);
    wire_get_u8(r); /* extended RCODE: nothing in a query */
    uint8_t version = wire_get_u8(r);
    uint16_t flags = wire_get_u16(r);
    uint16_t len = wire_get_u16(r);
    const uint8_t *options = wire_get_bytes(r, len);
    if (r->failed)
        return DNS_FORMERR;

    e->present = true;
    e->payload = payload;
    e->dnssec_ok = (flags & EDNS_DO) != 0;
    /* Other versions may give the rest another form: it is not read. */
    if (version != 0)
        return DNS_BADVERS;
    struct wire_reader inside = wire_reader_of(options, len);
    return read_options(&inside, e);
}

size_t dns_opt_len(const struct dns_opt *o)
{
    size_t len = OPT_FIXED_LEN;
    if (o->cookie)
        len += OPTION_HEAD_LEN + DNS_COOKIE_LEN;
    if (o->nsid.p)
        len += OPTION_HEAD_LEN + o->nsid.len;
    return len;
}

void dns_opt_put(const struct dns_opt *o, struct wire_writer *w)
{
    wire_put_u8(w, 0); /* the root */
    wire_put_u16(w, DNS_TYPE_OPT);
    wire_put_u16(w, DNS_UDP_PAYLOAD_MAX);
    wire_put_u8(w, (uint8_t)(o->rcode >> 4));
    wire_put_u8(w, 0);
    /* RFC 3225 3: DO is copied; RFC 6891 6.1.4: the other flags are zero. */
    wire_put_u16(w, o->dnssec_ok ? EDNS_DO : 0);
    wire_put_u16(w, (uint16_t)(dns_opt_len(o) - OPT_FIXED_LEN));
    if (o->cookie) {
        wire_put_u16(w, DNS_OPTION_COOKIE);
        wire_put_u16(w, DNS_COOKIE_LEN);
        wire_put_bytes(w, o->cookie, DNS_COOKIE_LEN);
    }
    if (o->nsid.p) {
        wire_put_u16(w, DNS_OPTION_NSID);
        wire_put_u16(w, (uint16_t)o->nsid.len);
        wire_put_bytes(w, o->nsid.p, o->nsid.len);
    }
}
