#include "unit/sessions/route_bed.h"

static const char edge_yaml[] = "zone: z.test\n"
                                "services: [{name: web, url: \"http://web\"}]\n"
                                "domains: [{domain: z.test, default_service: web}]\n";

static int setup(void **state)
{
    struct route_bed *b = mem_zalloc(sizeof *b);
    bed_init(b, edge_yaml);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    bed_deinit(*state);
    mem_free(*state);
    return 0;
}

static void puts_finds_removes(void **state)
{
    struct route_bed *b = *state;
    struct route_table *t = &b->table;
    assert_int_equal(route_table_count(t), 0);
    assert_null(route_table_find(t, SPAN_LIT("slim")));
    bed_put(b, "slim", "{}");
    bed_put(b, "mary", "{}");
    assert_int_equal(route_table_count(t), 2);
    assert_span(route_table_find(t, SPAN_LIT("slim"))->image->name, "slim");
    assert_null(route_table_find(t, SPAN_LIT("sli")));
    route_table_remove(t, SPAN_LIT("slim"));
    route_table_remove(t, SPAN_LIT("slim")); /* is not there: nothing */
    assert_null(route_table_find(t, SPAN_LIT("slim")));
    assert_int_equal(route_table_count(t), 1);
}

static void replaces(void **state)
{
    struct route_bed *b = *state;
    bed_put(b, "slim", "{\"owner\":\"one\"}");
    struct session_entry *old = route_table_find(&b->table, SPAN_LIT("slim"));
    old->used_ms = 77;
    bed_put(b, "slim", "{\"owner\":\"two\"}");
    struct session_entry *now = route_table_find(&b->table, SPAN_LIT("slim"));
    assert_string_equal(now->image->session->owner, "two");
    assert_int_equal(now->used_ms, 77);
    assert_int_equal(route_table_count(&b->table), 1);
}

/* Under ASan: nothing is freed too early, nothing is left over. */
static void pinned_entries_outlive_the_table(void **state)
{
    struct route_bed b;
    bed_init(&b, edge_yaml);
    bed_put(&b, "a", "{\"owner\":\"a1\"}");
    bed_put(&b, "b", "{\"owner\":\"b1\"}");
    struct session_entry *a = route_table_find(&b.table, SPAN_LIT("a"));
    struct session_entry *a_again = a;
    session_entry_pin(a);
    session_entry_pin(a_again);
    struct session_entry *kept = route_table_find(&b.table, SPAN_LIT("b"));
    session_entry_pin(kept);

    bed_put(&b, "a", "{\"owner\":\"a2\"}");
    assert_true(a->gone);
    assert_string_equal(a->image->session->owner, "a1");
    assert_string_equal(route_table_find(&b.table, SPAN_LIT("a"))->image->session->owner, "a2");
    session_entry_unpin(a);
    assert_string_equal(a->image->session->owner, "a1");
    session_entry_unpin(a_again);

    assert_false(kept->gone);
    bed_deinit(&b);
    assert_true(kept->gone);
    assert_string_equal(kept->image->session->owner, "b1");
    session_entry_unpin(kept);
}

static void unpinned_entries_stay_in_the_table(void **state)
{
    struct route_bed *b = *state;
    bed_put(b, "slim", "{}");
    struct session_entry *e = route_table_find(&b->table, SPAN_LIT("slim"));
    session_entry_pin(e);
    session_entry_unpin(e);
    assert_ptr_equal(route_table_find(&b->table, SPAN_LIT("slim")), e);
}

static void unpin_too_often(void *arg)
{
    struct session_entry *e = arg;
    session_entry_unpin(e);
}

static void unpinning_twice_is_a_bug(void **state)
{
    struct route_bed *b = *state;
    bed_put(b, "slim", "{}");
    assert_true(test_aborts(unpin_too_often, route_table_find(&b->table, SPAN_LIT("slim"))));
}

