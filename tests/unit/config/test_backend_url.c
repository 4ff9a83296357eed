#include "config/backend_url.h"

#include "core/mem.h"
#include "support/test.h"

struct good {
    const char *in, *url, *host, *base_path;
    enum backend_scheme scheme;
    uint16_t port;
    bool ip;
};

static const struct good goods[] = {
    {"http://web", "http://web", "web", "", BACKEND_HTTP, 80, false},
    {"https://web", "https://web", "web", "", BACKEND_HTTPS, 443, false},
    {"h2c://web", "h2c://web", "web", "", BACKEND_H2C, 80, false},
    {"HTTP://Web.Example.COM/", "http://web.example.com", "web.example.com", "", BACKEND_HTTP, 80,
     false},
    {"http://web:80/", "http://web", "web", "", BACKEND_HTTP, 80, false},
    {"https://web:443", "https://web", "web", "", BACKEND_HTTPS, 443, false},
    {"https://web:80", "https://web:80", "web", "", BACKEND_HTTPS, 80, false},
    {"h2c://web:9000/a/b/", "h2c://web:9000/a/b", "web", "/a/b", BACKEND_H2C, 9000, false},
    {"http://web:65535", "http://web:65535", "web", "", BACKEND_HTTP, 65535, false},
    {"http://10.0.0.1:8080", "http://10.0.0.1:8080", "10.0.0.1", "", BACKEND_HTTP, 8080, true},
    {"http://[2001:DB8:0::1]:81/x", "http://[2001:db8::1]:81/x", "2001:db8::1", "/x", BACKEND_HTTP,
     81, true},
    {"http://[::1]", "http://[::1]", "::1", "", BACKEND_HTTP, 80, true},
    {"http://my_service:1", "http://my_service:1", "my_service", "", BACKEND_HTTP, 1, false},
    {"http://x/~a%20B;v=1,2/@:!$&'()*+", "http://x/~a%20B;v=1,2/@:!$&'()*+", "x",
     "/~a%20B;v=1,2/@:!$&'()*+", BACKEND_HTTP, 80, false},
    {"http://x/a...b/..c", "http://x/a...b/..c", "x", "/a...b/..c", BACKEND_HTTP, 80, false},
    {"http://1a.example.x1", "http://1a.example.x1", "1a.example.x1", "", BACKEND_HTTP, 80, false},
};

static void test_good(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(goods); i++) {
        const struct good *g = &goods[i];
        struct arena arena;
        struct config_backend b;
        const char *why = NULL;
        arena_init(&arena, NULL, 0, 1 << 16);
        assert_ok(backend_url_parse(span_str(g->in), &arena, &b, &why));
        assert_string_equal(b.url, g->url);
        assert_string_equal(b.host, g->host);
        assert_string_equal(b.base_path, g->base_path);
        assert_int_equal(b.scheme, g->scheme);
        assert_int_equal(b.port, g->port);
        assert_int_equal(b.host_is_ip, g->ip);
        assert_true(b.tls_verify);
        assert_false(b.preserve_host);
        assert_null(b.tls_ca);
        assert_null(b.tls_server_name);

        /* The normalised form is a fixed point. */
        struct config_backend again;
        assert_ok(backend_url_parse(span_str(b.url), &arena, &again, &why));
        assert_string_equal(again.url, b.url);
        arena_deinit(&arena);
    }
}

