#include "unit/sessions/route_bed.h"

/* The zone is a domain; so are a service's host, a host of the zone named as no service is, one
 * outside, and one below another. */
static const char edge_yaml[] = "zone: dev.example.com\n"
                                "services:\n"
                                "  - {name: web, url: \"http://web:3000\"}\n"
                                "  - {name: api, url: \"http://api:9000\", rewrites: [{source: "
                                "\"^/api/(.*)\", target: \"/$1\"}]}\n"
                                "  - {name: auth, url: \"http://auth:80/base/path/\"}\n"
                                "domains:\n"
                                "  - {domain: dev.example.com, default_service: web, routes: "
                                "[{path: \"^/api/\", service: api},\n"
                                "     {path: \"^/api/v1/auth\", service: auth}]}\n"
                                "  - {domain: api.dev.example.com, default_service: api, routes: "
                                "[{path: \"login\", service: auth}]}\n"
                                "  - {domain: app.dev.example.com, default_service: web}\n"
                                "  - {domain: shop.example.org, default_service: web, routes: "
                                "[{path: \"^/auth$\", service: auth}]}\n"
                                "  - {domain: b2b.shop.example.org, default_service: api}\n"
                                "cache_routes: [\"^/edge-static/\"]\n";

static void put_sessions(struct route_bed *b)
{
    bed_put(b, "slim", "{\"services\":{\"web\":\"http://slim-web\",\"api\":{\"tunnel\":true}}}");
    bed_put(b, "mary",
            "{\"services\":{\"api\":{\"url\":\"http://mary-api\"},"
            "\"extra\":\"http://mary-extra\",\"search\":\"http://mary-search\"}}");
    /* Domains of its own: one outside, one that is the edge's too, one that no other session has a
     * service for. */
    bed_put(b, "paul",
            "{\"services\":{\"auth\":\"http://paul-auth\",\"admin\":\"http://paul-admin\"},"
            "\"domains\":["
            "{\"domain\":\"paul.example.net\",\"default_service\":\"admin\",\"routes\":"
            "[{\"path\":\"^/w\",\"service\":\"web\"}]},"
            "{\"domain\":\"shop.example.org\",\"default_service\":\"admin\"},"
            "{\"domain\":\"admin.dev.example.com\",\"default_service\":\"admin\",\"routes\":"
            "[{\"path\":\"^/login\",\"service\":\"auth\"}]}]}");
    bed_put(b, "empty", "{}");
    bed_put(b, "a-b", "{\"services\":{\"web\":\"http://ab-web\"}}");
}

static int setup(void **state)
{
    struct route_bed *b = mem_zalloc(sizeof *b);
    bed_init(b, edge_yaml);
    put_sessions(b);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    bed_deinit(*state);
    mem_free(*state);
    return 0;
}

struct row {
    const char *host, *path, *context, *want;
};

static void check_rows(struct route_bed *b, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct route_result r;
        char got[512];
        bed_route(b, rows[i].host, rows[i].path, rows[i].context, &r);
        bed_describe(&r, got, sizeof got);
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("%s%s [%s]: \"%s\", not \"%s\"", rows[i].host, rows[i].path, rows[i].context,
                     got, rows[i].want);
    }
}
#define CHECK_ROWS(b, rows) check_rows(b, rows, ARRAY_LEN(rows))

