#include "unit/sessions/session_bed.h"

/* OBJECT's member as compact text, for comparing. The caller frees it. */
static char *text_of(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    json_decref(object);
    return text;
}

static void assert_member(json_t *object, const char *member, const char *want)
{
    char *text = text_of(json_incref(json_object_get(object, member)));
    assert_string_equal(text, want);
    free(text);
}

/* --- bodies --- */

static void whole_body(void **state)
{
    struct session *s = parsed(
        "", "{\"name\":\"slim-gecko\",\"owner\":\"peter \xc3\xbc\",\"ttl\":\"12h\",\"pinned\":true,"
            "\"services\":{"
            "\"web\":{\"url\":\"HTTPS://Web.example.net:8443/base/\",\"host\":\"preserve\","
            "\"fallback\":\"shared\",\"tls\":{\"server_name\":\"x.example.net\",\"verify\":false},"
            "\"rewrites\":[{\"source\":\"^/a/(.*)\",\"target\":\"/$1\"}]},"
            "\"api\":{\"tunnel\":true,\"fallback\":\"none\"},"
            "\"extra\":\"h2c://[::1]:9000\"},"
            "\"domains\":[{\"domain\":\"x.example.net\",\"default_service\":\"extra\",\"routes\":"
            "[{\"path\":\"^/api\",\"service\":\"api\"}]}],"
            "\"rewrites\":[{\"source\":\"x\",\"target\":\"\"}],"
            "\"cache_routes\":[\"\\\\.js$\"]}");
    assert_string_equal(s->name, "slim-gecko");
    assert_string_equal(s->owner, "peter \xc3\xbc");
    assert_string_equal(s->owner_token, "");
    assert_int_equal(s->ttl_ms, 12 * 3600 * 1000);
    assert_true(s->pinned);
    assert_false(s->preview);
    assert_int_equal(s->version, 1);

    assert_int_equal(s->n_overrides, 3); /* sorted */
    const struct session_override *api = &s->overrides[0], *extra = api + 1, *web = api + 2;
    assert_string_equal(api->service, "api");
    assert_int_equal(api->kind, OVERRIDE_TUNNEL);
    assert_false(api->fallback_shared);
    assert_string_equal(extra->service, "extra");
    assert_string_equal(extra->backend.host, "::1");
    assert_int_equal(extra->backend.scheme, BACKEND_H2C);
    assert_true(extra->backend.tls_verify);
    assert_string_equal(web->service, "web");
    assert_int_equal(web->kind, OVERRIDE_URL);
    assert_string_equal(web->backend.url, "https://web.example.net:8443/base");
    assert_true(web->backend.preserve_host);
    assert_true(web->fallback_shared);
    assert_string_equal(web->backend.tls_server_name, "x.example.net");
    assert_false(web->backend.tls_verify);
    assert_int_equal(web->n_rewrites, 1);
    assert_string_equal(web->rewrites[0].target, "/$1");

    assert_int_equal(s->n_domains, 1);
    assert_string_equal(s->domains[0].routes[0].service, "api");
    assert_string_equal(s->rewrites[0].target, "");
    assert_string_equal(s->cache_routes.v[0], "\\.js$");
    session_unref(s);
}

static void small_bodies(void **state)
{
    struct session *s = parsed("", "{}");
    assert_string_equal(s->name, "");
    assert_false(s->preview); /* nothing that could be the same */
    assert_int_equal(s->ttl_ms, config->sessions.default_ttl_ms);
    assert_int_equal(s->n_overrides, 0);
    session_unref(s);

    s = parsed("", "{\"services\":{\"web\":\"http://pr-1.example.net\"}}");
    assert_true(s->preview);
    session_unref(s);
    s = parsed("", "{\"services\":{\"web\":\"http://x.test\",\"api\":{\"tunnel\":true}}}");
    assert_false(s->preview);
    session_unref(s);
    s = parsed("", "{\"name\":\"x\",\"services\":{\"web\":\"http://localhost:3000\"}}");
    assert_false(s->preview);
    session_unref(s);
}

/* --- patches --- */

static struct session *patched(const struct session *base, const char *json)
{
    struct session *s = NULL;
    struct session_fault fault = {.status = 0};
    json_t *body = bed_json(json);
    if (session_patch(base, body, config, &s, &fault) != ERR_OK)
        fail_msg("%s: %s: %s", json, fault.field, fault.text);
    json_decref(body);
    return s;
}

