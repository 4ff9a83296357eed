/* Answering as a walk through states: each does one thing and names the next. That an answer does
 * not fit is a state, too. */
#include "dns/answer.h"

#include "dns/cookie.h"
#include "dns/lookup.h"
#include "dns/query.h"
#include "dns/responder.h"

enum state {
    STATE_FORM,     /* is it a query at all that can be answered? */
    STATE_QUESTION, /* is it for us? */
    STATE_NAME,     /* look the name up */
    STATE_ALIAS,    /* a CNAME: answer it and go on with its target */
    STATE_NEGATIVE, /* nothing (more) to say but the SOA */
    STATE_EXTRA,    /* the additional section */
    STATE_FULL,     /* it did not fit: the client is sent to TCP */
    STATE_DONE,
};

struct answer {
    const struct dns_responder *r;
    const struct dns_zone *zone;
    enum dns_transport transport;
    struct dns_query q;
    struct wire_writer w; /* ends where the OPT must begin at the latest */
    enum dns_rcode rcode;
    uint16_t flags; /* AA, TC */
    uint16_t answers, authorities, additionals;

    size_t zone_at; /* where the zone's name is in the message */
    const struct dns_name
        *name;      /* what is being looked up: the question's, then a CNAME's target */
    size_t name_at; /* where it is in the message */
    unsigned below; /* its labels below the zone */
    unsigned hops;
    const struct dns_node *alias;  /* the node whose CNAME is to be followed */
    const struct dns_rrset *given; /* the RRset answered, for its additional data */

    enum dns_cookie_state cookie_state;
    uint8_t cookie[DNS_COOKIE_LEN];
};

static enum state finish(struct answer *a, enum dns_rcode rcode)
{
    a->rcode = rcode;
    return STATE_DONE;
}

static bool put_answer(struct answer *a, const struct dns_rrset *s)
{
    if (!dns_rrset_put(s, &a->w, a->name_at, a->zone_at))
        return false;
    a->answers = (uint16_t)(a->answers + s->count);
    a->given = s;
    return true;
}

static enum state state_form(struct answer *a)
{
    if (a->q.rcode != DNS_NOERROR)
        return finish(a, a->q.rcode);
    if (a->q.question_len > 0)
        return STATE_QUESTION;
    /* RFC 7873 5.4: the client wants to know its cookie, nothing else. */
    bool bad = a->r->has_cookie_keys && a->cookie_state == DNS_COOKIE_BAD;
    return finish(a, bad ? DNS_BADCOOKIE : DNS_NOERROR);
}

/* Types that ask for something else than data, or cannot be asked for (RFC 6895 3.1). NOERROR: the
 * type is to be looked up. */
static enum dns_rcode judge_type(const struct answer *a)
{
    switch (a->q.qtype) {
    case DNS_TYPE_OPT:
    case DNS_TYPE_TKEY:
    case DNS_TYPE_TSIG:
        return DNS_FORMERR;
    case DNS_TYPE_AXFR:
        /* RFC 5936 4.2: never over UDP. */
        return a->transport == DNS_UDP ? DNS_FORMERR : DNS_REFUSED;
    case DNS_TYPE_IXFR:
        return DNS_REFUSED;
    case DNS_TYPE_MAILA:
    case DNS_TYPE_MAILB:
        return DNS_NOTIMP;
    default:
        return DNS_NOERROR;
    }
}

static enum state state_question(struct answer *a)
{
    enum dns_rcode rcode = judge_type(a);
    if (rcode != DNS_NOERROR)
        return finish(a, rcode);
    if (a->q.qclass != DNS_CLASS_IN || !dns_name_in(&a->q.name, &a->zone->name, &a->below))
        return finish(a, DNS_REFUSED);
    a->flags |= DNS_AA;
    a->name = &a->q.name;
    a->name_at = DNS_HEADER_LEN;
    a->zone_at = (size_t)DNS_HEADER_LEN + a->q.name.at[a->below];
    return STATE_NAME;
}

/* The RRset that answers from the node found, or from the edge's own wildcard (SYNTH) where it stands
 * for the name. NULL: none of this type. */
static const struct dns_rrset *choose(const struct answer *a, const struct dns_node *node,
                                      bool synth)
{
    uint16_t type = a->q.qtype;
    const struct dns_rrset *s = node ? dns_node_set(node, type) : NULL;
    if (s)
        return s;
    /* RFC 8482 4.2: a name that is there answers ANY with one HINFO. */
    if (type == DNS_TYPE_ANY)
        return synth || (node && node->n_sets > 0) ? &a->zone->any : NULL;
    return synth ? dns_node_set(&a->zone->synth, type) : NULL;
}

