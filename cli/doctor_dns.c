/* From the delegation of the zone to what this machine's resolver makes of a session's name. */
#include <ldns/ldns.h>
#include <netdb.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "cli/dns_ask.h"
#include "cli/doctor.h"

#define TIMEOUT_S 3
#define SERVERS_MAX 8

struct server {
    const char *name;
    struct addr addr;
};

struct dns_walk {
    struct doctor *d;
    const char *zone;
    struct addr resolver;
    struct server servers[SERVERS_MAX]; /* of the zone */
    size_t n_servers;
    const struct server *works; /* one that answers as it should */
};

static struct dns_reply ask(struct dns_walk *w, const struct addr *server, const char *name,
                            int type, bool tcp)
{
    struct dns_question q = {
        .name = name,
        .type = type,
        .tcp = tcp,
        .recursive = server == &w->resolver,
        .timeout_s = TIMEOUT_S,
    };
    struct dns_reply reply;
    dns_ask(&w->d->cli->arena, server, &q, &reply);
    return reply;
}

/* --- the delegation ------------------------------------------------------------------------------ */

static void add_server(struct dns_walk *w, const char *name, const struct addr *at)
{
    if (w->n_servers < SERVERS_MAX)
        w->servers[w->n_servers++] = (struct server){name, *at};
}

static void find_glue(struct dns_walk *w, const char *name)
{
    static const int types[] = {LDNS_RR_TYPE_A, LDNS_RR_TYPE_AAAA};
    size_t before = w->n_servers;
    for (size_t t = 0; t < 2; t++) {
        struct dns_reply r = ask(w, &w->resolver, name, types[t], false);
        for (size_t i = 0; i < r.n; i++)
            add_server(w, name, &r.addrs[i]);
    }
    if (w->n_servers == before)
        doctor_find(w->d, "delegation", ILL,
                    cli_text(w->d->cli, "the name server %s has no address", name),
                    "where its name is below the zone, the parent zone needs glue: A and AAAA "
                    "records of the edge");
}

static void check_delegation(struct dns_walk *w)
{
    struct cli *c = w->d->cli;
    struct dns_reply r = ask(w, &w->resolver, w->zone, LDNS_RR_TYPE_NS, false);
    if (r.failure || r.n == 0) {
        doctor_find(w->d, "delegation", ILL,
                    r.failure
                        ? cli_text(c, "the resolver does not answer: %s", r.failure)
                        : cli_text(c, "%s has no name servers here (%s)", w->zone, r.rcode_name),
                    r.failure ? "is this machine online? --resolver ADDRESS asks another one"
                              : "the parent zone needs NS records for it that lead to the edge");
        return;
    }
    const char *names = "";
    for (size_t i = 0; i < r.n; i++)
        names = cli_text(c, "%s%s%s", names, i ? ", " : "", r.data[i]);
    doctor_find(w->d, "delegation", WELL, cli_text(c, "%s: %s", w->zone, names), NULL);
    for (size_t i = 0; i < r.n; i++)
        find_glue(w, r.data[i]);
}

/* --- the name servers ---------------------------------------------------------------------------- */

static const char *server_text(struct dns_walk *w, const struct server *s)
{
    char at[ADDR_TEXT_MAX];
    return cli_text(w->d->cli, "%s%s%s", s->name ? s->name : "", s->name ? " " : "",
                    addr_text(&s->addr, at));
}

static bool check_answer(struct dns_walk *w, const struct server *s, bool tcp)
{
    struct cli *c = w->d->cli;
    const char *what = tcp ? "dns tcp" : "dns udp", *who = server_text(w, s);
    struct dns_reply r = ask(w, &s->addr, w->zone, LDNS_RR_TYPE_SOA, tcp);
    if (r.failure)
        doctor_find(w->d, what, ILL, cli_text(c, "%s: %s", who, r.failure),
                    tcp ? "open port 53 for TCP, too: long answers need it"
                        : "is linkupd running there, and port 53 open for UDP?");
    else if (r.rcode != LDNS_RCODE_NOERROR || !r.authoritative || r.n == 0)
        doctor_find(w->d, what, ILL,
                    cli_text(c, "%s answers %s%s for %s", who, r.rcode_name,
                             r.authoritative ? "" : " without authority", w->zone),
                    "what answers there is not this zone's edge: another DNS server, or a filter "
                    "on the way that answers in its place");
    else if (!tcp && r.udp_size == 0)
        doctor_find(w->d, what, DOUBTFUL, cli_text(c, "%s answers without EDNS", who),
                    "something on the way takes it out: a filter or an old router");
    else {
        doctor_find(w->d, what, WELL, who, NULL);
        return true;
    }
    return false;
}

static void check_servers(struct dns_walk *w)
{
    for (size_t i = 0; i < w->n_servers; i++) {
        bool udp = check_answer(w, &w->servers[i], false);
        bool tcp = check_answer(w, &w->servers[i], true);
        if (udp && tcp && !w->works)
            w->works = &w->servers[i];
    }
}

/* --- what this machine sees ---------------------------------------------------------------------- */

/* A name that nobody has asked for before: nothing on the way knows it. */
static const char *fresh_name(struct dns_walk *w)
{
    uint8_t r[6];
    CHECK(RAND_bytes(r, sizeof r) == 1);
    return cli_text(w->d->cli, "web.doctor-%02x%02x%02x%02x%02x%02x.%s", r[0], r[1], r[2], r[3],
                    r[4], r[5], w->zone);
}

