#include "unit/sessions/route_bed.h"

static const char edge_yaml[] =
    "zone: z.test\n"
    "services:\n"
    "  - {name: web, url: \"http://web\", rewrites: [\n"
    "     {source: \"/foo/(.*)\", target: \"/bar/$1\"}, {source: \"^/bar/x\", target: "
    "\"/done\"}]}\n"
    "  - {name: api, url: \"http://api/base/v2/\", rewrites: [\n"
    "     {source: \"^/api/(.*)\", target: \"$1\"}]}\n"
    "  - {name: plain, url: \"http://plain\"}\n"
    "  - {name: wild, url: \"http://wild\", rewrites: [\n"
    "     {source: \"^/double\", target: \"$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0\"},\n"
    "     {source: \"^/dollar/(.*)\", target: \"/$$1/$${1}0/$10\"}]}\n"
    "domains: [{domain: z.test, default_service: web, routes: [{path: \"^/a\", service: api}]}]\n"
    "cache_routes: [\"^/edge-static/\", \"\\\\.js$\"]\n";

static int setup(void **state)
{
    struct route_bed *b = mem_zalloc(sizeof *b);
    bed_init(b, edge_yaml);
    bed_put(b, "all",
            "{\"services\":{\"web\":{\"url\":\"http://s/own\",\"rewrites\":"
            "[{\"source\":\"^/s/(.*)\",\"target\":\"/foo/$1\"}]},"
            "\"tun\":{\"tunnel\":true,\"rewrites\":[{\"source\":\"^/t\",\"target\":\"/u\"}]}},"
            "\"rewrites\":[{\"source\":\"^/gone$\",\"target\":\"\"},{\"source\":\"^/first/"
            "(.*)\",\"target\":\"/s/$1\"},"
            "{\"source\":\"^/two/(?<a>[^/]*)/(.*)\",\"target\":\"/$2/$1\"}],"
            "\"cache_routes\":[\"^/own-static/\"]}");
    bed_put(b, "bare", "{\"services\":{\"plain\":\"http://bare\"}}");
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    bed_deinit(*state);
    mem_free(*state);
    return 0;
}

static enum err path_of(struct route_bed *b, const char *host, const char *path,
                        struct arena *arena, struct span *out)
{
    struct route_result r;
    bed_route(b, host, path, "", &r);
    return route_path(&b->table, &r, span_str(path), arena, out);
}

