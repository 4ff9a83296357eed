#include "server/options.h"

#include <getopt.h>
#include <stdlib.h>

#include "core/mem.h"
#include "support/test.h"

struct line {
    const char *words[5];
    enum action action; /* when FINE */
    const char *config;
    bool fine;
};

static void try_line(const struct line *l)
{
    char *argv[7] = {(char *)(uintptr_t) "linkupd"};
    int argc = 1;
    for (; argc < 6 && l->words[argc - 1]; argc++)
        argv[argc] = mem_strdup(l->words[argc - 1]);
    struct options o = {0};
    optind = 0; /* the library begins anew */
    bool fine = options_parse(argc, argv, &o);
    assert_int_equal(fine, l->fine);
    if (fine) {
        assert_int_equal(o.action, l->action);
        if (l->config)
            assert_string_equal(o.config, l->config);
    }
    for (int i = 1; i < argc; i++)
        mem_free(argv[i]);
}

static void command_lines(void **state)
{
    (void)state;
    static const struct line lines[] = {
        {{"--config", "a.yaml"}, ACTION_RUN, "a.yaml", true},
        {{"--config=a.yaml"}, ACTION_RUN, "a.yaml", true},
        {{"-c", "a.yaml"}, ACTION_RUN, "a.yaml", true},
        {{"--check", "--config", "a.yaml"}, ACTION_CHECK, "a.yaml", true},
        {{"--config", "a.yaml", "--check"}, ACTION_CHECK, "a.yaml", true},
        {{"--dump", "-c", "a.yaml"}, ACTION_DUMP, "a.yaml", true},
        {{"--help"}, ACTION_HELP, NULL, true},
        {{"-h"}, ACTION_HELP, NULL, true},
        {{"--version"}, ACTION_VERSION, NULL, true},
        {{"--help-config"}, ACTION_KEYS, NULL, true},
        {{"--help-config=mdoc"}, ACTION_KEYS_MDOC, NULL, true},
        {{"--help-api"}, ACTION_CALLS, NULL, true},
        {{"--help-metrics"}, ACTION_METRICS, NULL, true},
        {{NULL}, 0, NULL, false},
        {{"--check"}, 0, NULL, false},
        {{"--config"}, 0, NULL, false},
        {{"--nonsense"}, 0, NULL, false},
        {{"--config", "a.yaml", "b.yaml"}, 0, NULL, false},
        {{"--help-config=html"}, 0, NULL, false},
    };
    unsetenv("LINKUPD_CONFIG");
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        try_line(&lines[i]);
}

static void the_environment_names_a_file_too(void **state)
{
    (void)state;
    static const struct line from_env = {{"--check"}, ACTION_CHECK, "env.yaml", true};
    static const struct line given = {{"-c", "a.yaml"}, ACTION_RUN, "a.yaml", true};
    setenv("LINKUPD_CONFIG", "env.yaml", 1);
    try_line(&from_env);
    try_line(&given);
    unsetenv("LINKUPD_CONFIG");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(command_lines),
        cmocka_unit_test(the_environment_names_a_file_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
