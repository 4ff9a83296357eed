/* What one worker holds: certs/sni_store.h, certs/base_map.h. */
#include "certs/sni_store.h"

#include "certs/x509_make.h"
#include "unit/certs/certs_bed.h"

static CRYPTO_BUFFER *der;
static EVP_PKEY *key;
static struct sni_store store;

static int set_up_all(void **state)
{
    key = x509_make_key();
    X509 *x = x509_begin(key, NULL, NULL, bed_now() - 60, bed_now() + 600);
    assert_true(x509_add_base_names(x, "a." BED_ZONE) && X509_sign(x, key, EVP_sha256()));
    der = x509_to_buffer(x);
    X509_free(x);
    return 0;
}

static int tear_down_all(void **state)
{
    CRYPTO_BUFFER_free(der);
    EVP_PKEY_free(key);
    return 0;
}

static int set_up(void **state)
{
    sni_store_init(&store, BED_ZONE, 3);
    return 0;
}

static int tear_down(void **state)
{
    sni_store_deinit(&store);
    return 0;
}

/* Always the same leaf: only the base counts here. */
static struct cert *put(const char *base)
{
    struct cert *c;
    assert_ok(cert_new(base, &der, 1, key, &c));
    sni_store_put(&store, c);
    cert_unref(c);
    return c;
}

static bool has(const char *base)
{
    return sni_store_holds(&store, base);
}

static void the_least_recently_used_gives_way(void **state)
{
    put(BED_ZONE);
    put("a");
    put("b");
    put("c");
    assert_non_null(sni_store_find(&store, SPAN_LIT("a")));
    put("d");
    assert_true(has("a") && !has("b") && has("c") && has("d"));
    put("e");
    assert_true(has("a") && !has("c") && has("d") && has("e"));
    assert_true(has(BED_ZONE)); /* for good */
    assert_int_equal(store.made.n, 3);
}

static void a_successor_counts_once(void **state)
{
    for (int i = 0; i < 10; i++)
        put("a");
    assert_int_equal(store.made.n, 1);
    put("b");
    struct cert *again = put("a");
    put("c");
    put("d"); /* b is the oldest now */
    assert_true(has("a") && !has("b"));
    assert_ptr_equal(sni_store_find(&store, SPAN_LIT("a")), again);
}

static void what_is_dropped_is_gone(void **state)
{
    put("a");
    put("b");
    put("c");
    sni_store_drop(&store, SPAN_LIT("b"));
    sni_store_drop(&store, SPAN_LIT("b"));
    assert_true(has("a") && !has("b") && has("c"));
    sni_store_drop(&store, SPAN_LIT("a"));
    sni_store_drop(&store, SPAN_LIT("c"));
    assert_null(sni_store_find(&store, SPAN_LIT("c")));
    assert_int_equal(store.made.n, 0);
    put("d");
    assert_true(has("d"));
}

static void among_equal_files_the_first_wins(void **state)
{
    struct cert *files[3];
    static const char *const paths[] = {"/1", "/2", "/3"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        assert_ok(cert_new(paths[i], &der, 1, key, &files[i]));
    sni_store_set_files(&store, files, 3);
    assert_ptr_equal(sni_store_file_for(&store, SPAN_LIT("a." BED_ZONE)), files[0]);
    assert_ptr_equal(sni_store_file_for(&store, SPAN_LIT("x.a." BED_ZONE)), files[0]);
    assert_null(sni_store_file_for(&store, SPAN_LIT("y.x.a." BED_ZONE)));
    assert_null(sni_store_file_for(&store, SPAN_LIT(BED_ZONE)));
    assert_null(sni_store_file_for(&store, SPAN_LIT("com")));
    assert_null(sni_store_file_for(&store, SPAN_LIT("")));
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        cert_unref(files[i]);
}

/* Beside a plain list that says what should be there. */
static void many_come_and_go(void **state)
{
    struct base_map map;
    static struct base_node nodes[500];
    static char names[ARRAY_LEN(nodes)][16];
    static bool in[ARRAY_LEN(nodes)];
    base_map_init(&map, 8); /* long chains */
    uint32_t random = 1;
    size_t n = 0;
    for (int step = 0; step < 20000; step++) {
        random = random * 1664525u + 1013904223u;
        size_t i = (random >> 8) % ARRAY_LEN(nodes);
        if (!names[i][0])
            assert_true(snprintf(names[i], sizeof names[i], "s%zu.x", i) > 0);
        assert_true((base_map_find(&map, span_str(names[i])) == &nodes[i]) == in[i]);
        if (!in[i])
            base_map_add(&map, &nodes[i], names[i]);
        else if (random & 1)
            base_map_touch(&map, &nodes[i]);
        else
            base_map_remove(&map, &nodes[i]);
        n += !in[i];
        n -= in[i] && !(random & 1);
        bool stays = !in[i] || (random & 1);
        in[i] = stays;
        assert_int_equal(map.n, n);
        assert_true(!stays || map.newest == &nodes[i]);
    }
    while (map.oldest)
        base_map_remove(&map, map.oldest);
    assert_null(map.newest);
    assert_int_equal(map.n, 0);
    base_map_deinit(&map);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(the_least_recently_used_gives_way),
        T(a_successor_counts_once),
        T(what_is_dropped_is_gone),
        T(among_equal_files_the_first_wins),
        T(many_come_and_go),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
