#include "dns/query.h"

struct counts {
    uint16_t questions, answers, authorities, additionals;
};

/* A question with a compressed name is malformed: there is nothing before it to point to. */
static bool read_question(struct wire_reader *r, struct dns_query *q)
{
    if (!dns_name_read(r, &q->name))
        return false;
    q->qtype = wire_get_u16(r);
    q->qclass = wire_get_u16(r);
    if (r->failed)
        return false;
    q->question_len = (uint16_t)(r->pos - DNS_HEADER_LEN);
    return true;
}

/* Steps over N records. */
static void skip_records(struct wire_reader *r, unsigned n)
{
    for (; n > 0 && !r->failed; n--) {
        dns_name_skip(r);
        wire_get_bytes(r, 8); /* type, class, TTL */
        wire_get_bytes(r, wire_get_u16(r));
    }
}

/* The additional section: one OPT at most, owned by the root (RFC 6891 6.1.1). Other records, as
 * a TSIG, are passed over. */
static enum dns_rcode read_additional(struct wire_reader *r, unsigned n, struct dns_query *q)
{
    enum dns_rcode rcode = DNS_NOERROR;
    for (; n > 0; n--) {
        size_t owner = r->pos;
        dns_name_skip(r);
        bool root = r->pos == owner + 1;
        if (wire_get_u16(r) != DNS_TYPE_OPT) {
            wire_get_bytes(r, 6);
            wire_get_bytes(r, wire_get_u16(r));
            if (r->failed)
                return DNS_FORMERR;
            continue;
        }
        if (r->failed || !root || q->edns.present)
            return DNS_FORMERR;
        rcode = dns_edns_read(r, &q->edns);
        if (rcode == DNS_FORMERR)
            return rcode;
    }
    return rcode;
}

/* Only a transfer asks with a record in the authority section (RFC 1995 3). */
static bool counts_fit(const struct dns_query *q, const struct counts *c)
{
    return c->answers == 0 &&
           (c->authorities == 0 || (c->authorities == 1 && q->qtype == DNS_TYPE_IXFR));
}

static enum dns_rcode read_body(struct wire_reader *r, const struct counts *c, struct dns_query *q)
{
    /* RFC 9619: one question; none is for asking for a cookie alone (RFC 7873 5.4). */
    if (c->questions > 1)
        return DNS_FORMERR;
    if (c->questions == 1 && !read_question(r, q))
        return DNS_FORMERR;

    bool is_query = (q->flags & DNS_OPCODE_MASK) == DNS_OPCODE_QUERY;
    if (is_query && !counts_fit(q, c))
        return DNS_FORMERR;
    skip_records(r, c->answers);
    skip_records(r, c->authorities);
    if (r->failed)
        return DNS_FORMERR;

    enum dns_rcode rcode = read_additional(r, c->additionals, q);
    if (rcode == DNS_FORMERR || r->pos != r->len)
        return DNS_FORMERR;
    if (c->questions == 0 && q->edns.cookie_len == 0 && rcode == DNS_NOERROR)
        return DNS_FORMERR;
    return rcode;
}

bool dns_query_parse(struct dns_query *q, const uint8_t *bytes, size_t len)
{
    if (len < DNS_HEADER_LEN)
        return false;
    struct wire_reader r = wire_reader_of(bytes, len);
    wire_get_u16(&r); /* the id is copied from the bytes */
    q->bytes = bytes;
    q->flags = wire_get_u16(&r);
    q->question_len = 0;
    q->qtype = 0;
    q->qclass = 0;
    q->edns = (struct dns_edns){0};
    /* A response answered could be answered again, for ever. */
    if (q->flags & DNS_QR)
        return false;

    struct counts c = {.questions = wire_get_u16(&r)};
    c.answers = wire_get_u16(&r);
    c.authorities = wire_get_u16(&r);
    c.additionals = wire_get_u16(&r);
    q->rcode = read_body(&r, &c, q);
    /* UPDATE, NOTIFY and their kin have a query's form, which is read for the question and the OPT
     * to give back; whatever it is, the answer is the same. */
    if ((q->flags & DNS_OPCODE_MASK) != DNS_OPCODE_QUERY && q->rcode != DNS_BADVERS)
        q->rcode = DNS_NOTIMP;
    return true;
}
