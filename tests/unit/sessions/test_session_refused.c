/* What a body must not have: each refusal names the field. */
#include "unit/sessions/session_bed.h"

#define URL(rest) "{\"services\":{\"web\":{\"url\":\"http://w.test\"," rest "}}}"
#define HTTPS(rest) "{\"services\":{\"web\":{\"url\":\"https://w.test\"," rest "}}}"
#define DOMAIN(d) "{\"domains\":[{\"domain\":\"" d "\",\"default_service\":\"web\"}]}"
#define REWRITE(s, t) "{\"rewrites\":[{\"source\":\"" s "\",\"target\":\"" t "\"}]}"

static void refuses_shapes(void **state)
{
    static const struct refusal rows[] = {
        {"[]", "", "400 must be a JSON object"},
        {"null", "", "400 must be a JSON object"},
        {"\"x\"", "", "400 must be a JSON object"},
        {"{\"nam\":\"x\"}", "nam", "not a field"},
        {"{\"Name\":\"x\"}", "Name", "not a field"},
        {"{\"\":1}", "", "not a field"},
        {"{\"owner_token\":\"x\"}", "owner_token", "not a field"},
        {"{\"created\":\"x\"}", "created", "set by the edge"},
        {"{\"expires\":\"x\"}", "expires", "give a ttl"},
        {"{\"urls\":{}}", "urls", "set by the edge"},
        {"{\"owner\":1}", "owner", "must be text"},
        {"{\"owner\":null}", "owner", "must be text"},
        {"{\"owner\":\"a\\nb\"}", "owner", "control"},
        {"{\"pinned\":1}", "pinned", "true or false"},
        {"{\"pinned\":\"true\"}", "pinned", "true or false"},
        {"{\"services\":[]}", "services", "must be an object"},
        {"{\"services\":null}", "services", "must be an object"},
        {"{\"domains\":{}}", "domains", "must be a list"},
        {"{\"rewrites\":\"x\"}", "rewrites", "must be a list"},
        {"{\"cache_routes\":\"x\"}", "cache_routes", "must be a list"},
        {"{\"cache_routes\":[1]}", "cache_routes[0]", "must be text"},
        {"{\"cache_routes\":[\"ok\",\"(\"]}", "cache_routes[1]", "regex"},
        {"{\"cache_routes\":[\"\"]}", "cache_routes[0]", "empty"},
    };
    check_refused("", rows, ARRAY_LEN(rows));
}

static void refuses_names(void **state)
{
    static const struct refusal rows[] = {
        {"{\"name\":1}", "name", "must be text"},
        {"{\"name\":null}", "name", "must be text"},
        {"{\"name\":\"\"}", "name", "must be 1 to 40"},
        {"{\"name\":\"A\"}", "name", "must be 1 to 40"},
        {"{\"name\":\"-a\"}", "name", "must be 1 to 40"},
        {"{\"name\":\"a-\"}", "name", "must be 1 to 40"},
        {"{\"name\":\"a--b\"}", "name", "must be 1 to 40"},
        {"{\"name\":\"a.b\"}", "name", "must be 1 to 40"},
        {"{\"name\":\"a_b\"}", "name", "must be 1 to 40"},
        {"{\"name\":\"\xc3\xbc\"}", "name", "??"}, /* told in ASCII */
        {"{\"name\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}", "name", "must be 1 to 40"},
        {"{\"name\":\"edge\"}", "name", "edge's own"},
        {"{\"name\":\"www\"}", "name", "reserved"},
        {"{\"name\":\"ns1\"}", "name", "nameserver"},
        {"{\"name\":\"ns77\"}", "name", "nameserver"},
        {"{\"name\":\"web\"}", "name", "service"},
        {"{\"name\":\"front\"}", "name", "domain"},
        {"{\"name\":\"shop\"}", "name", "domain"},
    };
    check_refused("", rows, ARRAY_LEN(rows));

    static const struct refusal in_path[] = {
        {"{\"name\":\"other\"}", "name", "as in the path"},
        {"{\"name\":7}", "name", "must be text"},
    };
    check_refused("slim", in_path, ARRAY_LEN(in_path));
    static const struct refusal bad_path[] = {{"{}", "name", "must be 1 to 40"}};
    check_refused("No", bad_path, 1);
    check_refused("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", bad_path, 1);
    static const struct refusal reserved[] = {{"{}", "name", "service"}};
    check_refused("api", reserved, 1);

    struct session *s = parsed("slim", "{\"name\":\"slim\"}");
    assert_string_equal(s->name, "slim");
    session_unref(s);
    s = parsed("", "{\"name\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}");
    session_unref(s);
}