static void hosts_without_session(void **state)
{
    static const struct row rows[] = {
        {"edge.dev.example.com", "/", "", "edge -"},
        {"EDGE.dev.Example.com.:8443", "/v1/sessions", "b=linkup-session=slim", "edge -"},
        /* domains */
        {"dev.example.com", "/", "", "- web/default http://web:3000"},
        {"dev.example.com:443", "/", "", "- web/default http://web:3000"},
        {"dev.example.com.", "/", "", "- web/default http://web:3000"},
        {"DEV.EXAMPLE.COM", "/x", "", "- web/default http://web:3000"},
        {"dev.example.com", "/api/users", "", "- api/route http://api:9000"},
        {"api.dev.example.com", "/", "", "- api/default http://api:9000"},
        {"api.dev.example.com", "/x/login/y", "", "- auth/route http://auth/base/path"},
        {"app.dev.example.com", "/", "", "- web/default http://web:3000"},
        {"shop.example.org", "/", "", "- web/default http://web:3000"},
        {"shop.example.org", "/auth", "", "- auth/route http://auth/base/path"},
        {"shop.example.org", "/auth2", "", "- web/default http://web:3000"},
        /* a domain before a session's label: b2b would be one of shop.example.org */
        {"b2b.shop.example.org", "/", "", "- api/default http://api:9000"},
        /* services */
        {"web.dev.example.com", "/", "", "- web/label http://web:3000"},
        {"auth.dev.example.com", "/", "", "- auth/label http://auth/base/path"},
        {"web.dev.example.com", "/api/x", "", "- web/label http://web:3000"},
        /* none of them */
        {"example.com", "/", "", "unknown-host -"},
        {"com", "/", "", "unknown-host -"},
        {"notdev.example.com", "/", "", "unknown-host -"},
        {"xdev.example.com", "/", "b=linkup-session=slim", "unknown-host slim@baggage"},
        {"dev.example.com.evil.net", "/", "", "unknown-host -"},
        {"notshop.example.org", "/", "", "unknown-host -"},
        {"192.0.2.1", "/", "", "unknown-host -"},
        {"[2001:db8::1]:443", "/", "", "unknown-host -"},
        {"localhost", "/", "", "unknown-host -"},
        {"x.y.z.dev.example.com", "/", "", "unknown-host -"},
        {"foo.edge.dev.example.com", "/", "", "unknown-host -"},
        {"foo--edge.dev.example.com", "/", "", "unknown-host -"},
        {"-web.dev.example.com", "/", "", "unknown-host -"},
        {"_web.dev.example.com", "/", "", "unknown-host -"},
        /* 41 and 64 characters are no session's name */
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.dev.example.com", "/", "",
         "unknown-service - aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
        {"web.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.dev.example.com", "/", "",
         "unknown-host -"},
    };
    CHECK_ROWS(*state, rows);
}

static void hosts_with_session(void **state)
{
    static const struct row rows[] = {
        /* <session>.<domain> */
        {"slim.dev.example.com", "/", "", "slim@host web/default http://slim-web"},
        {"SLIM.dev.example.com:8443", "/", "", "slim@host web/default http://slim-web"},
        {"slim.dev.example.com", "/api/x", "", "slim@host api/route tunnel"},
        {"slim.api.dev.example.com", "/", "", "slim@host api/default tunnel"},
        {"slim.api.dev.example.com", "/login", "", "slim@host auth/route http://auth/base/path"},
        {"slim.app.dev.example.com", "/", "", "slim@host web/default http://slim-web"},
        {"slim.shop.example.org", "/", "", "slim@host web/default http://slim-web"},
        {"slim.b2b.shop.example.org", "/", "", "slim@host api/default tunnel"},
        {"empty.dev.example.com", "/", "", "empty@host web/default http://web:3000"},
        /* <service>.<session>.<zone> */
        {"web.slim.dev.example.com", "/", "", "slim@host web/label http://slim-web"},
        {"api.slim.dev.example.com", "/", "", "slim@host api/label tunnel"},
        {"auth.slim.dev.example.com", "/", "", "slim@host auth/label http://auth/base/path"},
        {"extra.mary.dev.example.com", "/", "", "mary@host extra/label http://mary-extra"},
        {"extra.slim.dev.example.com", "/", "", "unknown-service slim@host extra"},
        {"nope.slim.dev.example.com", "/", "", "unknown-service slim@host nope"},
        {"_x.slim.dev.example.com", "/", "", "unknown-service slim@host _x"},
        /* the routes of the domain <service>.<zone>, where there is one */
        {"api.slim.dev.example.com", "/login", "", "slim@host auth/route http://auth/base/path"},
        {"api.paul.dev.example.com", "/login", "", "paul@host auth/route http://paul-auth"},
        /* ... whose default stands in where the label is no service */
        {"app.slim.dev.example.com", "/", "", "slim@host web/default http://slim-web"},
        /* in one label */
        {"web--slim.dev.example.com", "/", "", "slim@host web/label http://slim-web"},
        {"api--slim.dev.example.com", "/login", "", "slim@host auth/route http://auth/base/path"},
        {"app--slim.dev.example.com", "/", "", "slim@host web/default http://slim-web"},
        {"extra--mary.dev.example.com", "/", "", "mary@host extra/label http://mary-extra"},
        {"web--a-b.dev.example.com", "/", "", "a-b@host web/label http://ab-web"},
        {"web.a-b.dev.example.com", "/", "", "a-b@host web/label http://ab-web"},
        {"nope--slim.dev.example.com", "/", "", "unknown-service slim@host nope"},
        {"--slim.dev.example.com", "/", "", "unknown-host -"},
        {"web--.dev.example.com", "/", "", "unknown-host -"},
        {"web---slim.dev.example.com", "/", "", "unknown-host -"},
        {"x--web--slim.dev.example.com", "/", "", "unknown-host -"},
        /* one label only below the zone, none below other domains */
        {"web.slim.shop.example.org", "/", "", "unknown-host -"},
        {"web--slim.shop.example.org", "/", "", "unknown-host -"},
        {"a.web.slim.dev.example.com", "/", "", "unknown-host -"},
    };
    CHECK_ROWS(*state, rows);
}

