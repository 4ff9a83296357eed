/* A responder over a small zone, queries written as text and answers read by ldns.
 *
 * The zone is ex.test with the addresses 192.0.2.1 and 2001:db8::1 and the nameserver ns1. */
#pragma once

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/mem.h"
#include "core/wire.h"
#include "dns/answer.h"
#include "dns/proto.h"
#include "support/test.h"

#define BED_WALL_S 1559731985u

struct bed {
    struct config config;
    struct addr addresses[2];
    const char *nameservers[1];
    struct dns_zone *zone;
    struct dns_responder *r;
    struct metrics metrics;
    struct addr client;
    const char *living; /* sessions that live, ",a,b," */
    unsigned asked;     /* of the oracle */

    enum dns_transport transport;
    uint8_t query[4096], answer[DNS_MESSAGE_MAX];
    size_t query_len, answer_len;
    char text[65536];
};

static inline bool bed_lives(void *ctx, struct span session)
{
    struct bed *b = ctx;
    char needle[80];
    b->asked++;
    snprintf(needle, sizeof(needle), "," SPAN_FMT ",", SPAN_ARG(session));
    return b->living && strstr(b->living, needle) != NULL;
}

/* The defaults; then the caller changes b->config. */
static inline void bed_config(struct bed *b)
{
    memset(b, 0, sizeof(*b));
    struct config *c = &b->config;
    c->zone = "ex.test";
    assert_ok(addr_parse_ip(SPAN_LIT("192.0.2.1"), 0, &b->addresses[0]));
    assert_ok(addr_parse_ip(SPAN_LIT("2001:db8::1"), 0, &b->addresses[1]));
    c->addresses = (struct config_addrs){b->addresses, 2};
    b->nameservers[0] = "ns1.ex.test";
    c->nameservers = (struct config_strings){b->nameservers, 1};
    c->dns.ttl = 60;
    assert_ok(addr_parse_port(SPAN_LIT("198.51.100.100:5353"), &b->client));
}

static inline void bed_records(struct bed *b, const char **records, size_t n)
{
    static unsigned lines[4096];
    for (unsigned i = 0; i < n && i < 4096; i++)
        lines[i] = 100 + i;
    b->config.dns.records = (struct config_strings){records, n};
    b->config.dns.record_lines = n <= 4096 ? lines : NULL;
}

static inline void bed_print_errors(const struct config_errors *errors)
{
    for (size_t i = 0; i < errors->n; i++)
        print_error("%s: %s\n", errors->v[i].key, errors->v[i].text);
}

static inline void bed_open(struct bed *b)
{
    struct config_errors errors = {0};
    enum err e = dns_zone_compile(&b->config, 7, &b->zone, &errors);
    bed_print_errors(&errors);
    assert_ok(e);
    struct dns_oracle oracle = {.ctx = b, .session_lives = bed_lives};
    b->r = dns_responder_new(b->zone, &oracle, &b->metrics);
}

static inline void bed_close(struct bed *b)
{
    dns_responder_free(b->r);
    dns_zone_unref(b->zone);
}

/* --- Queries ---------------------------------------------------------------------------------- */

/* What a query says; zero is the usual. */
struct ask {
    const char *name; /* no final dot; "" is the root */
    const char *type;
    uint16_t class; /* 0: IN */
    uint16_t flags; /* 0: RD */
    bool edns;
    uint16_t payload;    /* 0: 1232 */
    uint32_t edns_flags; /* extended RCODE, version, flags, as the TTL of the OPT */
    const void *options;
    size_t options_len;
};

static inline void bed_put_name(struct wire_writer *w, const char *name)
{
    struct span rest = span_str(name), label;
    while (span_split(&rest, '.', &label)) {
        wire_put_u8(w, (uint8_t)label.len);
        wire_put_bytes(w, label.p, label.len);
    }
    wire_put_u8(w, 0);
}

static inline size_t bed_write(const struct ask *q, uint8_t *out, size_t cap)
{
    struct wire_writer w = wire_writer_of(out, cap);
    wire_put_u16(&w, 0x1234);
    wire_put_u16(&w, q->flags ? q->flags : DNS_RD);
    wire_put_u16(&w, 1);
    wire_put_u16(&w, 0);
    wire_put_u16(&w, 0);
    wire_put_u16(&w, q->edns ? 1 : 0);
    bed_put_name(&w, q->name);
    wire_put_u16(&w, (uint16_t)ldns_get_rr_type_by_name(q->type));
    wire_put_u16(&w, q->class ? q->class : DNS_CLASS_IN);
    if (q->edns) {
        wire_put_u8(&w, 0);
        wire_put_u16(&w, DNS_TYPE_OPT);
        wire_put_u16(&w, q->payload ? q->payload : 1232);
        wire_put_u32(&w, q->edns_flags);
        wire_put_u16(&w, (uint16_t)q->options_len);
        wire_put_bytes(&w, q->options, q->options_len);
    }
    assert_false(w.failed);
    return w.pos;
}

/* The query goes in, and the answer comes out, in storage of exactly their size, so that sanitizers
 * see what is read or written beside it. */
