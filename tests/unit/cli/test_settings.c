#include "cli/settings.h"

#include <stdio.h>

#include "cli/cli.h"
#include "cli/login_file.h"
#include "support/test.h"

static const char *xdg, *home;

static char *fake_env(const char *name)
{
    const char *value = strcmp(name, "XDG_CONFIG_HOME") == 0 ? xdg
                        : strcmp(name, "HOME") == 0          ? home
                                                             : NULL;
    return (char *)(uintptr_t)value;
}

static void test_xdg_folder(void **state)
{
    static const struct {
        const char *xdg, *home, *folder;
    } cases[] = {
        {"/x", "/home/p", "/x/linkup"},
        {NULL, "/home/p", "/home/p/.config/linkup"},
        {"", "/home/p", "/home/p/.config/linkup"},
        {"relative", "/home/p", "/home/p/.config/linkup"},
        {"/x", NULL, "/x/linkup"},
        {NULL, NULL, NULL},
        {NULL, "", NULL},
        {"relative", "also", NULL},
    };
    struct arena arena;
    arena_init(&arena, NULL, 0, 65536);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        xdg = cases[i].xdg;
        home = cases[i].home;
        const char *folder = login_folder(&arena, fake_env);
        if (!cases[i].folder)
            assert_null(folder);
        else
            assert_string_equal(folder, cases[i].folder);
    }
    arena_deinit(&arena);
}

static void test_edges(void **state)
{
    static const struct {
        const char *text, *edge, *host, *zone;
    } good[] = {
        {"https://edge.dev.example.com", "https://edge.dev.example.com", "edge.dev.example.com",
         "dev.example.com"},
        {"HTTPS://Edge.Dev.Example.com:443/", "https://edge.dev.example.com",
         "edge.dev.example.com", "dev.example.com"},
        {"https://edge.linkup.test:8443", "https://edge.linkup.test:8443", "edge.linkup.test",
         "linkup.test"},
        {"https://localhost:1", "https://localhost:1", "localhost", NULL},
        {"https://[::1]:8443", "https://[::1]:8443", "::1", NULL},
    };
    struct cli c = {0};
    arena_init(&c.arena, NULL, 0, 65536);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct settings s = {0};
        const char *why = NULL;
        assert_true(settings_edge(&c, good[i].text, &s, &why));
        assert_string_equal(s.edge, good[i].edge);
        assert_string_equal(s.origin, good[i].edge);
        assert_string_equal(s.host, good[i].host);
        assert_null(s.unix_path);
        if (good[i].zone)
            assert_string_equal(s.zone, good[i].zone);
        else
            assert_null(s.zone);
    }
    arena_deinit(&c.arena);
}

static void test_bad_edges(void **state)
{
    static const char *const bad[] = {
        "",
        "edge.x",
        "http://edge.x",
        "h2c://edge.x",
        "https://",
        "https://edge.x/v1",
        "https://u:p@edge.x",
        "https://edge.x:0",
        "unix:",
        "https://edge.x?y",
        "https://edge.x#y",
    };
    struct cli c = {0};
    arena_init(&c.arena, NULL, 0, 65536);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct settings s = {0};
        const char *why = NULL;
        assert_false(settings_edge(&c, bad[i], &s, &why));
        assert_non_null(why);
    }
    arena_deinit(&c.arena);
}

static void test_unix_edge(void **state)
{
    struct cli c = {0};
    struct settings s = {0};
    const char *why;
    arena_init(&c.arena, NULL, 0, 65536);
    assert_true(settings_edge(&c, "unix:/", &s, &why));
    assert_string_equal(s.unix_path, "/");
    assert_true(settings_edge(&c, "unix:/no/such.sock", &s, &why));
    assert_string_equal(s.edge, "unix:/no/such.sock");
    assert_string_equal(s.origin, "http://localhost");
    assert_null(s.host);
    arena_deinit(&c.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_xdg_folder),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_bad_edges),
        cmocka_unit_test(test_unix_edge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