static void dead_sessions_are_never_shared(void **state)
{
    static const struct row rows[] = {
        {"gone.dev.example.com", "/", "", "unknown-session gone@host"},
        {"gone.dev.example.com", "/api/x", "", "unknown-session gone@host"},
        {"web.gone.dev.example.com", "/", "", "unknown-session gone@host"},
        {"web--gone.dev.example.com", "/", "", "unknown-session gone@host"},
        {"gone.api.dev.example.com", "/", "", "unknown-session gone@host"},
        {"gone.shop.example.org", "/", "", "unknown-session gone@host"},
        /* whatever else the request says */
        {"gone.dev.example.com", "/", "b=linkup-session=slim", "unknown-session gone@host"},
        {"web.gone.dev.example.com", "/", "t=linkup-session=slim", "unknown-session gone@host"},
        {"gone.shop.example.org", "/", "o=https://slim.dev.example.com",
         "unknown-session gone@host"},
        /* a label below the zone that is no service: an old link */
        {"wbe.dev.example.com", "/", "", "unknown-session wbe@host"},
        {"slim2.dev.example.com", "/", "", "unknown-session slim2@host"},
        {"web.web.dev.example.com", "/", "", "unknown-session web@host"},
        /* names of sessions are matched whole */
        {"sli.dev.example.com", "/", "", "unknown-session sli@host"},
    };
    CHECK_ROWS(*state, rows);
}