/* A new configuration keeps the sessions; results of the old image live as long as it is held. */
static void edge_is_swapped(void **state)
{
    struct route_bed *b = *state;
    struct route_result r;
    bed_put(b, "slim", "{}");
    bed_route(b, "web.slim.z.test", "/", "", &r);
    struct edge_image *old = edge_image_ref(b->table.edge);

    struct config *next = bed_config("zone: z.test\n"
                                     "services: [{name: web, url: \"http://next\"}]\n");
    struct edge_image *image = edge_image_new(next);
    route_table_set_edge(&b->table, image);
    route_table_set_edge(&b->table, image); /* the same again */
    edge_image_unref(image);
    config_unref(next);

    assert_string_equal(r.backend->to.url, "http://web");
    edge_image_unref(old);
    bed_route(b, "web.slim.z.test", "/", "", &r);
    assert_string_equal(r.backend->to.url, "http://next");
    bed_route(b, "z.test", "/", "", &r);
    assert_int_equal(r.outcome, ROUTE_UNKNOWN_HOST);
}

static void many_sessions(void **state)
{
    struct route_bed *b = *state;
    char name[32];
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "s-%d", i);
        bed_put(b, name, "{\"services\":{\"web\":\"http://w\"}}");
    }
    for (int i = 0; i < 5000; i += 2) {
        snprintf(name, sizeof name, "s-%d", i);
        route_table_remove(&b->table, span_str(name));
    }
    assert_int_equal(route_table_count(&b->table), 2500);
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "s-%d", i);
        assert_int_equal(route_table_find(&b->table, span_str(name)) != NULL, i % 2);
    }
}

static void edge_image_names(void **state)
{
    struct config *c = bed_config(
        "zone: z.test\n"
        "services: [{name: web, url: \"http://w\"}, {name: api, url: \"http://a\"}]\n"
        "domains: [{domain: a.test, default_service: web}, {domain: bb.a.test, default_service: "
        "api}, {domain: z.test, default_service: web}]\n");
    struct edge_image *i = edge_image_new(c);
    config_unref(c);
    assert_span(i->host, "edge.z.test");
    assert_string_equal(i->domains[0].domain, "bb.a.test");
    assert_string_equal(i->services[0].name, "api");
    assert_string_equal(edge_image_domain(i, SPAN_LIT("a.test"))->default_service, "web");
    assert_string_equal(edge_image_service(i, SPAN_LIT("api"))->backend.to.host, "a");
    assert_null(edge_image_domain(i, SPAN_LIT("test")));
    assert_null(edge_image_domain(i, (struct span){NULL, 0}));
    assert_null(edge_image_service(i, SPAN_LIT("ap")));
    edge_image_unref(i);
    edge_image_unref(NULL);
    session_image_unref(NULL);
}

/* What decides about a connection, and nothing else. */
static void backend_hashes(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"\"http://h\"", "\"http://h:80/base\"", true},
        {"\"http://h\"", "{\"url\":\"http://H\",\"host\":\"preserve\"}", true},
        {"\"http://h\"", "\"h2c://h\"", false},
        {"\"http://h\"", "\"http://h:81\"", false},
        {"\"http://h\"", "\"http://h2\"", false},
        {"\"https://h\"", "{\"url\":\"https://h\",\"tls\":{\"verify\":false}}", false},
        {"\"https://h\"", "{\"url\":\"https://h\",\"tls\":{\"server_name\":\"h\"}}", false},
        {"{\"url\":\"https://h\",\"tls\":{\"server_name\":\"x\"}}",
         "{\"url\":\"https://h/p\",\"tls\":{\"server_name\":\"x\"}}", true},
    };
    struct route_bed *b = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *text = mem_printf("{\"services\":{\"x\":%s,\"y\":%s}}", rows[i].a, rows[i].b);
        bed_put(b, "s", text);
        mem_free(text);
        const struct session_image *s = route_table_find(&b->table, SPAN_LIT("s"))->image;
        bool same = s->overrides[0].backend.hash == s->overrides[1].backend.hash;
        if (same != rows[i].same)
            fail_msg("%s and %s", rows[i].a, rows[i].b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(puts_finds_removes, setup, teardown),
        cmocka_unit_test_setup_teardown(replaces, setup, teardown),
        cmocka_unit_test(pinned_entries_outlive_the_table),
        cmocka_unit_test_setup_teardown(unpinned_entries_stay_in_the_table, setup, teardown),
        cmocka_unit_test_setup_teardown(unpinning_twice_is_a_bug, setup, teardown),
        cmocka_unit_test_setup_teardown(edge_is_swapped, setup, teardown),
        cmocka_unit_test_setup_teardown(many_sessions, setup, teardown),
        cmocka_unit_test(edge_image_names),
        cmocka_unit_test_setup_teardown(backend_hashes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