static struct session *patch_base(void)
{
    struct session *s = parsed(
        "slim",
        "{\"owner\":\"peter\",\"ttl\":\"12h\",\"pinned\":true,\"services\":{"
        "\"web\":{\"url\":\"http://w.test\",\"host\":\"preserve\"},\"api\":{\"tunnel\":true}},"
        "\"domains\":[{\"domain\":\"a.test\",\"default_service\":\"web\"}],"
        "\"rewrites\":[{\"source\":\"x\",\"target\":\"/y\"}],\"cache_routes\":[\"js\"]}");
    session_set_owner_token(s, SPAN_LIT("tok"));
    s->created_ms = 5;
    s->changed_ms = 6;
    s->version = 7;
    return s;
}

static void patches(void **state)
{
    static const struct {
        const char *patch, *member, *want;
    } rows[] = {
        {"{}", "services",
         "{\"api\":{\"host\":\"target\",\"tunnel\":true},"
         "\"web\":{\"host\":\"preserve\",\"url\":\"http://w.test\"}}"},
        /* one service, as a whole */
        {"{\"services\":{\"web\":{\"url\":\"http://n.test\"}}}", "services",
         "{\"api\":{\"host\":\"target\",\"tunnel\":true},"
         "\"web\":{\"host\":\"target\",\"url\":\"http://n.test\"}}"},
        {"{\"services\":{\"web\":{\"tunnel\":true},\"new\":\"http://n.test\"}}", "services",
         "{\"api\":{\"host\":\"target\",\"tunnel\":true},"
         "\"new\":{\"host\":\"target\",\"url\":\"http://n.test\"},"
         "\"web\":{\"host\":\"target\",\"tunnel\":true}}"},
        {"{\"services\":{\"api\":null,\"none\":null}}", "services",
         "{\"web\":{\"host\":\"preserve\",\"url\":\"http://w.test\"}}"},
        {"{\"services\":null}", "services", "{}"},
        {"{\"services\":{}}", "services",
         "{\"api\":{\"host\":\"target\",\"tunnel\":true},"
         "\"web\":{\"host\":\"preserve\",\"url\":\"http://w.test\"}}"},
        /* lists as wholes */
        {"{\"domains\":[]}", "domains", "[]"},
        {"{\"domains\":null}", "domains", "[]"},
        {"{\"rewrites\":null}", "rewrites", "[]"},
        {"{\"cache_routes\":[\"a\",\"b\"]}", "cache_routes", "[\"a\",\"b\"]"},
        {"{\"ttl\":\"1d\"}", "ttl", "\"1d\""},
        {"{\"ttl\":null}", "ttl", "\"7d\""},
        {"{\"pinned\":null}", "pinned", "false"},
        {"{\"owner\":null}", "owner", "\"\""},
        {"{\"owner\":\"mary\"}", "owner", "\"mary\""},
        {"{\"owner\":\"mary\"}", "ttl", "\"12h\""},
        /* what was got may be sent back */
        {"{\"name\":\"slim\",\"created\":1,\"expires\":null,\"urls\":{},\"domain_urls\":{},"
         "\"changed\":2,\"version\":3,\"preview\":4}",
         "version", "7"},
    };
    struct session *base = patch_base();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct session *s = patched(base, rows[i].patch);
        json_t *j = session_to_json(s, config, 0);
        assert_member(j, rows[i].member, rows[i].want);
        json_decref(j);
        assert_string_equal(s->name, "slim");
        assert_string_equal(s->owner_token, "tok");
        assert_int_equal(s->created_ms, 5);
        assert_int_equal(s->changed_ms, 6);
        assert_int_equal(s->version, 7);
        session_unref(s);
    }
    session_unref(base);
}