static const struct {
    const char *in, *why;
} bads[] = {
    {"", "empty"},
    {"web", "begin with"},
    {"web:80", "begin with"},
    {"//web", "begin with"},
    {"http:/web", "begin with"},
    {"http:web", "begin with"},
    {"ftp://web", "begin with"},
    {"ws://web", "begin with"},
    {"httpss://web", "begin with"},
    {" http://web", "percent-encoded"},
    {"http://web ", "percent-encoded"},
    {"http://w\xc3\xa4", "percent-encoded"},
    {"http://web\r\nx", "percent-encoded"},
    {"http://", "host is missing"},
    {"http:///x", "host is missing"},
    {"http://:80", "host is missing"},
    {"http://u@web", "user"},
    {"http://u:p@web", "user"},
    {"http://@web", "user"},
    {"http://web?x", "query"},
    {"http://web/?x", "query"},
    {"http://web/#x", "fragment"},
    {"http://web:", "port"},
    {"http://web:0", "port"},
    {"http://web:65536", "port"},
    {"http://web:-1", "port"},
    {"http://web:+80", "port"},
    {"http://web:8o", "port"},
    {"http://web:000080", "port"},
    {"http://web:80:80", "brackets"},
    {"http://2001:db8::1", "brackets"},
    {"http://[::1", "']'"},
    {"http://[::1]80", "only a port"},
    {"http://[::1]x:80", "only a port"},
    {"http://[]", "host is missing"},
    {"http://[web]", "IPv6"},
    {"http://[1.2.3.4]", "IPv6"},
    {"http://[::g]", "IPv6"},
    {"http://[fe80::1%25eth0]", "IPv6"},
    {"http://1.2.3", "IPv4"},
    {"http://1.2.3.256", "IPv4"},
    {"http://1.2.3.4.5", "IPv4"},
    {"http://0x7f.1", "IPv4"},
    {"http://0x7f000001", "IPv4"},
    {"http://127.0x1", "IPv4"},
    {"http://2130706433", "IPv4"},
    {"http://010.0.0.1", "IPv4"},
    {"http://web.", "not a valid name"},
    {"http://.web", "not a valid name"},
    {"http://a..b", "not a valid name"},
    {"http://-a", "not a valid name"},
    {"http://a-.b", "not a valid name"},
    {"http://a%41", "not a valid name"},
    {"http://a,b", "not a valid name"},
    {"http://x/a b", "percent-encoded"},
    {"http://x/%", "percent-encoded"},
    {"http://x/%4", "percent-encoded"},
    {"http://x/%zz", "percent-encoded"},
    {"http://x/a\\b", "percent-encoded"},
    {"http://x/<", "percent-encoded"},
    {"http://x//", "empty segment"},
    {"http://x//a", "empty segment"},
    {"http://x/a//b", "empty segment"},
    {"http://x/a//", "empty segment"},
    {"http://x/.", "'..'"},
    {"http://x/..", "'..'"},
    {"http://x/a/../b", "'..'"},
    {"http://x/a/%2e%2E/b", "'..'"},
    {"http://x/a/.%2e", "'..'"},
};

static void test_bad(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(bads); i++) {
        struct arena arena;
        struct config_backend b;
        const char *why = NULL;
        arena_init(&arena, NULL, 0, 1 << 16);
        enum err err = backend_url_parse(span_str(bads[i].in), &arena, &b, &why);
        if (err != ERR_SYNTAX || !why || !strstr(why, bads[i].why))
            fail_msg("%s: %s (%s)", bads[i].in, err_text(err), why ? why : "no reason");
        arena_deinit(&arena);
    }
}

static void test_lengths(void **state)
{
    char url[4096];
    struct arena arena;
    struct config_backend b;
    const char *why = NULL;
    arena_init(&arena, NULL, 0, 1 << 16);

    memset(url, 'a', sizeof url);
    memcpy(url, "http://x/", 9);
    assert_ok(backend_url_parse(span_of(url, 2048), &arena, &b, &why));
    assert_err(ERR_SYNTAX, backend_url_parse(span_of(url, 2049), &arena, &b, &why));

    url[8] = 'a';
    assert_err(ERR_SYNTAX, backend_url_parse(span_of(url, 7 + 64), &arena, &b, &why));
    assert_ok(backend_url_parse(span_of(url, 7 + 63), &arena, &b, &why));
    for (size_t i = 7; i < sizeof url; i++)
        url[i] = i % 2 ? 'a' : '.';
    assert_ok(backend_url_parse(span_of(url, 7 + 253), &arena, &b, &why));
    assert_err(ERR_SYNTAX, backend_url_parse(span_of(url, 7 + 255), &arena, &b, &why));
    arena_deinit(&arena);
}

/* A session's URL may come in when its arena is nearly full. */
static void test_full_arena(void **state)
{
    for (size_t ceiling = 0; ceiling < 200; ceiling++) {
        struct arena arena;
        struct config_backend b = {.port = 7};
        const char *why = NULL;
        arena_init(&arena, NULL, 0, ceiling);
        enum err err = backend_url_parse(SPAN_LIT("http://a.example:81/b"), &arena, &b, &why);
        assert_true(err == ERR_OK || err == ERR_MEMORY);
        assert_int_equal(b.port, err == ERR_OK ? 81 : 7);
        arena_deinit(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_full_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