static void refuses_lifetimes(void **state)
{
    static const struct refusal rows[] = {
        {"{\"ttl\":604800}", "ttl", "must be text"},
        {"{\"ttl\":\"\"}", "ttl", "a number and a unit"},
        {"{\"ttl\":\"7\"}", "ttl", "a unit"},
        {"{\"ttl\":\"-7d\"}", "ttl", "a unit"},
        {"{\"ttl\":\"1.5d\"}", "ttl", "a unit"},
        {"{\"ttl\":\"7 d\"}", "ttl", "a unit"},
        {"{\"ttl\":\"0s\"}", "ttl", "at least 1s"},
        {"{\"ttl\":\"999ms\"}", "ttl", "at least 1s"},
        {"{\"ttl\":\"91d\"}", "ttl", "more than 90d"},
        {"{\"ttl\":\"99999999999999999999d\"}", "ttl", "a unit"},
    };
    check_refused("", rows, ARRAY_LEN(rows));
    struct session *s = parsed("", "{\"ttl\":\"90d\"}");
    session_unref(s);
}

static void refuses_services(void **state)
{
    static const struct refusal rows[] = {
        {"{\"services\":{\"Web\":\"http://x\"}}", "services.Web", "not a service's name"},
        {"{\"services\":{\"a--b\":\"http://x\"}}", "services.a--b", "not a service's name"},
        {"{\"services\":{\"\":\"http://x\"}}", "services.", "not a service's name"},
        {"{\"services\":{\"edge\":\"http://x\"}}", "services.edge", "not a service's name"},
        {"{\"services\":{\"web\":1}}", "services.web", "must be a URL"},
        {"{\"services\":{\"web\":null}}", "services.web", "must be a URL"},
        {"{\"services\":{\"web\":[]}}", "services.web", "must be a URL"},
        {"{\"services\":{\"web\":{}}}", "services.web", "must have a url"},
        {"{\"services\":{\"web\":\"\"}}", "services.web", "empty"},
        {"{\"services\":{\"web\":\"ftp://x\"}}", "services.web", "must begin with"},
        {"{\"services\":{\"web\":\"x.test\"}}", "services.web", "must begin with"},
        {"{\"services\":{\"web\":{\"url\":1}}}", "services.web.url", "must be text"},
        {"{\"services\":{\"web\":{\"url\":\"http://u:p@x\"}}}", "services.web.url", "user"},
        {"{\"services\":{\"web\":{\"url\":\"http://x:0\"}}}", "services.web.url", "port"},
        {"{\"services\":{\"web\":{\"url\":\"http://x:99999\"}}}", "services.web.url", "port"},
        {"{\"services\":{\"web\":{\"url\":\"http://x/?q\"}}}", "services.web.url", "query"},
        {"{\"services\":{\"web\":{\"url\":\"http://x#f\"}}}", "services.web.url", "fragment"},
        {"{\"services\":{\"web\":{\"url\":\"http://x/a b\"}}}", "services.web.url", "encoded"},
        {"{\"services\":{\"web\":{\"url\":\"http://\"}}}", "services.web.url", "host is missing"},
        {"{\"services\":{\"web\":{\"url\":\"http://127.1\"}}}", "services.web.url", "IPv4"},
        {"{\"services\":{\"web\":{\"url\":\"http://x\\u0001\"}}}", "services.web.url", "encoded"},
        {URL("\"URL\":\"x\""), "services.web.URL", "not a field"},
        {URL("\"tunnel\":true"), "services.web", "either a url or a tunnel"},
        {URL("\"tunnel\":false"), "services.web.tunnel", "must be true"},
        {"{\"services\":{\"web\":{\"tunnel\":false}}}", "services.web.tunnel", "must be true"},
        {"{\"services\":{\"web\":{\"tunnel\":1}}}", "services.web.tunnel", "true or false"},
        {URL("\"host\":\"other\""), "services.web.host", "\"target\" or"},
        {URL("\"host\":true"), "services.web.host", "\"target\" or"},
        {URL("\"fallback\":\"x\""), "services.web.fallback", "\"shared\" or"},
        {URL("\"fallback\":true"), "services.web.fallback", "\"shared\" or"},
        {URL("\"tls\":{}"), "services.web", "https:// backends only"},
        {"{\"services\":{\"web\":{\"tunnel\":true,\"tls\":{}}}}", "services.web.tls",
         "https:// backends only"},
        {HTTPS("\"tls\":[]"), "services.web.tls", "must be an object"},
        {HTTPS("\"tls\":{\"ca\":\"/etc/shadow\"}"), "services.web.tls.ca", "file of the edge"},
        {HTTPS("\"tls\":{\"verify\":\"no\"}"), "services.web.tls.verify", "true or false"},
        {HTTPS("\"tls\":{\"server_name\":\"A_b\"}"), "services.web.tls.server_name", "host name"},
        {HTTPS("\"tls\":{\"sni\":\"a\"}"), "services.web.tls.sni", "not a field"},
        {URL("\"rewrites\":{}"), "services.web.rewrites", "must be a list"},
        {URL("\"rewrites\":[{\"source\":\"(\",\"target\":\"\"}]"),
         "services.web.rewrites[0].source", "regex"},
    };
    check_refused("", rows, ARRAY_LEN(rows));
}