static inline size_t bed_answer(struct bed *b, const void *query, size_t len)
{
    size_t cap = b->transport == DNS_UDP ? DNS_UDP_PAYLOAD_MAX : DNS_MESSAGE_MAX;
    uint8_t *in = malloc(len > 0 ? len : 1), *out = malloc(cap);
    memcpy(in, query, len);
    b->answer_len = dns_answer(b->r, b->transport, &b->client, BED_WALL_S, in, len, out, cap);
    memcpy(b->answer, out, b->answer_len);
    free(in);
    free(out);
    return b->answer_len;
}

/* --- Answers as text -------------------------------------------------------------------------- */

struct text {
    char *p;
    size_t len, cap;
};

static inline void text_add(struct text *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
static inline void text_add(struct text *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(t->p + t->len, t->cap - t->len, fmt, args);
    va_end(args);
    assert_true(n >= 0 && (size_t)n < t->cap - t->len);
    t->len += (size_t)n;
}

/* "owner ttl type data", the class left out, blanks single, no blank at the end. */
static inline void text_add_rr(struct text *t, const ldns_rr *rr)
{
    char *s = ldns_rr2str(rr), *save = NULL;
    bool first = true;
    unsigned field = 0;
    for (char *word = strtok_r(s, " \t\n", &save); word; word = strtok_r(NULL, " \t\n", &save)) {
        if (field++ == 2 && strcmp(word, "IN") == 0)
            continue;
        text_add(t, "%s%s", first ? "" : " ", word);
        first = false;
    }
    free(s);
}

static inline void text_add_section(struct text *t, const char *label, const ldns_rr_list *list)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
        text_add(t, " %s[", label);
        text_add_rr(t, ldns_rr_list_rr(list, i));
        text_add(t, "]");
    }
}

static inline const char *rcode_name(unsigned rcode)
{
    static const char *const names[] = {"NOERROR",  "FORMERR", "SERVFAIL",
                                        "NXDOMAIN", "NOTIMP",  "REFUSED"};
    if (rcode == DNS_BADVERS)
        return "BADVERS";
    if (rcode == DNS_BADCOOKIE)
        return "BADCOOKIE";
    return rcode < ARRAY_LEN(names) ? names[rcode] : "?";
}

/* "NOERROR aa rd an[...] ns[...] ar[...]"; "-" for no answer. RD is not told where it was asked with
 * the usual flags. The message is parsed by ldns, so that malformed ones fail the test. */
static inline const char *bed_text(struct bed *b)
{
    struct text t = {b->text, 0, sizeof(b->text)};
    if (b->answer_len == 0)
        return "-";
    if (b->answer_len == DNS_HEADER_LEN) {
        text_add(&t, "%s header", rcode_name(b->answer[3] & 0xf));
        return b->text;
    }
    ldns_pkt *p = NULL;
    assert_int_equal(ldns_wire2pkt(&p, b->answer, b->answer_len), LDNS_STATUS_OK);
    assert_true(ldns_pkt_qr(p));
    unsigned rcode = ldns_pkt_get_rcode(p);
    if (ldns_pkt_edns(p))
        rcode |= (unsigned)ldns_pkt_edns_extended_rcode(p) << 4;
    text_add(&t, "%s", rcode_name(rcode));
    const struct {
        bool set;
        const char *name;
    } flags[] = {{ldns_pkt_aa(p), "aa"},
                 {ldns_pkt_tc(p), "tc"},
                 {ldns_pkt_ra(p), "ra"},
                 {ldns_pkt_ad(p), "ad"},
                 {ldns_pkt_cd(p), "cd"}};
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        if (flags[i].set)
            text_add(&t, " %s", flags[i].name);
    }
    if (ldns_pkt_edns(p))
        text_add(&t, " edns%s", ldns_pkt_edns_do(p) ? " do" : "");
    text_add_section(&t, "an", ldns_pkt_answer(p));
    text_add_section(&t, "ns", ldns_pkt_authority(p));
    text_add_section(&t, "ar", ldns_pkt_additional(p));
    ldns_pkt_free(p);
    return b->text;
}

static inline const char *bed_ask(struct bed *b, const struct ask *q)
{
    b->query_len = bed_write(q, b->query, sizeof(b->query));
    bed_answer(b, b->query, b->query_len);
    return bed_text(b);
}

/* One row of a table: "name type" and the answer's text. */
struct row {
    const char *name, *type, *expect;
};

static inline void bed_rows(struct bed *b, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct ask q = {.name = rows[i].name, .type = rows[i].type};
        const char *got = bed_ask(b, &q);
        if (strcmp(got, rows[i].expect) == 0)
            continue;
        print_error("%s %s:\n  expected %s\n  got      %s\n", q.name, q.type, rows[i].expect, got);
        fail();
    }
}

#define SOA_EX "ex.test. 60 SOA ns1.ex.test. hostmaster.ex.test. 7 3600 600 1209600 60"
#define NODATA_EX "NOERROR aa ns[" SOA_EX "]"