static void refuses_patches(void **state)
{
    static const struct refusal rows[] = {
        {"[]", "", "400 must be a JSON object"},
        {"{\"name\":\"other\"}", "name", "not renamed"},
        {"{\"name\":null}", "name", "must be text"},
        {"{\"nope\":null}", "nope", "not a field"},
        {"{\"nope\":1}", "nope", "not a field"},
        {"{\"owner_token\":\"x\"}", "owner_token", "not a field"},
        {"{\"services\":{\"web\":{\"nope\":1}}}", "services.web.nope", "not a field"},
        {"{\"services\":[]}", "services", "must be an object"},
        {"{\"services\":{\"BAD\":{\"tunnel\":true}}}", "services.BAD", "not a service's name"},
        {"{\"ttl\":\"91d\"}", "ttl", "more than"},
        {"{\"domains\":[{\"domain\":\"b.test\",\"default_service\":\"gone\"}]}",
         "domains[0].default_service", "no service"},
    };
    struct session *base = patch_base();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct session *s = NULL;
        struct session_fault fault = {.status = 0};
        json_t *body = bed_json(rows[i].body);
        enum err e = session_patch(base, body, config, &s, &fault);
        json_decref(body);
        check_fault(&rows[i], e, &fault);
    }
    session_unref(base);
}

/* The configuration has become stricter since: what is not touched is not asked about. */
static void patches_what_was_allowed_once(void **state)
{
    struct config *strict = bed_config("zone: dev.example.com\n"
                                       "services: [{name: slim, url: \"http://x\"}]\n"
                                       "sessions: {default_ttl: 1h, max_ttl: 1h}\n");
    struct session *base = parsed("slim", "{\"ttl\":\"30d\"}"), *s = NULL;
    struct session_fault fault = {.status = 0};
    json_t *body = bed_json("{\"owner\":\"x\"}");
    assert_ok(session_patch(base, body, strict, &s, &fault));
    json_decref(body);
    assert_int_equal(s->ttl_ms, base->ttl_ms);
    session_unref(s);
    session_unref(base);
    config_unref(strict);
}

/* --- how it is shown --- */

static void shown(void **state)
{
    struct session *s = parsed(
        "slim",
        "{\"owner\":\"peter\",\"services\":{\"web\":\"https://web-pr-12.example.net\",\"api\":"
        "{\"tunnel\":true},\"extra\":{\"url\":\"https://e.test\",\"tls\":{\"verify\":false},"
        "\"fallback\":\"shared\",\"rewrites\":[{\"source\":\"a\",\"target\":\"b\"}]}},"
        "\"domains\":[{\"domain\":\"own.test\",\"default_service\":\"web\"}]}");
    s->created_ms = 1777629600000;
    s->changed_ms = 1777629600123;
    s->version = 3;
    session_set_owner_token(s, SPAN_LIT("secret-id"));
    json_t *j = session_to_json(s, config, 1778234400000);
    assert_member(j, "name", "\"slim\"");
    assert_member(j, "owner", "\"peter\"");
    assert_member(j, "ttl", "\"7d\"");
    assert_member(j, "pinned", "false");
    assert_member(j, "preview", "false");
    assert_member(j, "version", "3");
    assert_member(j, "created", "\"2026-05-01T10:00:00.000Z\"");
    assert_member(j, "changed", "\"2026-05-01T10:00:00.123Z\"");
    assert_member(j, "expires", "\"2026-05-08T10:00:00.000Z\"");
    assert_member(j, "services",
                  "{\"api\":{\"host\":\"target\",\"tunnel\":true},"
                  "\"extra\":{\"fallback\":\"shared\",\"host\":\"target\",\"rewrites\":"
                  "[{\"source\":\"a\",\"target\":\"b\"}],\"tls\":{\"verify\":false},"
                  "\"url\":\"https://e.test\"},"
                  "\"web\":{\"host\":\"target\",\"url\":\"https://web-pr-12.example.net\"}}");
    assert_member(j, "domains",
                  "[{\"default_service\":\"web\",\"domain\":\"own.test\",\"routes\":[]}]");
    assert_member(j, "urls",
                  "{\"api\":\"https://api.slim.dev.example.com\","
                  "\"extra\":\"https://extra.slim.dev.example.com\","
                  "\"web\":\"https://web.slim.dev.example.com\"}");
    assert_member(j, "domain_urls",
                  "{\"dev.example.com\":\"https://slim.dev.example.com\","
                  "\"front.dev.example.com\":\"https://slim.front.dev.example.com\","
                  "\"own.test\":\"https://slim.own.test\","
                  "\"shop.example.org\":\"https://slim.shop.example.org\"}");
    assert_null(json_object_get(j, "owner_token"));
    json_decref(j);

    j = session_to_json(s, config, 0);
    assert_member(j, "expires", "null");
    json_decref(j);
    session_unref(s);
}