static void context(void **state)
{
    static const struct row rows[] = {
        {"web.dev.example.com", "/", "b=linkup-session=slim",
         "slim@baggage web/label http://slim-web"},
        {"dev.example.com", "/", "b=linkup-session=slim",
         "slim@baggage web/default http://slim-web"},
        {"dev.example.com", "/api/", "b=linkup-session=slim", "slim@baggage api/route tunnel"},
        {"api.dev.example.com", "/", "b=linkup-session=mary",
         "mary@baggage api/default http://mary-api"},
        {"auth.dev.example.com", "/", "b=linkup-session=mary",
         "mary@baggage auth/label http://auth/base/path"},
        {"web.dev.example.com", "/", "b=linkup-session=%73lim",
         "slim@baggage web/label http://slim-web"},
        {"web.dev.example.com", "/", "t=linkup-session=slim",
         "slim@tracestate web/label http://slim-web"},
        {"web.dev.example.com", "/", "r=https://slim.dev.example.com/a?b#c",
         "slim@referer web/label http://slim-web"},
        {"web.dev.example.com", "/", "o=https://slim.dev.example.com",
         "slim@origin web/label http://slim-web"},
        /* every form of host that names a session */
        {"web.dev.example.com", "/", "r=https://api.slim.dev.example.com:8443/",
         "slim@referer web/label http://slim-web"},
        {"web.dev.example.com", "/", "r=https://api--slim.dev.example.com/",
         "slim@referer web/label http://slim-web"},
        {"web.dev.example.com", "/", "o=https://SLIM.Shop.Example.ORG:444",
         "slim@origin web/label http://slim-web"},
        {"web.dev.example.com", "/", "o=https://paul.paul.example.net",
         "paul@origin web/label http://web:3000"},
        /* hosts that do not */
        {"web.dev.example.com", "/", "r=https://api.dev.example.com/",
         "- web/label http://web:3000"},
        {"web.dev.example.com", "/", "r=https://slim.example.net/", "- web/label http://web:3000"},
        {"web.dev.example.com", "/", "r=https://web.slim.shop.example.org/",
         "- web/label http://web:3000"},
        {"web.dev.example.com", "/", "r=https://slim.dev.example.com.evil.net/",
         "- web/label http://web:3000"},
        {"web.dev.example.com", "/", "r=https://u@slim.dev.example.com/",
         "- web/label http://web:3000"},
        /* a referer of a session while the host is another domain (iframes) */
        {"shop.example.org", "/", "r=https://slim.dev.example.com/",
         "slim@referer web/default http://slim-web"},
        /* order: baggage, tracestate, referer, origin */
        {"web.dev.example.com", "/",
         "o=https://a-b.dev.example.com|r=https://paul.dev.example.com/|t=linkup-session=mary|"
         "b=linkup-session=slim",
         "slim@baggage web/label http://slim-web"},
        {"web.dev.example.com", "/",
         "o=https://a-b.dev.example.com|r=https://paul.dev.example.com/|t=linkup-session=mary",
         "mary@tracestate web/label http://web:3000"},
        {"web.dev.example.com", "/",
         "o=https://a-b.dev.example.com|r=https://paul.dev.example.com/",
         "paul@referer web/label http://web:3000"},
        /* the first that lives */
        {"web.dev.example.com", "/", "b=linkup-session=gone|t=linkup-session=slim",
         "slim@tracestate web/label http://slim-web"},
        {"web.dev.example.com", "/",
         "b=linkup-session=gone|t=linkup-session=gone2|r=https://gone.dev.example.com/|"
         "o=https://slim.dev.example.com",
         "slim@origin web/label http://slim-web"},
        {"web.dev.example.com", "/", "b=linkup-session=gone", "- web/label http://web:3000"},
        {"web.dev.example.com", "/", "b=linkup-session=SLIM", "- web/label http://web:3000"},
        {"web.dev.example.com", "/", "b=linkup-session=", "- web/label http://web:3000"},
        {"web.dev.example.com", "/", "b=linkup-session=sl%00im", "- web/label http://web:3000"},
        /* keys are matched whole */
        {"web.dev.example.com", "/", "b=my-linkup-session=slim", "- web/label http://web:3000"},
        {"web.dev.example.com", "/", "b=linkup-session=slimx", "- web/label http://web:3000"},
        {"web.dev.example.com", "/", "t=x@linkup-session=slim", "- web/label http://web:3000"},
        /* a host that names a live session has the last word */
        {"web.slim.dev.example.com", "/", "b=linkup-session=mary",
         "slim@host web/label http://slim-web"},
        {"mary.dev.example.com", "/api/", "b=linkup-session=slim",
         "mary@host api/route http://mary-api"},
        /* a service that only the context's session knows */
        {"extra.dev.example.com", "/", "b=linkup-session=mary",
         "mary@baggage extra/label http://mary-extra"},
        {"extra.dev.example.com", "/", "b=linkup-session=slim", "unknown-session extra@host"},
        {"extra.dev.example.com", "/", "", "unknown-session extra@host"},
    };
    CHECK_ROWS(*state, rows);
}

static void domains_of_sessions(void **state)
{
    static const struct row rows[] = {
        /* known by the host's label */
        {"paul.paul.example.net", "/", "", "paul@host admin/default http://paul-admin"},
        {"paul.paul.example.net", "/w", "", "paul@host web/route http://web:3000"},
        /* its own before the edge's of the same name */
        {"paul.shop.example.org", "/", "", "paul@host admin/default http://paul-admin"},
        {"paul.shop.example.org", "/auth", "", "paul@host admin/default http://paul-admin"},
        /* by the context */
        {"paul.example.net", "/", "b=linkup-session=paul",
         "paul@baggage admin/default http://paul-admin"},
        {"shop.example.org", "/auth", "t=linkup-session=paul",
         "paul@tracestate admin/default http://paul-admin"},
        {"admin.dev.example.com", "/", "b=linkup-session=paul",
         "paul@baggage admin/default http://paul-admin"},
        {"admin.dev.example.com", "/login", "b=linkup-session=paul",
         "paul@baggage auth/route http://paul-auth"},
        /* the routes of its domain <service>.<zone> */
        {"admin.paul.dev.example.com", "/login", "", "paul@host auth/route http://paul-auth"},
        {"admin--paul.dev.example.com", "/", "", "paul@host admin/label http://paul-admin"},
        /* and to nobody else */
        {"paul.example.net", "/", "", "unknown-host -"},
        {"paul.example.net", "/", "b=linkup-session=slim", "unknown-host slim@baggage"},
        {"slim.paul.example.net", "/", "", "unknown-host -"},
        {"slim.paul.example.net", "/", "b=linkup-session=paul", "unknown-host paul@baggage"},
        {"slim.shop.example.org", "/auth", "", "slim@host auth/route http://auth/base/path"},
        {"shop.example.org", "/auth", "b=linkup-session=slim",
         "slim@baggage auth/route http://auth/base/path"},
        {"admin.dev.example.com", "/", "", "unknown-session admin@host"},
        {"gone.paul.example.net", "/", "", "unknown-host -"},
    };
    CHECK_ROWS(*state, rows);
}

