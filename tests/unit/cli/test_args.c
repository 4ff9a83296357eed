#include "cli/args.h"

#include <stdlib.h>

#include "support/test.h"

struct fixture {
    struct arena arena;
    struct args args;
    struct args_fault fault;
};

static const char *env_name, *env_value;

static char *fake_env(const char *name)
{
    return env_name && strcmp(name, env_name) == 0 ? (char *)(uintptr_t)env_value : NULL;
}

static int setup(void **state)
{
    struct fixture *f = (struct fixture *)calloc(1, sizeof *f);
    arena_init(&f->arena, NULL, 0, (size_t)1 << 20);
    env_name = NULL;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = (struct fixture *)*state;
    arena_deinit(&f->arena);
    free(f);
    return 0;
}

/* LINE is split at blanks, after "linkup". */
static bool parse(struct fixture *f, const char *line)
{
    char **argv = (char **)arena_must_alloc(&f->arena, 32 * sizeof *argv);
    int argc = 1;
    argv[0] = arena_strz(&f->arena, SPAN_LIT("linkup"));
    struct span rest = span_str(line), word;
    while (span_split(&rest, ' ', &word))
        argv[argc++] = arena_strz(&f->arena, word);
    return args_parse(&f->args, &f->arena, argc, argv, fake_env, &f->fault);
}

static void test_global_flags_anywhere(void **state)
{
    struct fixture *f = (struct fixture *)*state;
    static const char *const lines[] = {
        "--edge https://e sessions ls --json",
        "sessions --json --edge=https://e ls",
        "sessions ls --json --edge https://e",
    };
    for (size_t i = 0; i < 3; i++) {
        assert_true(parse(f, lines[i]));
        assert_string_equal(f->args.command->name, "sessions ls");
        assert_string_equal(args_get(&f->args, "edge"), "https://e");
        assert_true(args_has(&f->args, "json"));
        assert_false(args_has(&f->args, "token"));
    }
}

static void test_alias(void **state)
{
    struct fixture *f = (struct fixture *)*state;
    assert_true(parse(f, "sessions delete a"));
    assert_string_equal(f->args.command->name, "sessions rm");
    assert_true(parse(f, "token list"));
    assert_string_equal(f->args.command->name, "token ls");
    assert_false(parse(f, "list"));
    assert_false(parse(f, "ca list"));
}

static void test_operands(void **state)
{
    struct fixture *f = (struct fixture *)*state;
    assert_true(parse(f, "sessions create peter web=http://x -- --odd"));
    assert_int_equal(f->args.n_operands, 3);
    assert_string_equal(f->args.operands[0], "peter");
    assert_string_equal(f->args.operands[2], "--odd");
    assert_true(parse(f, "explain -"));
    assert_string_equal(f->args.operands[0], "-");
}

static void test_repeated_flag(void **state)
{
    struct fixture *f = (struct fixture *)*state;
    assert_true(parse(f, "explain u -H a:1 --header b:2 -Hc:3"));
    assert_string_equal(args_nth(&f->args, "header", 0), "a:1");
    assert_string_equal(args_nth(&f->args, "header", 1), "b:2");
    assert_string_equal(args_nth(&f->args, "header", 2), "c:3");
    assert_null(args_nth(&f->args, "header", 3));
}

static void test_group_alone(void **state)
{
    struct fixture *f = (struct fixture *)*state;
    assert_true(parse(f, "sessions"));
    assert_null(f->args.command);
    assert_string_equal(f->args.group, "sessions");
    assert_true(parse(f, ""));
    assert_null(f->args.group);
}

static void test_help_does_not_count_operands(void **state)
{
    struct fixture *f = (struct fixture *)*state;
    assert_true(parse(f, "sessions show --help"));
    assert_true(parse(f, "sessions show -h a b c"));
    assert_false(parse(f, "sessions show"));
}

