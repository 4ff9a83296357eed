/* Connections counted by client address. */
#include "proxy/front/peers.h"

#include "support/test.h"

static struct peers peers;

static struct peer *join(const char *ip)
{
    struct addr a;
    assert_int_equal(addr_parse_ip(span_str(ip), 1, &a), ERR_OK);
    return peers_join(&peers, &a);
}

static void who_is_one_client(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1", "::ffff:192.0.2.1", true},
        {"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
        {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
        {"0.0.0.0", "::", false},
        {"::1", "::2", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        peers_init(&peers);
        struct peer *a = join(cases[i].a), *b = join(cases[i].b);
        assert_int_equal(a == b, cases[i].same);
        assert_int_equal(a->conns, cases[i].same ? 2 : 1);
        peers_leave(&peers, a);
        peers_leave(&peers, b);
        peers_deinit(&peers);
    }
}

static void the_last_one_takes_it_all_away(void **state)
{
    struct peer *all[100];
    peers_init(&peers);
    for (size_t i = 0; i < 100; i++)
        all[i] = join(i % 2 ? "192.0.2.1" : "2001:db8::1");
    assert_int_equal(table_count(&peers.by_key), 2);
    assert_int_equal(all[0]->conns, 50);
    for (size_t i = 0; i < 100; i++)
        peers_leave(&peers, all[i]);
    assert_int_equal(table_count(&peers.by_key), 0);
    peers_deinit(&peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_one_client),
        cmocka_unit_test(the_last_one_takes_it_all_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
