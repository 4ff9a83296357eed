/* The query path takes no memory: the allocator is counted while ten thousand queries of all kinds
 * are answered. */
#include "unit/dns/dns_bed.h"

static _Atomic unsigned allocations;

/* Ours stand before the C library's; sanitizers bring their own, which call for theirs by name. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAVE_SANITIZER 1
#endif
#endif
#else
#define HAVE_SANITIZER 1
#endif

#ifndef HAVE_SANITIZER
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    allocations++;
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
    allocations++;
    return __libc_realloc(p, size);
}
#else
extern int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *,
                                                                       size_t),
                                                     void (*on_free)(const volatile void *));
static void on_malloc(const volatile void *p, size_t size)
{
    (void)p;
    (void)size;
    allocations++;
}
static void on_free(const volatile void *p)
{
    (void)p;
}
#endif

static void counting_begins(void)
{
#ifdef HAVE_SANITIZER
    __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
#endif
    /* It counts at all. */
    unsigned before = allocations;
    void *volatile p = malloc(10);
    free(p);
    assert_true(allocations > before);
}

static const char *const names[] = {
    "ex.test",        "ns1.ex.test",   "web.slim.ex.test",          "slim.ex.test",
    "dead.ex.test",   "a.b.c.ex.test", "_acme-challenge.s.ex.test", "alias.ex.test",
    "x.wild.ex.test", "example.com",   "WeB--SliM.eX.test",         "big.ex.test",
};
static const char *const types[] = {"A",   "AAAA", "HTTPS", "TXT",  "NS",       "SOA",
                                    "ANY", "MX",   "CAA",   "AXFR", "TYPE65000"};

static void ten_thousand_queries_take_no_memory(void **state)
{
    enum { QUERIES = 10000, KINDS = ARRAY_LEN(names) * ARRAY_LEN(types) * 3 };
    static struct bed b;
    static uint8_t queries[KINDS][300];
    static size_t lens[KINDS];
    static const struct dns_cookie_keys keys = {.has_previous = true};
    static char big[400];
    snprintf(big, sizeof(big), "big TXT \"%0255d\" \"%0100d\"", 0, 0);
    const char *records[] = {"alias CNAME web.slim", "*.wild A 192.0.2.8", big, "@ MX 5 alias"};

    bed_config(&b);
    bed_records(&b, records, 4);
    b.config.dns.unknown_nxdomain = true;
    b.config.dns.nsid = "edge";
    b.living = ",slim,";
    bed_open(&b);
    dns_responder_set_cookie_keys(b.r, &keys);
    assert_ok(dns_responder_txt_add(b.r, SPAN_LIT("_acme-challenge.s.ex.test"), SPAN_LIT("v")));
    for (size_t i = 0; i < KINDS; i++) {
        struct ask q = {.name = names[i / 3 % ARRAY_LEN(names)],
                        .type = types[i / 3 / ARRAY_LEN(names)],
                        .edns = i % 3 > 0};
        if (i % 3 == 2) {
            q.options = "\0\x0a\0\x08"
                        "12345678"
                        "\0\3\0\0";
            q.options_len = 16;
        }
        lens[i] = bed_write(&q, queries[i], sizeof(queries[i]));
    }

    counting_begins();
    unsigned before = allocations;
    size_t bytes = 0;
    for (size_t i = 0; i < QUERIES; i++) {
        /* Every seventh is cut short. */
        size_t k = i % KINDS, cut = i % 7 == 6 ? 1 + i % 20 : 0;
        bytes += dns_answer(b.r, i % 2 ? DNS_TCP : DNS_UDP, &b.client, BED_WALL_S, queries[k],
                            lens[k] - cut, b.answer, i % 2 ? DNS_MESSAGE_MAX : DNS_UDP_PAYLOAD_MAX);
    }
    assert_int_equal(allocations - before, 0);
    assert_true(bytes > QUERIES * DNS_HEADER_LEN / 2);
    bed_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_queries_take_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
