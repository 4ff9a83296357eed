#include <sys/stat.h>

#include "core/file.h"
#include "sessions/tokens.h"
#include "unit/sessions/store_bed.h"

struct tokens_bed {
    struct store_bed store;
    struct tokens *tokens;
    char id[TOKEN_ID_MAX], secret[TOKEN_SECRET_MAX];
    unsigned told;
    enum err last;
};

static void open_tokens(struct tokens_bed *b)
{
    char *why = NULL;
    assert_ok(tokens_new(b->store.store, b->store.dir, &b->tokens, &why));
}

static void reopen(struct tokens_bed *b)
{
    tokens_free(b->tokens);
    bed_close_store(&b->store);
    bed_open_store(&b->store);
    open_tokens(b);
}

static int set_up(void **state)
{
    struct tokens_bed *b = mem_zalloc(sizeof *b);
    bed_init(&b->store);
    bed_open_store(&b->store);
    open_tokens(b);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct tokens_bed *b = *state;
    tokens_free(b->tokens);
    bed_deinit(&b->store);
    mem_free(b);
    return 0;
}

static void on_created(void *ctx, enum err e, const struct token *token, const char *secret)
{
    struct tokens_bed *b = ctx;
    b->told++;
    b->last = e;
    if (e != ERR_OK) {
        assert_null(token);
        assert_null(secret);
        return;
    }
    snprintf(b->id, sizeof b->id, "%s", token->id);
    snprintf(b->secret, sizeof b->secret, "%s", secret);
}

static void on_revoked(void *ctx, enum err e)
{
    struct tokens_bed *b = ctx;
    b->told++;
    b->last = e;
}

static void settle(struct tokens_bed *b, unsigned told)
{
    while (b->told < told)
        bed_turn(&b->store);
}

static void create(struct tokens_bed *b, const char *name, enum token_scope scope)
{
    tokens_create(b->tokens, span_str(name), scope, on_created, b);
    settle(b, b->told + 1);
}