static bool is_private(const struct addr *a)
{
    size_t len;
    const uint8_t *b = addr_ip_bytes(a, &len);
    if (len == 16)
        return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) ||
               addr_is_loopback(a);
    return b[0] == 10 || b[0] == 127 || (b[0] == 172 && (b[1] & 0xf0) == 16) ||
           (b[0] == 192 && b[1] == 168) || (b[0] == 100 && (b[1] & 0xc0) == 64);
}

static void check_resolver(struct dns_walk *w, const char *name, const struct dns_reply *direct)
{
    struct cli *c = w->d->cli;
    struct dns_reply r = ask(w, &w->resolver, name, LDNS_RR_TYPE_A, false);
    if (r.failure) {
        doctor_find(w->d, "resolver", ILL, cli_text(c, "does not answer: %s", r.failure),
                    "is this machine online? --resolver ADDRESS asks another one");
    } else if (r.n > 0) {
        doctor_find(w->d, "resolver", WELL, "names of sessions lead to the edge", NULL);
    } else if (direct->n > 0 && is_private(&direct->addrs[0])) {
        doctor_find(w->d, "resolver", ILL,
                    cli_text(c, "drops answers with private addresses (%s)", direct->data[0]),
                    "that is its protection against DNS rebinding: allow the zone there "
                    "(rebind-domain-ok in dnsmasq, private-domain in unbound), or use another "
                    "resolver");
    } else {
        doctor_find(w->d, "resolver", ILL,
                    cli_text(c, "finds nothing for names of sessions (%s)", r.rcode_name),
                    "it may remember what was there before the delegation: wait, or flush it "
                    "(resolvectl flush-caches)");
    }
}

static void check_wildcard(struct dns_walk *w)
{
    struct cli *c = w->d->cli;
    const char *name = fresh_name(w);
    if (!w->works) {
        doctor_find(w->d, "sessions", UNCHECKED, "no name server of the zone answers", NULL);
        doctor_find(w->d, "resolver", UNCHECKED, "no name server of the zone answers", NULL);
        return;
    }
    struct dns_reply direct = ask(w, &w->works->addr, name, LDNS_RR_TYPE_A, false);
    if (direct.n == 0)
        direct = ask(w, &w->works->addr, name, LDNS_RR_TYPE_AAAA, false);
    if (direct.n == 0 && direct.rcode == LDNS_RCODE_NXDOMAIN) {
        doctor_find(w->d, "sessions", WELL,
                    "the edge answers only for sessions that there are (dns.unknown_sessions)",
                    NULL);
        doctor_find(w->d, "resolver", UNCHECKED, "there is no name to try", NULL);
        return;
    }
    if (direct.n == 0) {
        doctor_find(w->d, "sessions", ILL, "names of sessions have no address",
                    "the edge's configuration needs its addresses");
        return;
    }
    doctor_find(w->d, "sessions", WELL,
                cli_text(c, "names below the zone lead to %s", direct.data[0]), NULL);
    check_resolver(w, name, &direct);
}

/* Programs do not ask the resolver but the system, which may have words of its own (/etc/hosts, VPNs). */
static void check_system(struct dns_walk *w)
{
    struct cli *c = w->d->cli;
    struct addrinfo *found = NULL, hints = {.ai_socktype = SOCK_STREAM};
    int e = getaddrinfo(c->settings.host, NULL, &hints, &found);
    if (e == 0)
        doctor_find(w->d, "system", WELL, cli_text(c, "finds %s", c->settings.host), NULL);
    else
        doctor_find(w->d, "system", c->settings.connect ? DOUBTFUL : ILL,
                    cli_text(c, "does not find %s: %s", c->settings.host, gai_strerror(e)),
                    c->settings.connect
                        ? "these commands connect to an address (--connect), browsers will not"
                        : "see the checks above; a VPN or /etc/nsswitch.conf may ask others");
    if (e == 0)
        freeaddrinfo(found);
}

/* --- all of it ----------------------------------------------------------------------------------- */

/* --resolver and --dns, for networks with their own ways. */
static bool given_addr(struct dns_walk *w, const char *flag, struct addr *out)
{
    const char *text = args_get(&w->d->cli->args, flag);
    if (!text)
        return false;
    if (addr_parse_port(span_str(text), out) == ERR_OK ||
        addr_parse_ip(span_str(text), 53, out) == ERR_OK)
        return true;
    doctor_find(w->d, flag, ILL, cli_text(w->d->cli, "--%s: \"%s\" is no address", flag, text),
                "an address, with a port if it is not 53: 192.0.2.1, 127.0.0.1:5300");
    return false;
}

void doctor_check_dns(struct doctor *d)
{
    struct dns_walk w = {.d = d, .zone = d->cli->settings.zone};
    struct addr at;
    if (!w.zone) {
        doctor_find(d, "delegation", UNCHECKED, "the zone is not known without edge.<zone>", NULL);
        return;
    }
    bool resolver = given_addr(&w, "resolver", &w.resolver) || dns_resolvers(&w.resolver, 1) > 0;
    if (given_addr(&w, "dns", &at))
        add_server(&w, NULL, &at);
    else if (resolver)
        check_delegation(&w);
    else
        doctor_find(d, "delegation", ILL, "this machine has no resolver (/etc/resolv.conf)",
                    "--resolver ADDRESS asks one");
    check_servers(&w);
    if (resolver)
        check_wildcard(&w);
    check_system(&w);
}