static void refuses_rewrites(void **state)
{
    static const struct refusal rows[] = {
        {"{\"rewrites\":[1]}", "rewrites[0]", "must be an object"},
        {"{\"rewrites\":[{}]}", "rewrites[0].source", "missing"},
        {"{\"rewrites\":[{\"source\":\"a\"}]}", "rewrites[0].target", "missing"},
        {"{\"rewrites\":[{\"source\":\"a\",\"target\":\"b\",\"x\":1}]}", "rewrites[0].x",
         "not a field"},
        {REWRITE("", "/"), "rewrites[0].source", "empty"},
        {REWRITE("[", "/"), "rewrites[0].source", "regex"},
        {REWRITE("(*UTF)a", "/"), "rewrites[0].source", "regex"},
        {REWRITE("a", "/$1"), "rewrites[0].target", "uses $1, but the source has 0 groups"},
        {REWRITE("(a)", "/${2}"), "rewrites[0].target", "uses $2, but the source has 1 group"},
        {REWRITE("a", "/?x=1"), "rewrites[0].target", "is a path"},
        {REWRITE("a", "/#x"), "rewrites[0].target", "is a path"},
        {REWRITE("a", "/a b"), "rewrites[0].target", "is a path"},
        {REWRITE("a", "/\\r\\n"), "rewrites[0].target", "control"},
        {REWRITE("a", "/\xc3\xbc"), "rewrites[0].target", "is a path"},
    };
    check_refused("", rows, ARRAY_LEN(rows));
}

