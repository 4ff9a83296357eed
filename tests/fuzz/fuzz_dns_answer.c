/* Any bytes as a query: the answer is a DNS message, fits, and belongs to the query.
 *
 * The first byte of the input chooses the transport and the responder, the rest is the query. */
#include <ldns/ldns.h>
#include <stdlib.h>

#include "core/mem.h"
#include "dns/answer.h"
#include "dns/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum choice { CHOICE_TCP = 1, CHOICE_SESSIONS = 2, CHOICE_V6 = 4 };

static struct metrics metrics;
static struct dns_responder *plain, *sessions;
static struct addr clients[2];

static bool lives(void *ctx, struct span session)
{
    (void)ctx;
    return session.len > 0 && session.p[0] == 's';
}

static struct dns_responder *make(bool nxdomain)
{
    static struct addr addresses[2];
    static const char *nameservers[] = {"ns1.ex.test", "ns.example.net"};
    static char big[4][320];
    static const char *records[] = {
        "mail A 192.0.2.7",
        "alias CNAME chain",
        "chain CNAME mail",
        "away CNAME a.example.",
        "*.wild CNAME alias",
        "@ MX 10 mail",
        "_dmarc.deep.er TXT \"x\"",
        "svc HTTPS 1 . port=1",
        big[0],
        big[1],
        big[2],
        big[3],
    };
    static struct config_service services[] = {{.name = "web"}};
    static struct config_domain domains[] = {{.domain = "shop.ex.test"}};
    for (int i = 0; i < 4; i++)
        snprintf(big[i], sizeof(big[i]), "big TXT \"%d %0250d\"", i, 0);

    struct config c = {.zone = "ex.test", .services = services, .domains = domains};
    CHECK(addr_parse_ip(SPAN_LIT("192.0.2.1"), 0, &addresses[0]) == ERR_OK);
    CHECK(addr_parse_ip(SPAN_LIT("2001:db8::1"), 0, &addresses[1]) == ERR_OK);
    c.addresses = (struct config_addrs){addresses, 2};
    c.nameservers = (struct config_strings){nameservers, 2};
    c.n_services = c.n_domains = 1;
    c.dns = (struct config_dns){.ttl = 60, .nsid = "edge", .unknown_nxdomain = nxdomain};
    c.dns.records = (struct config_strings){records, ARRAY_LEN(records)};

    struct dns_zone *zone;
    struct config_errors errors = {0};
    CHECK(dns_zone_compile(&c, 1, &zone, &errors) == ERR_OK);
    struct dns_oracle oracle = {.session_lives = lives};
    struct dns_responder *r = dns_responder_new(zone, &oracle, &metrics);
    dns_zone_unref(zone);
    return r;
}

static void set_up(void)
{
    if (plain)
        return;
    static const struct dns_cookie_keys keys = {.has_previous = true};
    plain = make(false);
    sessions = make(true);
    dns_responder_set_cookie_keys(sessions, &keys);
    CHECK(dns_responder_txt_add(sessions, SPAN_LIT("_acme-challenge.s.ex.test"),
                                SPAN_LIT("value")) == ERR_OK);
    CHECK(addr_parse_ip(SPAN_LIT("198.51.100.100"), 53, &clients[0]) == ERR_OK);
    CHECK(addr_parse_ip(SPAN_LIT("2001:db8::53"), 53, &clients[1]) == ERR_OK);
}

static void check(const uint8_t *query, size_t size, const uint8_t *answer, size_t len)
{
    CHECK(size >= DNS_HEADER_LEN && len >= DNS_HEADER_LEN);
    CHECK(memcmp(query, answer, 2) == 0);
    CHECK((query[2] & 0x80) == 0 && (answer[2] & 0x80) != 0);
    CHECK(((query[2] ^ answer[2]) & 0x78) == 0); /* the opcode */
    CHECK((answer[3] & 0xe0) == 0);              /* RA, Z, AD */
    ldns_pkt *p = NULL;
    CHECK(ldns_wire2pkt(&p, answer, len) == LDNS_STATUS_OK);
    CHECK(ldns_pkt_qdcount(p) <= 1);
    if (ldns_pkt_tc(p))
        CHECK(ldns_pkt_ancount(p) == 0 && ldns_pkt_nscount(p) == 0);
    ldns_pkt_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[DNS_MESSAGE_MAX];
    set_up();
    if (size == 0)
        return 0;
    bool tcp = (data[0] & CHOICE_TCP) != 0;
    struct dns_responder *r = (data[0] & CHOICE_SESSIONS) ? sessions : plain;
    const struct addr *client = &clients[(data[0] & CHOICE_V6) ? 1 : 0];
    size_t cap = tcp ? DNS_MESSAGE_MAX : DNS_UDP_PAYLOAD_MAX;
    /* Exactly as large as it may be used, so that a byte beside it is seen. */
    uint8_t *out = tcp ? room : malloc(cap);
    size_t len = dns_answer(r, tcp ? DNS_TCP : DNS_UDP, client, 1559731985, data + 1, size - 1, out,
                            cap);
    if (len > 0)
        check(data + 1, size - 1, out, len);
    if (!tcp)
        free(out);
    return 0;
}
