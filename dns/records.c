#include "dns/records.h"

#include <ldns/common.h>
#include <ldns/rbtree.h>

#include <ldns/error.h>
#include <ldns/host2wire.h>
#include <ldns/rdata.h>
#include <ldns/rr.h>
#include <ldns/str2host.h>
#include <ldns/wire2host.h>
#include <stdlib.h>

#include "dns/proto.h"

#define TTL_MAX 0x7fffffff /* RFC 2181 8 */

/* Text that ldns passes over but that is not one record: its quotes and parentheses must close, it
 * is one line, it begins with an owner and is no $DIRECTIVE. */
static const char *shape_fault(const char *line)
{
    if (line[0] == ' ' || line[0] == '\t')
        return "the line must begin with the record's name (@ for the zone itself)";
    if (line[0] == '$')
        return "directives are not taken here, only records";
    int open = 0;
    bool quoted = false;
    for (const char *p = line; *p; p++) {
        if (*p == '\n' || *p == '\r')
            return "one record is one line";
        if (*p == '\\' && p[1])
            p++;
        else if (*p == '"')
            quoted = !quoted;
        else if (!quoted && *p == ';')
            break;
        else if (!quoted && (*p == '(' || *p == ')'))
            open += *p == '(' ? 1 : -1;
        if (open < 0)
            break;
    }
    if (quoted)
        return "a quote is not closed";
    return open == 0 ? NULL : "a parenthesis has no partner";
}

/* The next word of *REST; empty at the end. Quotes do not matter to who uses it: numbers. */
static struct span next_word(struct span *rest)
{
    while (rest->len > 0 && strchr(" \t()", rest->p[0]))
        *rest = span_from(*rest, 1);
    size_t len = 0;
    while (len < rest->len && !strchr(" \t();", rest->p[len]))
        len++;
    struct span word = span_sub(*rest, 0, len);
    *rest = span_from(*rest, len);
    return word;
}

static uint64_t number_max(ldns_rdf_type type)
{
    if (type == LDNS_RDF_TYPE_INT8)
        return UINT8_MAX;
    return type == LDNS_RDF_TYPE_INT16 ? UINT16_MAX : 0;
}

/* Steps over name, TTL, class and type of a line that was found to be a record. */
static const char *skip_head(struct span *rest)
{
    next_word(rest);
    for (;;) {
        struct span word = next_word(rest);
        uint64_t n;
        bool digits = word.len > 0 && word.p[0] >= '0' && word.p[0] <= '9';
        if (digits && span_to_u64(word, &n) == ERR_OK && n > TTL_MAX)
            return "the TTL is too large";
        if (!digits && !span_eq_nocase(word, SPAN_LIT("IN")))
            return NULL;
    }
}

/* ldns takes numbers modulo their size, and as much of generic data (RFC 3597 5) as the type needs.
 * So the numbers that stand before the names of MX, SRV and their like are read again here, and the
 * length of generic data. */
static const char *number_fault(const char *line, const ldns_rr *rr, size_t rdata_len)
{
    struct span rest = span_str(line);
    const char *fault = skip_head(&rest);
    if (fault)
        return fault;

    const ldns_rr_descriptor *shape = ldns_rr_descript((uint16_t)ldns_rr_get_type(rr));
    uint64_t n;
    for (size_t i = 0; i < ldns_rr_descriptor_maximum(shape); i++) {
        uint64_t max = number_max(ldns_rr_descriptor_field_type(shape, i));
        struct span word = next_word(&rest);
        if (i == 0 && span_eq(word, SPAN_LIT("\\#"))) {
            bool same = span_to_u64(next_word(&rest), &n) == ERR_OK && n == rdata_len;
            return same ? NULL : "its data is not of the length given";
        }
        if (max == 0)
            return NULL;
        if (span_to_u64(word, &n) == ERR_OK && n > max)
            return "a number is too large";
    }
    return NULL;
}

/* What the generic form (RFC 3597 5) lets through with any bytes. */
static const char *rdata_fault(const struct dns_record *r, const uint8_t *wire, size_t len)
{
    if (r->type == DNS_TYPE_A && r->rdata_len != 4)
        return "an A record holds four bytes";
    if (r->type == DNS_TYPE_AAAA && r->rdata_len != 16)
        return "an AAAA record holds sixteen bytes";
    ldns_rr *again = NULL;
    size_t pos = 0;
    ldns_status s = ldns_wire2rr(&again, wire, len, &pos, LDNS_SECTION_ANSWER);
    ldns_rr_free(again);
    return s == LDNS_STATUS_OK && pos == len ? NULL : "its data is not of its type's form";
}

static const char *from_wire(const uint8_t *wire, size_t len, struct arena *arena,
                             struct dns_record *r)
{
    struct wire_reader in = wire_reader_of(wire, len);
    dns_name_read(&in, &r->owner);
    r->type = wire_get_u16(&in);
    uint16_t class = wire_get_u16(&in);
    r->ttl = wire_get_u32(&in);
    r->rdata_len = wire_get_u16(&in);
    struct span rdata = span_of(wire_get_bytes(&in, r->rdata_len), r->rdata_len);
    if (in.failed)
        return "it has no wire form";
    if (class != DNS_CLASS_IN)
        return "only class IN is served";
    if (r->type == 0)
        return "it has no type";
    if (r->ttl > TTL_MAX)
        return "the TTL is too large";
    r->rdata = (const uint8_t *)arena_copy(arena, rdata).p;
    CHECK(r->rdata);
    return rdata_fault(r, wire, len);
}

static const char *from_rr(const char *line, const ldns_rr *rr, struct arena *arena,
                           struct dns_record *r)
{
    uint8_t *wire = NULL;
    size_t len = 0;
    if (ldns_rr2wire(&wire, rr, LDNS_SECTION_ANSWER, &len) != LDNS_STATUS_OK)
        return "it has no wire form";
    const char *fault = from_wire(wire, len, arena, r);
    free(wire);
    return fault ? fault : number_fault(line, rr, r->rdata_len);
}

struct dns_record *dns_record_read(const struct dns_origin *origin, const char *line,
                                   struct arena *arena, struct span *why)
{
    const char *fault = shape_fault(line);
    if (fault) {
        *why = span_str(fault);
        return NULL;
    }
    ldns_rdf *zone = NULL, *prev = NULL;
    ldns_rr *rr = NULL;
    struct dns_record *r = arena_must_alloc(arena, sizeof(*r));
    *r = (struct dns_record){0};

    ldns_status s = ldns_str2rdf_dname(&zone, origin->zone_text);
    if (s == LDNS_STATUS_OK)
        s = ldns_rr_new_frm_str(&rr, line, origin->ttl, zone, &prev);
    fault = s == LDNS_STATUS_OK ? from_rr(line, rr, arena, r) : ldns_get_errorstr_by_id(s);
    ldns_rr_free(rr);
    ldns_rdf_deep_free(prev);
    ldns_rdf_deep_free(zone);

    *why = span_str(fault);
    return fault ? NULL : r;
}