static void refuses_domains(void **state)
{
    static const struct refusal rows[] = {
        {"{\"domains\":[{}]}", "domains[0].domain", "missing"},
        {"{\"domains\":[{\"domain\":\"a.test\"}]}", "domains[0].default_service", "missing"},
        {"{\"domains\":[{\"domain\":\"a.test\",\"default_service\":\"nope\"}]}",
         "domains[0].default_service", "no service \"nope\""},
        {"{\"domains\":[{\"domain\":\"a.test\",\"default_service\":\"web\",\"routes\":[{}]}]}",
         "domains[0].routes[0].path", "missing"},
        {"{\"domains\":[{\"domain\":\"a.test\",\"default_service\":\"web\",\"routes\":"
         "[{\"path\":\"x\",\"service\":\"api\"},{\"path\":\"(\",\"service\":\"api\"}]}]}",
         "domains[0].routes[1].path", "regex"},
        {"{\"domains\":[{\"domain\":\"a.test\",\"default_service\":\"web\",\"routes\":"
         "[{\"path\":\"x\",\"service\":\"nope\"}]}]}",
         "domains[0].routes[0].service", "no service"},
        {"{\"domains\":[{\"domain\":\"a.test\",\"default_service\":\"web\",\"x\":1}]}",
         "domains[0].x", "not a field"},
        {DOMAIN(""), "domains[0].domain", "empty"},
        {DOMAIN("A.test"), "domains[0].domain", "host name"},
        {DOMAIN("a.test."), "domains[0].domain", "host name"},
        {DOMAIN("*.test"), "domains[0].domain", "host name"},
        {DOMAIN("a.test:80"), "domains[0].domain", "host name"},
        {"{\"domains\":[{\"domain\":\"a.test\",\"default_service\":\"web\"},{\"domain\":\"a.test\","
         "\"default_service\":\"web\"}]}",
         "domains[1].domain", "there already, as domains[0]"},
        /* hosts of others */
        {DOMAIN("edge.dev.example.com"), "domains[0].domain", "outside of the zone"},
        {DOMAIN("mary.dev.example.com"), "domains[0].domain", "outside of the zone"},
        {DOMAIN("web.mary.dev.example.com"), "domains[0].domain", "outside of the zone"},
        {DOMAIN("web--mary.dev.example.com"), "domains[0].domain", "outside of the zone"},
        {DOMAIN("x.front.dev.example.com"), "domains[0].domain", "outside of the zone"},
    };
    check_refused("", rows, ARRAY_LEN(rows));

    static const char *const taken[] = {
        DOMAIN("dev.example.com"),     DOMAIN("front.dev.example.com"),
        DOMAIN("api.dev.example.com"), DOMAIN("notdev.example.com"),
        DOMAIN("shop.example.org"),    DOMAIN("x.shop.example.org"),
    };
    for (size_t i = 0; i < ARRAY_LEN(taken); i++)
        session_unref(parsed("x", taken[i]));
    session_unref(parsed("x", "{\"services\":{\"own\":{\"tunnel\":true}},\"domains\":[{\"domain\":"
                              "\"own.dev.example.com\",\"default_service\":\"own\"}]}"));
}

/* A preview is for others: nothing on the edge's own machine. */
static void refuses_loopback_previews(void **state)
{
    static const struct refusal rows[] = {
        {"{\"services\":{\"web\":\"http://localhost:3000\"}}", "services.web.url",
         "400 own machine"},
        {"{\"services\":{\"web\":\"http://LOCALHOST\"}}", "services.web.url", "400 own machine"},
        {"{\"services\":{\"web\":\"http://x.localhost\"}}", "services.web.url", "400 own machine"},
        {"{\"services\":{\"web\":\"http://127.0.0.1\"}}", "services.web.url", "400 own machine"},
        {"{\"services\":{\"web\":\"http://127.8.9.1\"}}", "services.web.url", "400 own machine"},
        {"{\"services\":{\"web\":\"http://[::1]\"}}", "services.web.url", "400 own machine"},
        {"{\"services\":{\"web\":\"http://[::ffff:127.0.0.1]\"}}", "services.web.url",
         "400 own machine"},
        {"{\"services\":{\"web\":\"http://0.0.0.0\"}}", "services.web.url", "400 own machine"},
        {"{\"services\":{\"web\":\"http://[::]\"}}", "services.web.url", "400 own machine"},
        {"{\"services\":{\"api\":\"http://ok.test\",\"web\":\"http://localhost\"}}",
         "services.web.url", "400 own machine"},
    };
    check_refused("", rows, ARRAY_LEN(rows));
    session_unref(parsed("named", rows[0].body));
    session_unref(parsed("", "{\"services\":{\"web\":\"http://notlocalhost:1\"}}"));
    session_unref(parsed("", "{\"services\":{\"web\":\"http://10.0.0.1\"}}"));
}

/* N copies of ITEM, in which %d is its number, between OPEN and CLOSE. */
static char *repeated(const char *open, const char *item, size_t n, const char *close)
{
    size_t cap = strlen(open) + n * (strlen(item) + 24) + strlen(close) + 1;
    char *text = mem_alloc(cap);
    size_t len = (size_t)snprintf(text, cap, "%s", open);
    for (size_t i = 0; i < n; i++) {
        const char *mark = strchr(item, '%');
        int before = mark ? (int)(mark - item) : (int)strlen(item);
        len += (size_t)snprintf(text + len, cap - len, "%s%.*s", i ? "," : "", before, item);
        if (mark)
            len += (size_t)snprintf(text + len, cap - len, "%zu%s", i, mark + 2);
    }
    snprintf(text + len, cap - len, "%s", close);
    return text;
}