static void rewrites_and_base_path(void **state)
{
    static const struct {
        const char *host, *path, *want;
    } rows[] = {
        {"plain.z.test", "/x/y", "/x/y"},
        {"plain.z.test", "/", "/"},
        {"plain.z.test", "*", "*"},
        /* each in order, on what the one before made */
        {"web.z.test", "/foo/baz", "/bar/baz"},
        {"web.z.test", "/foo/x", "/done"},
        {"web.z.test", "/pre/foo/q", "/pre/bar/q"}, /* unanchored */
        {"web.z.test", "/other", "/other"},
        /* the base path is kept in front */
        {"api.z.test", "/api/users", "/base/v2/users"}, /* and the slash comes back */
        {"api.all.z.test", "/gone", "/base/v2/"},
        {"api.z.test", "/", "/base/v2/"},
        {"api.z.test", "/x", "/base/v2/x"},
        {"api.z.test", "*", "*"},
        {"z.test", "/api/x", "/base/v2/x"},
        /* session's, override's, service's */
        {"web.all.z.test", "/first/x", "/own/done"},
        {"web.all.z.test", "/s/q", "/own/bar/q"},
        {"web.all.z.test", "/foo/q", "/own/bar/q"},
        {"web.all.z.test", "/q", "/own/q"},
        /* of every service of the session */
        {"plain.all.z.test", "/first/x", "/s/x"},
        {"plain.all.z.test", "/two/a/b", "/b/a"},
        {"plain.all.z.test", "/two//b", "/b/"},
        {"plain.bare.z.test", "/first/x", "/first/x"},
        /* a tunnel has no base path */
        {"tun.all.z.test", "/t", "/u"},
        {"wild.z.test", "/dollar/v", "/$1/v0/v0"},
        /* bytes, not characters; what is encoded stays so */
        {"web.z.test", "/foo/\xff\xfe%2f%3F", "/bar/\xff\xfe%2f%3F"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena arena;
        struct span got;
        arena_init(&arena, NULL, 0, 65536);
        assert_ok(path_of(*state, rows[i].host, rows[i].path, &arena, &got));
        if (!span_eq(got, span_str(rows[i].want)))
            fail_msg("%s%s: \"" SPAN_FMT "\", not \"%s\"", rows[i].host, rows[i].path,
                     SPAN_ARG(got), rows[i].want);
        arena_deinit(&arena);
    }
}

static void untouched_path_is_not_copied(void **state)
{
    struct arena arena;
    struct span got;
    const char *path = "/as/it/is";
    arena_init(&arena, NULL, 0, 0);
    assert_ok(path_of(*state, "web.bare.z.test", path, &arena, &got));
    assert_ptr_equal(got.p, path);
    arena_deinit(&arena);
}

/* Neither the configuration nor a body can bring such a target: what was stored is the last way in. */
static void rewrites_make_no_header_lines(void **state)
{
    static const char *const evil[] = {"/a b", "/a?b=c", "/a#b"};
    struct arena arena;
    struct span got;
    arena_init(&arena, NULL, 0, 65536);
    for (size_t i = 0; i < ARRAY_LEN(evil); i++) {
        char *rewrite = mem_printf("\"rewrites\":[{\"source\":\"^/evil\",\"target\":\"%s\"}]",
                                   evil[i]);
        bed_put_stored(*state, "evil", rewrite);
        mem_free(rewrite);
        assert_err(ERR_SYNTAX, path_of(*state, "web.evil.z.test", "/evil", &arena, &got));
        assert_ok(path_of(*state, "web.evil.z.test", "/good", &arena, &got));
    }
    arena_deinit(&arena);
}

static void bounded(void **state)
{
    struct arena arena;
    struct span got;
    char path[8001] = "/double";
    memset(path + 7, 'x', sizeof path - 8);
    arena_init(&arena, NULL, 0, (size_t)1 << 20);
    assert_ok(path_of(*state, "wild.z.test", path, &arena, &got));
    assert_int_equal(got.len, sizeof path - 1 + 19 * 7);

    /* the arena's ceiling */
    struct arena small;
    arena_init(&small, NULL, 0, 4096);
    assert_err(ERR_FULL, path_of(*state, "wild.z.test", path, &small, &got));
    assert_err(ERR_FULL, path_of(*state, "api.z.test", path, &small, &got));
    arena_deinit(&small);

    /* the base path of a path that is as long as may be */
    static char longest[REGEX_RESULT_MAX + 1];
    memset(longest, 'y', sizeof longest - 1);
    longest[0] = '/';
    assert_err(ERR_FULL, path_of(*state, "api.z.test", longest, &arena, &got));
    assert_ok(path_of(*state, "plain.z.test", longest, &arena, &got));
    arena_deinit(&arena);
}

static void cache_routes(void **state)
{
    static const struct {
        const char *host, *path;
        bool want;
    } rows[] = {
        {"web.z.test", "/edge-static/a", true},
        {"web.z.test", "/x/edge-static/a", false},
        {"web.z.test", "/x.js", true},
        {"web.z.test", "/x.json", false},
        {"web.bare.z.test", "/edge-static/", true}, /* the edge's, when a session has none */
        {"web.all.z.test", "/own-static/a", true},
        {"web.all.z.test", "/edge-static/a", false},
        {"web.z.test", "/own-static/a", false},
    };
    struct route_bed *b = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct route_result r;
        bed_route(b, rows[i].host, rows[i].path, "", &r);
        if (route_is_cache_route(&b->table, &r, span_str(rows[i].path)) != rows[i].want)
            fail_msg("%s%s", rows[i].host, rows[i].path);
    }
}

static void bad_regex_of_a_session(void **state)
{
    struct session_image *image = NULL;
    struct session_fault fault;
    struct route_bed *b = *state;
    /* 1 KiB of pattern, far more when compiled */
    struct session *s = bed_session(
        b->config, "big",
        "{\"services\":{\"web\":\"http://w\"},\"rewrites\":"
        "[{\"source\":\"ok\",\"target\":\"/\"}],\"domains\":[{\"domain\":\"z.test\","
        "\"default_service\":\"web\",\"routes\":[{\"path\":\"x\",\"service\":"
        "\"web\"},{\"path\":\"(?:abcdefghabcdefgh){999}\",\"service\":\"web\"}]}]}");
    assert_err(ERR_SYNTAX, session_image_new(s, &image, &fault));
    assert_string_equal(fault.field, "domains[0].routes[1].path");
    assert_int_equal(fault.status, 422);
    assert_non_null(strstr(fault.text, "too large"));
    session_unref(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rewrites_and_base_path),
        cmocka_unit_test(untouched_path_is_not_copied),
        cmocka_unit_test(rewrites_make_no_header_lines),
        cmocka_unit_test(bounded),
        cmocka_unit_test(cache_routes),
        cmocka_unit_test(bad_regex_of_a_session),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