/* A domain of the zone is a name that a session may get later: it must not take that one's hosts. */
static void domains_take_no_other_sessions_hosts(void **state)
{
    struct route_bed *b = *state;
    static const struct row before[] = {
        {"admin.dev.example.com", "/", "b=linkup-session=paul",
         "paul@baggage admin/default http://paul-admin"},
        {"paul.admin.dev.example.com", "/", "", "paul@host admin/default http://paul-admin"},
    };
    static const struct row after[] = {
        {"admin.dev.example.com", "/", "b=linkup-session=paul",
         "admin@host web/default http://admin-web"},
        {"web.admin.dev.example.com", "/", "b=linkup-session=paul",
         "admin@host web/label http://admin-web"},
        {"paul.admin.dev.example.com", "/", "", "admin@host paul/label http://admin-paul"},
    };
    CHECK_ROWS(b, before);
    bed_put(b, "admin",
            "{\"services\":{\"web\":\"http://admin-web\",\"paul\":\"http://admin-paul\"}}");
    CHECK_ROWS(b, after);
}

/* A session made before a service or a domain of its name was configured. */
static void names_that_collide_later(void **state)
{
    struct route_bed *b = *state;
    bed_put_stored(b, "auth", "\"services\":{\"web\":\"http://old-auth-web\"}");
    bed_put_stored(b, "api", "\"services\":{\"web\":\"http://old-api-web\"}");
    static const struct row rows[] = {
        /* a session's label before a service's */
        {"auth.dev.example.com", "/", "", "auth@host web/default http://old-auth-web"},
        /* a domain before a session's label */
        {"api.dev.example.com", "/", "", "- api/default http://api:9000"},
        {"slim.api.dev.example.com", "/", "", "slim@host api/default tunnel"},
        {"web.api.dev.example.com", "/", "", "unknown-session web@host"},
    };
    CHECK_ROWS(b, rows);
}

static void zone_that_is_no_domain(void **state)
{
    struct route_bed b;
    bed_init(&b, "zone: z.test\n"
                 "services: [{name: web, url: \"http://web\"}, {name: api, url: \"http://api\"}]\n"
                 "domains: [{domain: web.z.test, default_service: web, routes: "
                 "[{path: ^/api, service: api}]}, {domain: q.test, default_service: web}]\n");
    bed_put(&b, "slim", "{\"services\":{\"web\":\"http://slim\",\"extra\":\"http://slim-extra\"}}");
    static const struct row rows[] = {
        {"z.test", "/", "", "unknown-host -"},
        {"web.z.test", "/", "", "- web/default http://web"},
        {"web.z.test", "/api", "", "- api/route http://api"},
        {"api.z.test", "/", "", "- api/label http://api"},
        {"nope.z.test", "/", "", "unknown-service - nope"},
        {"nope.z.test", "/", "b=linkup-session=slim", "unknown-service slim@baggage nope"},
        {"extra.z.test", "/", "b=linkup-session=slim",
         "slim@baggage extra/label http://slim-extra"},
        {"extra.z.test", "/", "", "unknown-service - extra"},
        /* <session>.<zone> is no form here */
        {"slim.z.test", "/", "", "unknown-service - slim"},
        {"api.z.test", "/", "r=https://slim.z.test/", "- api/label http://api"},
        {"slim.q.test", "/", "", "slim@host web/default http://slim"},
        {"web.slim.z.test", "/", "", "slim@host web/label http://slim"},
        {"web.slim.z.test", "/api", "", "slim@host api/route http://api"},
        {"slim.web.z.test", "/", "", "slim@host web/default http://slim"},
        {"web--slim.z.test", "/", "", "slim@host web/label http://slim"},
        {"web.gone.z.test", "/", "", "unknown-session gone@host"},
        {"gone.web.z.test", "/", "", "unknown-session gone@host"},
        {"gone.q.test", "/", "", "unknown-session gone@host"},
    };
    CHECK_ROWS(&b, rows);
    bed_deinit(&b);
}