static void test_faults(void **state)
{
    struct fixture *f = (struct fixture *)*state;
    static const struct {
        const char *line, *says;
    } faults[] = {
        {"statu", "did you mean `linkup status`"},
        {"session ls", "did you mean `linkup sessions`"},
        {"sessions shwo a", "did you mean `linkup sessions show`"},
        {"ca sessions", "unknown command \"ca sessions\""},
        {"status --jsn", "did you mean --json"},
        {"status --ttl 7d", "unknown flag --ttl"},
        {"--ttl=7d sessions create", "after its name"},
        {"status --edge", "--edge needs a value: --edge URL"},
        {"status --json=1", "is a switch"},
        {"status --timeout 1 --timeout 2", "given twice"},
        {"status -q", "unknown flag -q"},
        {"status -hx", "stand alone"},
        {"status extra", "takes no operands"},
        {"explain", "too few"},
        {"explain a b", "too many"},
        {"--secret=hunter2 status", "unknown flag --secret"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        assert_false(parse(f, faults[i].line));
        assert_int_equal(f->fault.exit, EXIT_USAGE);
        if (!strstr(f->fault.text, faults[i].says))
            fail_msg("%s: %s", faults[i].line, f->fault.text);
        assert_null(strstr(f->fault.text, "hunter2"));
    }
}

static void test_environment_twins(void **state)
{
    struct fixture *f = (struct fixture *)*state;
    env_name = "LINKUP_TOKEN_FILE";
    env_value = "/t";
    assert_true(parse(f, "status"));
    assert_string_equal(args_get(&f->args, "token-file"), "/t");
    assert_true(parse(f, "status --token-file /other"));
    assert_string_equal(args_get(&f->args, "token-file"), "/other");
    env_value = "";
    assert_true(parse(f, "status"));
    assert_false(args_has(&f->args, "token-file"));

    /* A command's flag counts for that command only. */
    env_name = "LINKUP_TTL";
    env_value = "2d";
    assert_true(parse(f, "status"));
    assert_true(parse(f, "sessions create"));
    assert_string_equal(args_get(&f->args, "ttl"), "2d");
}

static void test_switches_in_the_environment(void **state)
{
    struct fixture *f = (struct fixture *)*state;
    static const char *const on[] = {"1", "true", "YES", "on"}, *const off[] = {"0", "False", "no",
                                                                                "off"};
    env_name = "LINKUP_JSON";
    for (size_t i = 0; i < 4; i++) {
        env_value = on[i];
        assert_true(parse(f, "status"));
        assert_true(args_has(&f->args, "json"));
        env_value = off[i];
        assert_true(parse(f, "status"));
        assert_false(args_has(&f->args, "json"));
    }
    env_value = "perhaps";
    assert_false(parse(f, "status"));
    assert_int_equal(f->fault.exit, EXIT_INPUT);
    env_name = "LINKUP_HELP";
    assert_true(parse(f, "status"));
}

static void test_the_table_is_sound(void **state)
{
    for (const struct command *c = commands; c->name; c++) {
        assert_ptr_equal(command_find(c->name), c);
        assert_true(c->help[0] >= 'a' && c->help[0] <= 'z');
        assert_non_null(c->run);
        assert_true(c->min <= c->max);
        assert_true((c->max > 0) == (c->operands[0] != '\0'));
        for (const struct flag *f = c->flags; f && f->name; f++) {
            assert_true((f->kind == VALUE_NONE) == (f->value == NULL));
            for (const struct flag *g = global_flags; g->name; g++)
                assert_string_not_equal(f->name, g->name);
        }
        const char *space = strchr(c->name, ' ');
        if (space) {
            char group[32] = "";
            memcpy(group, c->name, (size_t)(space - c->name));
            assert_non_null(command_group_help(group));
        }
    }
}

static void test_env_names(void **state)
{
    char name[FLAG_ENV_MAX];
    const struct flag flag = {.name = "token-file"};
    assert_string_equal(flag_env(&flag, name), "LINKUP_TOKEN_FILE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_global_flags_anywhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_alias, setup, teardown),
        cmocka_unit_test_setup_teardown(test_operands, setup, teardown),
        cmocka_unit_test_setup_teardown(test_repeated_flag, setup, teardown),
        cmocka_unit_test_setup_teardown(test_group_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_help_does_not_count_operands, setup, teardown),
        cmocka_unit_test_setup_teardown(test_faults, setup, teardown),
        cmocka_unit_test_setup_teardown(test_environment_twins, setup, teardown),
        cmocka_unit_test_setup_teardown(test_switches_in_the_environment, setup, teardown),
        cmocka_unit_test(test_the_table_is_sound),
        cmocka_unit_test(test_env_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