static void count_limits(void **state)
{
    static const struct {
        const char *open, *item, *close, *field;
        size_t max;
    } rows[] = {
        {"{\"services\":{", "\"s%d\":\"http://x.test\"", "}}", "services", SESSION_SERVICES_MAX},
        {"{\"domains\":[", "{\"domain\":\"d%d.test\",\"default_service\":\"web\"}", "]}", "domains",
         SESSION_DOMAINS_MAX},
        {"{\"domains\":[{\"domain\":\"a.test\",\"default_service\":\"web\",\"routes\":[",
         "{\"path\":\"x\",\"service\":\"web\"}", "]}]}", "domains[0].routes", SESSION_ROUTES_MAX},
        {"{\"rewrites\":[", "{\"source\":\"x\",\"target\":\"y\"}", "]}", "rewrites",
         SESSION_REWRITES_MAX},
        {"{\"services\":{\"web\":{\"tunnel\":true,\"rewrites\":[",
         "{\"source\":\"x\",\"target\":\"y\"}", "]}}}", "services.web.rewrites",
         SESSION_REWRITES_MAX},
        {"{\"cache_routes\":[", "\"x\"", "]}", "cache_routes", SESSION_CACHE_ROUTES_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *most = repeated(rows[i].open, rows[i].item, rows[i].max, rows[i].close);
        struct session *s = parsed("x", most);
        struct session_image *image = NULL;
        struct session_fault fault;
        assert_ok(session_image_new(s, &image, &fault));
        session_image_unref(image);
        session_unref(s);
        mem_free(most);

        char *more = repeated(rows[i].open, rows[i].item, rows[i].max + 1, rows[i].close);
        struct refusal r = {more, rows[i].field, "must not have more than"};
        check_refused("x", &r, 1);
        mem_free(more);
    }
}

static void length_limits(void **state)
{
    static const struct {
        const char *open, *close, *field;
        size_t max;
    } rows[] = {
        {"{\"owner\":\"", "\"}", "owner", 128},
        {"{\"cache_routes\":[\"", "\"]}", "cache_routes[0]", 1024},
        {"{\"rewrites\":[{\"source\":\"x\",\"target\":\"", "\"}]}", "rewrites[0].target", 1024},
        {"{\"domains\":[{\"default_service\":\"web\",\"domain\":\"", ".test\"}]}",
         "domains[0].domain", 63},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t more = 0; more < 2; more++) {
            char filler[1200];
            memset(filler, 'a', rows[i].max + more);
            filler[rows[i].max + more] = '\0';
            char *body = mem_printf("%s%s%s", rows[i].open, filler, rows[i].close);
            struct refusal r = {body, rows[i].field, ""};
            if (more)
                check_refused("x", &r, 1);
            else
                session_unref(parsed("x", body));
            mem_free(body);
        }
}

/* Whatever names a client sends: the fault is ASCII, whole, and fits. */
static void odd_field_names(void **state)
{
    char name[400];
    for (size_t i = 0; i + 1 < sizeof name; i += 2)
        memcpy(name + i, "\xc3\xbc", 2);
    name[398] = '\0';
    char *body = mem_printf("{\"services\":{\"%s\":{\"url\":1}},\"%s\":1}", name, name);
    struct session *s = NULL;
    struct session_fault fault = {.status = 0};
    json_t *j = bed_json(body);
    assert_err(ERR_SYNTAX, session_parse(j, span_str(""), config, &s, &fault));
    json_decref(j);
    mem_free(body);
    assert_true(strlen(fault.field) < sizeof fault.field);
    for (const char *p = fault.field; *p; p++)
        assert_true(*p > ' ' && *p <= '~');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_shapes),
        cmocka_unit_test(refuses_names),
        cmocka_unit_test(refuses_lifetimes),
        cmocka_unit_test(refuses_services),
        cmocka_unit_test(refuses_rewrites),
        cmocka_unit_test(refuses_domains),
        cmocka_unit_test(refuses_loopback_previews),
        cmocka_unit_test(count_limits),
        cmocka_unit_test(length_limits),
        cmocka_unit_test(odd_field_names),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