static void shown_with_a_port(void **state)
{
    struct config *c = bed_config("zone: z.test\npublic_port: 8443\n"
                                  "services: [{name: web, url: \"http://x\"}]\n");
    struct session *s = bed_session(c, "slim", "{}");
    json_t *j = session_to_json(s, c, 0);
    assert_member(j, "urls", "{\"web\":\"https://web.slim.z.test:8443\"}");
    json_decref(j);
    session_unref(s);
    config_unref(c);
}

/* What GET shows, PUT takes, and it says the same again. */
static void shown_can_be_put(void **state)
{
    struct session *s = patch_base();
    json_t *j = session_to_json(s, config, 99);
    struct session *again = NULL;
    struct session_fault fault = {.status = 0};
    assert_ok(session_parse(j, SPAN_LIT("slim"), config, &again, &fault));
    again->created_ms = s->created_ms;
    again->changed_ms = s->changed_ms;
    again->version = s->version;
    char *one = text_of(j), *two = text_of(session_to_json(again, config, 99));
    assert_string_equal(one, two);
    free(one);
    free(two);
    session_unref(again);
    session_unref(s);
}

/* --- the stored form --- */

static void stored_keeps_everything(void **state)
{
    static const char *const bodies[] = {
        "{}",
        "{\"owner\":\"p \xf0\x9f\xa6\x8e\",\"ttl\":\"1500ms\",\"pinned\":true,\"services\":{"
        "\"web\":{\"url\":\"https://W.test:8443/b\",\"host\":\"preserve\",\"fallback\":\"shared\","
        "\"tls\":{\"server_name\":\"n.test\",\"verify\":false},"
        "\"rewrites\":[{\"source\":\"(\\\\d)\",\"target\":\"$1\"}]},"
        "\"api\":{\"tunnel\":true,\"host\":\"preserve\",\"fallback\":\"shared\"},\"v6\":\"h2c://"
        "[::1]\"},"
        "\"domains\":[{\"domain\":\"z.test\",\"default_service\":\"v6\",\"routes\":"
        "[{\"path\":\"^/a\",\"service\":\"api\"},{\"path\":\"b\",\"service\":\"web\"}]},"
        "{\"domain\":\"a.test\",\"default_service\":\"web\"}],"
        "\"rewrites\":[{\"source\":\"q\",\"target\":\"\"}],\"cache_routes\":[\"js\",\"css\"]}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct session *s = parsed("slim", bodies[i]), *again = NULL;
        struct session_fault fault = {.status = 0};
        session_set_owner_token(s, SPAN_LIT("token-id"));
        s->created_ms = 1777629600123;
        s->changed_ms = INT64_MAX;
        s->version = 42;
        s->preview = true;
        json_t *j = session_to_stored(s);
        assert_ok(session_from_stored(j, &again, &fault));
        json_decref(j);
        char *one = text_of(session_to_stored(s)), *two = text_of(session_to_stored(again));
        assert_string_equal(one, two);
        free(one);
        free(two);
        assert_true(again->preview);
        assert_string_equal(again->owner_token, "token-id");
        assert_int_equal(again->n_overrides, s->n_overrides);
        for (size_t k = 0; k < s->n_overrides; k++)
            assert_int_equal(again->overrides[k].backend.preserve_host,
                             s->overrides[k].backend.preserve_host);
        session_unref(s);
        session_unref(again);
    }
}

#define STORED(rest)                                                                               \
    "{\"name\":\"web\",\"owner_token\":\"\",\"preview\":false,\"version\":1,\"created_ms\":1,"     \
    "\"changed_ms\":1" rest "}"

static void stored_outlives_the_configuration(void **state)
{
    struct session *s = NULL;
    struct session_fault fault = {.status = 0};
    json_t *j = bed_json(STORED(",\"ttl\":\"9999d\",\"domains\":[{\"domain\":"
                                "\"edge.dev.example.com\",\"default_service\":\"gone\"}]"));
    assert_ok(session_from_stored(j, &s, &fault));
    json_decref(j);
    session_unref(s);
}