static void session_required(void **state)
{
    struct route_bed b;
    bed_init(&b, "zone: z.test\nrequire_session: true\n"
                 "services: [{name: web, url: \"http://web\"}]\n"
                 "domains: [{domain: z.test, default_service: web}]\n");
    bed_put(&b, "slim", "{}");
    static const struct row rows[] = {
        {"z.test", "/", "", "session-required -"},
        {"web.z.test", "/", "", "session-required -"},
        {"web.z.test", "/", "b=linkup-session=gone", "session-required -"},
        {"web.z.test", "/", "b=linkup-session=slim", "slim@baggage web/label http://web"},
        {"slim.z.test", "/", "", "slim@host web/default http://web"},
        {"gone.z.test", "/", "", "unknown-session gone@host"},
        {"edge.z.test", "/", "", "edge -"},
        {"nope.test", "/", "", "unknown-host -"},
    };
    CHECK_ROWS(&b, rows);
    bed_deinit(&b);
}

/* What a change of sessions does to the table is in force with the next request. */
static void sessions_come_and_go(void **state)
{
    struct route_bed *b = *state;
    static const struct row none[] = {
        {"web.new.dev.example.com", "/", "", "unknown-session new@host"},
        {"web.dev.example.com", "/", "b=linkup-session=new", "- web/label http://web:3000"}};
    static const struct row first[] = {
        {"web.new.dev.example.com", "/", "", "new@host web/label http://one"}};
    static const struct row second[] = {
        {"web.new.dev.example.com", "/", "", "new@host web/label http://two"}};
    CHECK_ROWS(b, none);
    bed_put(b, "new", "{\"services\":{\"web\":\"http://one\"}}");
    CHECK_ROWS(b, first);
    bed_put(b, "new", "{\"services\":{\"web\":\"http://two\"}}");
    CHECK_ROWS(b, second);
    route_table_remove(&b->table, SPAN_LIT("new"));
    CHECK_ROWS(b, none);
}

static void falls_back_when_allowed(void **state)
{
    struct route_bed *b = *state;
    struct route_result r;
    bed_put(b, "fb",
            "{\"services\":{\"web\":{\"tunnel\":true,\"fallback\":\"shared\"},"
            "\"api\":{\"url\":\"http://fb\",\"fallback\":\"none\"},"
            "\"own\":{\"tunnel\":true,\"fallback\":\"shared\"}}}");
    bed_route(b, "web.fb.dev.example.com", "/", "", &r);
    assert_int_equal(r.outcome, ROUTE_TO_TUNNEL);
    assert_true(route_fall_back(&r));
    assert_int_equal(r.outcome, ROUTE_TO_BACKEND);
    assert_int_equal(r.place, PLACE_SHARED);
    assert_true(r.fell_back);
    assert_false(route_may_fall_back(&r)); /* not twice */
    assert_string_equal(r.backend->to.url, "http://web:3000");
    assert_non_null(r.session);

    bed_route(b, "api.fb.dev.example.com", "/", "", &r);
    assert_false(route_fall_back(&r));
    assert_string_equal(r.backend->to.url, "http://fb");
    bed_route(b, "own.fb.dev.example.com", "/", "", &r); /* no shared copy to fall back to */
    assert_false(route_fall_back(&r));
    bed_route(b, "web.dev.example.com", "/", "", &r);
    assert_false(route_fall_back(&r));
}