/* At a name with TXT values of its own: those configured for the very name, then those. */
static enum state answer_txt(struct answer *a, const struct dns_node *node,
                             const struct dns_rrset *values)
{
    const struct dns_rrset *configured = node ? dns_node_set(node, DNS_TYPE_TXT) : NULL;
    uint8_t *at = a->w.base + a->w.pos;
    if (configured) {
        if (!put_answer(a, configured))
            return STATE_FULL;
        dns_rrset_set_ttl(configured, at, DNS_TXT_TTL); /* RFC 2181 5.2: one RRset, one TTL */
    }
    return put_answer(a, values) ? STATE_EXTRA : STATE_FULL;
}

static enum state state_name(struct answer *a)
{
    struct dns_found f = dns_lookup(a->zone, a->name, a->below);
    /* What an alias leads to is as good as its name. */
    if (a->hops == 0 && !dns_found_is_ours(a->zone, &f, &a->r->oracle)) {
        a->flags &= (uint16_t)~DNS_AA;
        return finish(a, DNS_REFUSED);
    }
    const struct dns_txt_name *txt = dns_txt_find(&a->r->txt, a->name);
    const struct dns_rrset *values = txt ? dns_txt_set(txt) : NULL;
    const struct dns_node *node = f.node;
    bool follow = node && node->cname && a->q.qtype != DNS_TYPE_CNAME;

    if (follow && (f.exact || !values)) {
        a->alias = node;
        return STATE_ALIAS;
    }
    if (values && a->q.qtype == DNS_TYPE_TXT)
        return answer_txt(a, f.exact ? node : NULL, values);
    if (values && a->q.qtype == DNS_TYPE_ANY)
        return put_answer(a, &a->zone->any) ? STATE_EXTRA : STATE_FULL;

    bool synth = (!node || node->synth) && dns_found_lives(a->zone, &f, &a->r->oracle);
    /* RFC 8020: a name with something below it is there. */
    if (!node && !synth && !txt) {
        a->rcode = DNS_NXDOMAIN;
        return STATE_NEGATIVE;
    }
    const struct dns_rrset *s = choose(a, node, synth);
    if (!s)
        return STATE_NEGATIVE;
    return put_answer(a, s) ? STATE_EXTRA : STATE_FULL;
}

/* RFC 1034 3.6.2. The target's name, for the owners of what follows, is in the CNAME just written. */
static enum state state_alias(struct answer *a)
{
    const struct dns_node *alias = a->alias;
    size_t at = a->w.pos;
    if (!put_answer(a, alias->cname))
        return STATE_FULL;
    /* ANY is content with one RRset (RFC 8482 4.1); out of the zone the asker goes on by itself. */
    if (a->q.qtype == DNS_TYPE_ANY || !alias->target || ++a->hops == DNS_CNAME_HOPS_MAX)
        return STATE_DONE;
    size_t target_at = at + alias->target_at;
    if (target_at > 0x3fff) /* beyond the reach of a pointer */
        return STATE_DONE;
    a->name = alias->target;
    a->name_at = target_at;
    if (!dns_name_in(a->name, &a->zone->name, &a->below))
        return STATE_DONE;
    return STATE_NAME;
}

/* RFC 2308 2: NODATA and NXDOMAIN carry the SOA. */
static enum state state_negative(struct answer *a)
{
    if (!dns_rrset_put(&a->zone->negative, &a->w, a->zone_at, a->zone_at))
        return STATE_FULL;
    a->authorities = 1;
    return STATE_DONE;
}

/* What does not fit of it is left out in silence (RFC 2181 9). */
static void put_extra(struct answer *a, const struct dns_rrset *s, size_t owner)
{
    if (!s || a->w.cap - a->w.pos < s->len)
        return;
    if (dns_rrset_put(s, &a->w, owner, a->zone_at))
        a->additionals = (uint16_t)(a->additionals + s->count);
}

static enum state state_extra(struct answer *a)
{
    const struct dns_rrset *s = a->given;
    size_t at = a->w.pos - s->len;
    for (unsigned i = 0; i < s->n_glue; i++) {
        const struct dns_glue *g = &s->glue[i];
        size_t owner = g->name_at ? at + g->name_at : a->name_at;
        if (owner > 0x3fff)
            break;
        put_extra(a, g->a, owner);
        put_extra(a, g->aaaa, owner);
    }
    return STATE_DONE;
}

/* RFC 2181 9: a response with TC is not used; so it holds the question only. */
static enum state state_full(struct answer *a)
{
    a->w.pos = (size_t)DNS_HEADER_LEN + a->q.question_len;
    a->w.failed = false;
    a->answers = a->authorities = a->additionals = 0;
    a->flags |= DNS_TC;
    return STATE_DONE;
}