static char *admin_line(struct tokens_bed *b, size_t *len)
{
    char path[PATH_MAX + 16], *line;
    struct stat st;
    snprintf(path, sizeof path, "%s/admin.token", b->store.dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_ok(file_read(path, 1000, &line, len));
    return line;
}

static void the_first_start_makes_an_admins(void **state)
{
    struct tokens_bed *b = *state;
    size_t len, again_len;
    char *line = admin_line(b, &len);
    assert_int_equal(len, 3 + 43 + 1);
    const struct token *token = tokens_find(b->tokens, span_of(line, len - 1));
    assert_non_null(token);
    assert_int_equal(token->scope, TOKEN_ADMIN);

    reopen(b);
    char *again = admin_line(b, &again_len);
    assert_string_equal(again, line); /* not made again */
    assert_non_null(tokens_find(b->tokens, span_of(line, len - 1)));
    mem_free(line);
    mem_free(again);
}

static void a_state_folder_that_cannot_be_written_is_reported(void **state)
{
    struct tokens_bed *b = *state;
    struct store_bed other;
    bed_init(&other);
    bed_open_store(&other);
    struct tokens *none = NULL;
    char *why = NULL;
    assert_int_not_equal(tokens_new(other.store, "/nonexistent/state", &none, &why), ERR_OK);
    assert_null(none);
    assert_non_null(strstr(why, "/nonexistent/state/admin.token"));
    mem_free(why);
    bed_deinit(&other);
    (void)b;
}

static void made_found_and_kept_as_a_hash(void **state)
{
    struct tokens_bed *b = *state;
    create(b, "ci", TOKEN_SESSION);
    assert_ok(b->last);
    assert_int_equal(strlen(b->id), 12);
    const struct token *token = tokens_find(b->tokens, span_str(b->secret));
    assert_non_null(token);
    assert_string_equal(token->name, "ci");
    assert_int_equal(token->scope, TOKEN_SESSION);

    struct bed_found f = {.key = b->id};
    assert_ok(b->store.store->ops->load(b->store.store, STORE_TOKEN, bed_on_record, &f));
    assert_non_null(strstr(f.json, "\"hash\""));
    assert_null(strstr(f.json, b->secret + 3));
    json_t *shown = token_to_json(token);
    assert_null(json_object_get(shown, "hash"));
    assert_null(json_object_get(shown, "token"));
    json_decref(shown);

    reopen(b);
    token = tokens_find(b->tokens, span_str(b->secret));
    assert_non_null(token);
    assert_string_equal(token->name, "ci");
}

static void only_the_exact_text_counts(void **state)
{
    struct tokens_bed *b = *state;
    create(b, "ci", TOKEN_READ);
    char text[TOKEN_SECRET_MAX + 8];
    for (size_t i = 0; i < strlen(b->secret); i++) {
        snprintf(text, sizeof text, "%s", b->secret);
        text[i] = text[i] == 'x' ? 'y' : 'x';
        assert_null(tokens_find(b->tokens, span_str(text)));
    }
    snprintf(text, sizeof text, "%sA", b->secret);
    assert_null(tokens_find(b->tokens, span_str(text)));
    assert_null(tokens_find(b->tokens, span_sub(span_str(b->secret), 0, 45)));
    assert_null(tokens_find(b->tokens, SPAN_LIT("")));
    assert_null(tokens_find(b->tokens, SPAN_LIT("lk_")));
    assert_null(tokens_find(b->tokens, span_str(b->id)));
}

static void a_revoked_one_is_refused_for_good(void **state)
{
    struct tokens_bed *b = *state;
    create(b, "ci", TOKEN_SESSION);
    char id[TOKEN_ID_MAX];
    memcpy(id, b->id, sizeof id);
    assert_ok(tokens_revoke(b->tokens, span_str(id), on_revoked, b));
    assert_ok(tokens_revoke(b->tokens, span_str(id), on_revoked, b)); /* at the same time */
    settle(b, b->told + 2);
    assert_ok(b->last);
    assert_null(tokens_find(b->tokens, span_str(b->secret)));
    assert_err(ERR_NOT_FOUND, tokens_revoke(b->tokens, span_str(id), on_revoked, b));
    reopen(b);
    assert_null(tokens_find(b->tokens, span_str(b->secret)));
}

static void the_list_is_by_age_and_without_secrets(void **state)
{
    struct tokens_bed *b = *state;
    create(b, "one", TOKEN_READ);
    json_t *list = tokens_to_json(b->tokens);
    assert_int_equal(json_array_size(list), 2);
    char *text = json_dumps(list, 0);
    assert_null(strstr(text, "hash"));
    assert_null(strstr(text, "lk_"));
    free(text);
    json_decref(list);
}

static void freed_while_changes_are_under_way(void **state)
{
    struct tokens_bed *b = *state;
    tokens_create(b->tokens, SPAN_LIT("late"), TOKEN_READ, on_created, b);
    tokens_free(b->tokens);
    b->tokens = NULL;
    settle(b, 1);
    assert_ok(b->last);
    open_tokens(b);
    assert_non_null(tokens_find(b->tokens, span_str(b->secret)));
}

static void a_damaged_record_is_refused(void **state)
{
    struct tokens_bed *b = *state;
    bed_ask_put(&b->store, STORE_TOKEN, "abcdefabcdef", "{\"id\":\"abcdefabcdef\"}");
    bed_settle(&b->store);
    struct tokens *none = NULL;
    char *why = NULL;
    assert_err(ERR_CORRUPT, tokens_new(b->store.store, b->store.dir, &none, &why));
    assert_non_null(strstr(why, "restore"));
    mem_free(why);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_start_makes_an_admins),
        TEST(a_state_folder_that_cannot_be_written_is_reported),
        TEST(made_found_and_kept_as_a_hash),
        TEST(only_the_exact_text_counts),
        TEST(a_revoked_one_is_refused_for_good),
        TEST(the_list_is_by_age_and_without_secrets),
        TEST(freed_while_changes_are_under_way),
        TEST(a_damaged_record_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