static void same_session(void **state)
{
    static const struct {
        const char *host, *context, *other;
        bool want;
    } rows[] = {
        {"api.slim.dev.example.com", "", "web.slim.dev.example.com", true},
        {"api.slim.dev.example.com", "", "slim.dev.example.com:8443", true},
        {"api.slim.dev.example.com", "", "SLIM.shop.example.org", true},
        {"api.slim.dev.example.com", "", "web--slim.dev.example.com", true},
        {"api.slim.dev.example.com", "", "web.mary.dev.example.com", false},
        {"api.slim.dev.example.com", "", "web.dev.example.com", false},
        {"api.slim.dev.example.com", "", "slim.example.com", false},
        {"api.slim.dev.example.com", "", "", false},
        {"api.slim.dev.example.com", "", "a b", false},
        {"api.dev.example.com", "o=https://slim.dev.example.com", "slim.dev.example.com", true},
        {"api.dev.example.com", "b=linkup-session=mary", "slim.dev.example.com", false},
        {"api.dev.example.com", "", "web.dev.example.com", false},
        {"api.gone.dev.example.com", "", "web.gone.dev.example.com", false},
    };
    struct route_bed *b = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct route_result r;
        bed_route(b, rows[i].host, "/", rows[i].context, &r);
        if (route_same_session(&b->table, &r, span_str(rows[i].other)) != rows[i].want)
            fail_msg("%s and %s", rows[i].host, rows[i].other);
    }
}

static void rule_in_words(void **state)
{
    static const struct {
        const char *host, *path, *context, *want;
    } rows[] = {
        {"web.slim.dev.example.com", "/", "", "session by host; service by host; override"},
        {"slim.dev.example.com", "/api/", "",
         "session by host; service by route ^/api/ of dev.example.com; tunnel"},
        {"dev.example.com", "/", "", "no session; service by default of dev.example.com; shared"},
        {"web.dev.example.com", "/", "b=linkup-session=slim",
         "session by baggage; service by host; override"},
        {"web.dev.example.com", "/", "t=linkup-session=slim",
         "session by tracestate; service by host; override"},
        {"web.dev.example.com", "/", "r=http://slim.dev.example.com",
         "session by referer; service by host; override"},
        {"web.dev.example.com", "/", "o=http://slim.dev.example.com",
         "session by origin; service by host; override"},
        {"edge.dev.example.com", "/", "", "the edge itself"},
        {"nowhere.test", "/", "", "unknown host"},
        {"gone.dev.example.com", "/", "", "session by host; it does not live"},
        {"x.slim.dev.example.com", "/", "", "session by host; service by host; no such service"},
        {"odd.dev.example.com", "/\xc3\xbc", "b=linkup-session=even",
         "session by baggage; service by route ^/?? of odd.dev.example.com; override"},
    };
    struct route_bed *b = *state;
    bed_put(b, "even",
            "{\"services\":{\"odd\":\"http://o\"},\"domains\":[{\"domain\":"
            "\"odd.dev.example.com\",\"default_service\":\"odd\",\"routes\":"
            "[{\"path\":\"^/\xc3\xbc\",\"service\":\"odd\"}]}]}");
    struct arena arena;
    arena_init(&arena, NULL, 0, 65536);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct route_result r;
        bed_route(b, rows[i].host, rows[i].path, rows[i].context, &r);
        struct span got = route_rule(&r, &arena);
        if (!span_eq(got, span_str(rows[i].want)))
            fail_msg("\"" SPAN_FMT "\", not \"%s\"", SPAN_ARG(got), rows[i].want);
    }
    arena_deinit(&arena);
}

/* No room: nothing rather than half a sentence. */
static void rule_without_room(void **state)
{
    struct arena arena;
    struct route_result r;
    bed_route(*state, "slim.dev.example.com", "/api/", "", &r);
    arena_init(&arena, NULL, 0, 0);
    assert_int_equal(route_rule(&r, &arena).len, 0);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_without_session),
        cmocka_unit_test(hosts_with_session),
        cmocka_unit_test(dead_sessions_are_never_shared),
        cmocka_unit_test(context),
        cmocka_unit_test(domains_of_sessions),
        cmocka_unit_test_setup_teardown(domains_take_no_other_sessions_hosts, setup, teardown),
        cmocka_unit_test_setup_teardown(names_that_collide_later, setup, teardown),
        cmocka_unit_test(zone_that_is_no_domain),
        cmocka_unit_test(session_required),
        cmocka_unit_test_setup_teardown(sessions_come_and_go, setup, teardown),
        cmocka_unit_test_setup_teardown(falls_back_when_allowed, setup, teardown),
        cmocka_unit_test(same_session),
        cmocka_unit_test_setup_teardown(rule_in_words, setup, teardown),
        cmocka_unit_test(rule_without_room),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