static void damaged_records(void **state)
{
    static const struct refusal rows[] = {
        {"[]", "", "must be an object"},
        {"{}", "name", "missing"},
        {"{\"name\":\"Bad Name\"}", "name", "must be 1 to 40"},
        {STORED(",\"urls\":{}"), "urls", "not a field"},
        {STORED(",\"pinned\":3"), "pinned", "true or false"},
        {"{\"name\":\"a\",\"owner_token\":\"\",\"preview\":false,\"created_ms\":\"x\"}",
         "created_ms", "whole number"},
        {"{\"name\":\"a\",\"owner_token\":\"\",\"preview\":false,\"created_ms\":-1}", "created_ms",
         "whole number"},
        {STORED(",\"services\":{\"web\":{\"url\":\"nonsense\"}}"), "services.web.url",
         "must begin"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct session *s = NULL;
        struct session_fault fault = {.status = 0};
        json_t *j = bed_json(rows[i].body);
        assert_err(ERR_CORRUPT, session_from_stored(j, &s, &fault));
        json_decref(j);
        check_fault(&rows[i], ERR_SYNTAX, &fault);
    }
}

/* --- the content's hash --- */

static bool same_hash(const char *a, const char *b)
{
    uint8_t x[SESSION_HASH_LEN], y[SESSION_HASH_LEN];
    struct session *s = parsed("", a), *t = parsed("", b);
    session_content_hash(s, x);
    session_content_hash(t, y);
    session_unref(s);
    session_unref(t);
    return memcmp(x, y, sizeof x) == 0;
}

static void content_hash(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"{}", "{}", true},
        {"{\"services\":{\"web\":\"http://a.test\",\"api\":\"http://b.test\"}}",
         "{\"services\":{\"api\":\"http://b.test\",\"web\":\"http://a.test\"}}", true},
        {"{\"services\":{\"web\":\"http://a.test\"}}",
         "{\"services\":{\"web\":{\"host\":\"target\",\"url\":\"HTTP://A.test:80/\"}}}", true},
        /* for people, not for routing */
        {"{\"owner\":\"a\",\"ttl\":\"1d\",\"pinned\":true,\"services\":{\"web\":\"http://"
         "a.test\"}}",
         "{\"services\":{\"web\":\"http://a.test\"}}", true},
        {"{\"domains\":[{\"domain\":\"a.test\",\"default_service\":\"web\"},{\"domain\":\"b.test\","
         "\"default_service\":\"web\"}]}",
         "{\"domains\":[{\"domain\":\"b.test\",\"default_service\":\"web\"},{\"domain\":\"a.test\","
         "\"default_service\":\"web\",\"routes\":[]}]}",
         true},
        {"{\"services\":{\"web\":\"http://a.test\"}}", "{\"services\":{\"web\":\"http://b.test\"}}",
         false},
        {"{\"services\":{\"web\":\"http://a.test\"}}", "{\"services\":{\"api\":\"http://a.test\"}}",
         false},
        {"{\"services\":{\"web\":\"http://a.test\"}}",
         "{\"services\":{\"web\":{\"url\":\"http://a.test\",\"host\":\"preserve\"}}}", false},
        {"{\"rewrites\":[{\"source\":\"a\",\"target\":\"b\"},{\"source\":\"c\",\"target\":\"d\"}]}",
         "{\"rewrites\":[{\"source\":\"c\",\"target\":\"d\"},{\"source\":\"a\",\"target\":\"b\"}]}",
         false},
        {"{\"cache_routes\":[\"a\"]}", "{}", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (same_hash(rows[i].a, rows[i].b) != rows[i].same)
            fail_msg("%s and %s", rows[i].a, rows[i].b);
}

static void shared_session_is_not_renamed(void *arg)
{
    struct session *s = session_ref(arg);
    session_set_name(s, SPAN_LIT("x"));
}

static void references(void **state)
{
    struct session *s = parsed("slim", "{}");
    assert_true(test_aborts(shared_session_is_not_renamed, s));
    struct session *same = session_ref(s);
    session_unref(s);
    assert_string_equal(same->name, "slim");
    session_unref(same);
    session_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_body),
        cmocka_unit_test(small_bodies),
        cmocka_unit_test(patches),
        cmocka_unit_test(refuses_patches),
        cmocka_unit_test(patches_what_was_allowed_once),
        cmocka_unit_test(shown),
        cmocka_unit_test(shown_with_a_port),
        cmocka_unit_test(shown_can_be_put),
        cmocka_unit_test(stored_keeps_everything),
        cmocka_unit_test(stored_outlives_the_configuration),
        cmocka_unit_test(damaged_records),
        cmocka_unit_test(content_hash),
        cmocka_unit_test(references),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
