#include "config/names.h"
#include "core/hex_base64.h"
#include "sessions/session_names.h"
#include "sessions/session_words.h"

#include "unit/sessions/route_bed.h"

static struct config *config;

static int setup(void **state)
{
    config = bed_config("zone: z.test\n"
                        "services: [{name: web, url: \"http://x\"}]\n");
    return 0;
}

static int teardown(void **state)
{
    config_unref(config);
    return 0;
}

/* Takes the first FULL names. */
struct taken {
    unsigned full, asked;
};

static bool is_taken(void *ctx, struct span name)
{
    struct taken *t = ctx;
    assert_true(name_is_session(name));
    return t->asked++ < t->full;
}

static unsigned dashes(const char *s)
{
    unsigned n = 0;
    for (; *s; s++)
        n += *s == '-';
    return n;
}

static bool is_word(const char *const *words, size_t n, const char *s, size_t len)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(words[i]) == len && memcmp(words[i], s, len) == 0)
            return true;
    return false;
}

static void adjective_and_animal(void **state)
{
    for (int i = 0; i < 200; i++) {
        char name[SESSION_NAME_MAX + 1];
        struct taken t = {.full = 0};
        session_name_generate(config, is_taken, &t, name);
        assert_int_equal(t.asked, 1);
        const char *dash = strchr(name, '-');
        assert_non_null(dash);
        assert_true(
            is_word(session_adjectives, session_adjectives_count, name, (size_t)(dash - name)));
        assert_true(is_word(session_animals, session_animals_count, dash + 1, strlen(dash + 1)));
    }
}

static void suffix_after_twenty(void **state)
{
    char name[SESSION_NAME_MAX + 1];
    struct taken t = {.full = 19};
    session_name_generate(config, is_taken, &t, name);
    assert_int_equal(dashes(name), 1);

    t = (struct taken){.full = 20};
    session_name_generate(config, is_taken, &t, name);
    assert_int_equal(dashes(name), 2);
    assert_int_equal(strlen(strrchr(name, '-') + 1), 6);

    t = (struct taken){.full = 500};
    session_name_generate(config, is_taken, &t, name);
    assert_int_equal(t.asked, 501);
}

/* Each is a label, is there once, and fits with its suffix. */
static void words(void **state)
{
    const struct {
        const char *const *v;
        size_t n;
    } lists[] = {{session_adjectives, session_adjectives_count},
                 {session_animals, session_animals_count}};
    for (size_t l = 0; l < 2; l++) {
        assert_true(lists[l].n > 150);
        for (size_t i = 0; i < lists[l].n; i++) {
            const char *w = lists[l].v[i];
            assert_true(strlen(w) >= 3 && strlen(w) <= 10);
            assert_int_equal(strspn(w, "abcdefghijklmnopqrstuvwxyz"), strlen(w));
            if (i > 0)
                assert_true(strcmp(lists[l].v[i - 1], w) < 0);
        }
    }
}

static void hex_of_content(void **state)
{
    char name[SESSION_NAME_MAX + 1], hex[2 * SESSION_HASH_LEN + 1];
    uint8_t hash[SESSION_HASH_LEN];
    struct session *s = bed_session(config, "", "{\"services\":{\"web\":\"http://pr-1.test\"}}");
    session_content_hash(s, hash);
    hex_encode(hash, sizeof hash, hex);
    for (unsigned attempt = 0; attempt <= 17; attempt++) {
        assert_ok(session_name_of_content(s, attempt, name));
        assert_int_equal(strlen(name), 6 + 2 * attempt);
        assert_memory_equal(name, hex, strlen(name));
        assert_true(name_is_session(span_str(name)));
    }
    assert_err(ERR_RANGE, session_name_of_content(s, 18, name));
    assert_err(ERR_RANGE, session_name_of_content(s, UINT32_MAX, name));
    session_unref(s);
}

/* Whoever deploys it, in whatever order it is written: the same link. And the same link after an
 * update of the edge: this name must not change. */
static void same_content_same_name(void **state)
{
    static const char *const bodies[] = {
        "{\"services\":{\"web\":\"http://pr-1.test\",\"api\":\"https://pr-2.test/b\"}}",
        "{\"owner\":\"ci\",\"services\":{\"api\":{\"url\":\"https://pr-2.test/b/\"},"
        "\"web\":{\"url\":\"http://pr-1.test:80\",\"host\":\"target\"}},\"ttl\":\"1d\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        char name[SESSION_NAME_MAX + 1];
        struct session *s = bed_session(config, "", bodies[i]);
        assert_ok(session_name_of_content(s, 0, name));
        assert_string_equal(name, "68832f");
        session_unref(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adjective_and_animal),
        cmocka_unit_test(suffix_after_twenty),
        cmocka_unit_test(words),
        cmocka_unit_test(hex_of_content),
        cmocka_unit_test(same_content_same_name),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