static void walk(struct answer *a)
{
    static enum state (*const steps[])(struct answer *) = {
        [STATE_FORM] = state_form,   [STATE_QUESTION] = state_question,
        [STATE_NAME] = state_name,   [STATE_ALIAS] = state_alias,
        [STATE_EXTRA] = state_extra, [STATE_NEGATIVE] = state_negative,
        [STATE_FULL] = state_full,
    };
    for (enum state s = STATE_FORM; s != STATE_DONE;)
        s = steps[s](a);
}

/* What the response may be long, OPT included. RFC 6891 6.2.3-6.2.5. */
static size_t size_limit(const struct answer *a, size_t cap)
{
    size_t limit = DNS_MESSAGE_MAX;
    if (a->transport == DNS_UDP) {
        limit = a->q.edns.present ? a->q.edns.payload : 512;
        limit = limit < 512 ? 512 : limit;
        limit = limit > DNS_UDP_PAYLOAD_MAX ? DNS_UDP_PAYLOAD_MAX : limit;
    }
    return limit < cap ? limit : cap;
}

static struct dns_opt prepare_opt(struct answer *a, const struct addr *client, uint32_t wall_s)
{
    const struct dns_edns *e = &a->q.edns;
    struct dns_opt opt = {.dnssec_ok = e->dnssec_ok};
    if (e->cookie_len > 0 && a->r->has_cookie_keys) {
        a->cookie_state = dns_cookie_answer(&a->r->cookie_keys, client, wall_s, e->cookie,
                                            e->cookie_len, a->cookie);
        opt.cookie = a->cookie;
    }
    if (e->nsid)
        opt.nsid = a->zone->nsid;
    return opt;
}

/* QR; opcode, RD and CD as they came; AA and TC as found; RA, Z and AD zero (RFC 1035 4.1.1,
 * RFC 4035 3.1.6). Other opcodes give other meanings to RD and CD. */
static void put_header(const struct answer *a, uint8_t *out)
{
    uint16_t keep = DNS_OPCODE_MASK;
    if ((a->q.flags & DNS_OPCODE_MASK) == DNS_OPCODE_QUERY)
        keep |= DNS_RD | DNS_CD;
    struct wire_writer w = wire_writer_of(out, DNS_HEADER_LEN);
    wire_put_bytes(&w, a->q.bytes, 2);
    wire_put_u16(&w, (uint16_t)(DNS_QR | (a->q.flags & keep) | a->flags |
                                ((unsigned)a->rcode & DNS_RCODE_MASK)));
    wire_put_u16(&w, a->q.question_len > 0 ? 1 : 0);
    wire_put_u16(&w, a->answers);
    wire_put_u16(&w, a->authorities);
    wire_put_u16(&w, (uint16_t)(a->additionals + (a->q.edns.present ? 1 : 0)));
}

static void count(const struct answer *a)
{
    enum metric_id id = METRIC_DNS_OTHER;
    if (a->rcode == DNS_NOERROR)
        id = METRIC_DNS_NOERROR;
    else if (a->rcode == DNS_NXDOMAIN)
        id = METRIC_DNS_NXDOMAIN;
    else if (a->rcode == DNS_REFUSED)
        id = METRIC_DNS_REFUSED;
    metrics_add(a->r->metrics, id, 1);
    if (a->flags & DNS_TC)
        metrics_add(a->r->metrics, METRIC_DNS_TRUNCATED, 1);
}

size_t dns_answer(struct dns_responder *r, enum dns_transport transport, const struct addr *client,
                  uint32_t wall_s, const uint8_t *query, size_t len, uint8_t *out, size_t cap)
{
    CHECK(cap >= 512);
    struct answer a;
    metrics_add(r->metrics, transport == DNS_UDP ? METRIC_DNS_QUERIES_UDP : METRIC_DNS_QUERIES_TCP,
                1);
    if (!dns_query_parse(&a.q, query, len))
        return 0;
    a.r = r;
    a.zone = r->zone;
    a.transport = transport;
    a.rcode = DNS_NOERROR;
    a.flags = 0;
    a.answers = a.authorities = a.additionals = 0;
    a.hops = 0;
    a.cookie_state = DNS_COOKIE_NONE;

    struct dns_opt opt = {0};
    size_t opt_len = 0;
    if (a.q.edns.present) {
        opt = prepare_opt(&a, client, wall_s);
        opt_len = dns_opt_len(&opt);
    }
    a.w = wire_writer_of(out, size_limit(&a, cap) - opt_len);
    a.w.pos = DNS_HEADER_LEN;
    wire_put_bytes(&a.w, query + DNS_HEADER_LEN, a.q.question_len);
    walk(&a);

    if (a.q.edns.present) {
        a.w.cap += opt_len;
        opt.rcode = a.rcode;
        dns_opt_put(&opt, &a.w);
    }
    CHECK(!a.w.failed);
    put_header(&a, out);
    count(&a);
    return a.w.pos;
}
