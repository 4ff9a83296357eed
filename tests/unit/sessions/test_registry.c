#include <signal.h>
#include <sys/resource.h>

#include "unit/sessions/registry_bed.h"

#define WEB "{\"services\":{\"web\":{\"url\":\"https://web-pr-1.example.net\"}}}"
#define WEB_2 "{\"services\":{\"web\":{\"url\":\"https://web-pr-2.example.net\"}}}"

static int set_up_with(void **state, const char *config)
{
    struct registry_bed *b = mem_zalloc(sizeof *b);
    rbed_init(b, config);
    *state = b;
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, "");
}

static int set_up_for_two(void **state)
{
    return set_up_with(state, "sessions: {max: 2}\n");
}

static int tear_down(void **state)
{
    rbed_deinit(*state);
    mem_free(*state);
    return 0;
}

static struct session *find(struct registry_bed *b, const char *name)
{
    return registry_find(b->registry, span_str(name));
}

static void made_changed_and_ended(void **state)
{
    struct registry_bed *b = *state;
    assert_int_equal(bed_change(b, REGISTRY_PUT, "peter", "t1", WEB), REGISTRY_CREATED);
    assert_int_equal(b->version, 1);
    assert_string_equal(b->published, "+peter ");
    assert_string_equal(b->events, "created:peter ");
    assert_int_equal(registry_count(b->registry), 1);
    const struct session *s = find(b, "peter");
    assert_string_equal(s->owner_token, "t1");
    assert_int_equal(s->n_overrides, 1);
    assert_int_equal(s->created_ms, b->now_ms);

    b->now_ms += 5000;
    assert_int_equal(bed_change(b, REGISTRY_PATCH, "peter", "t1",
                                "{\"services\":{\"api\":{\"url\":\"http://api.x\"}}}"),
                     REGISTRY_CHANGED);
    assert_int_equal(b->version, 2);
    s = find(b, "peter");
    assert_int_equal(s->n_overrides, 2);
    assert_int_equal(s->created_ms, b->now_ms - 5000);
    assert_int_equal(s->changed_ms, b->now_ms);

    assert_int_equal(bed_change(b, REGISTRY_DELETE, "peter", "t1", NULL), REGISTRY_DELETED);
    assert_null(find(b, "peter"));
    assert_int_equal(registry_count(b->registry), 0);
    assert_string_equal(b->published, "+peter +peter -peter ");
    assert_string_equal(b->events, "created:peter changed:peter deleted:peter ");
    assert_int_equal(bed_change(b, REGISTRY_DELETE, "peter", "t1", NULL), REGISTRY_NO_SUCH);
}

static void answered_only_after_all_workers_have_it(void **state)
{
    struct registry_bed *b = *state;
    b->hold = true;
    bed_ask(b, REGISTRY_PUT, "peter", "t1", WEB, 0);
    assert_null(find(b, "peter")); /* not in the store yet */
    assert_string_equal(b->published, "");
    while (!b->n_held)
        bed_turn(&b->store);
    bed_assert_record(&b->store, STORE_SESSION, "mary", "");
    assert_int_equal(bed_count(&b->store, STORE_SESSION), 1); /* on disk before it is published */
    assert_int_equal(b->answered, 0);
    assert_string_equal(b->events, "");
    bed_release(b, "peter");
    assert_int_equal(b->answered, 1);
    assert_int_equal(b->outcome, REGISTRY_CREATED);
}

static void changes_of_one_name_wait_for_each_other(void **state)
{
    struct registry_bed *b = *state;
    b->hold = true;
    bed_ask(b, REGISTRY_PUT, "peter", "t1", WEB, 0);
    bed_ask(b, REGISTRY_PUT, "peter", "t1", WEB_2, 1);   /* if-match: fits only after the first */
    bed_ask(b, REGISTRY_DELETE, "peter", "t1", NULL, 2); /* only after the second */
    bed_ask(b, REGISTRY_PUT, "mary", "t2", WEB, 0);
    while (b->n_held < 2)
        bed_turn(&b->store);
    assert_string_equal(b->published, "+peter +mary ");

    bed_release(b, "mary"); /* another name does not wait */
    assert_int_equal(b->answered, 1);
    assert_string_equal(b->name, "mary");
    for (uint64_t version = 1; version <= 2; version++) {
        bed_release(b, "peter");
        assert_int_equal(b->version, version);
        while (!b->n_held)
            bed_turn(&b->store);
    }
    assert_string_equal(b->published, "+peter +mary +peter -peter ");
    bed_release(b, "peter");
    assert_int_equal(b->answered, 4);
    assert_int_equal(b->outcome, REGISTRY_DELETED);
}

static void a_change_that_waits_is_judged_when_its_turn_comes(void **state)
{
    struct registry_bed *b = *state;
    bed_ask(b, REGISTRY_PUT, "peter", "t1", WEB, 0);
    bed_ask(b, REGISTRY_DELETE, "peter", "t1", NULL, 0);
    bed_ask(b, REGISTRY_PUT, "peter", "t2", WEB, 0); /* free by then */
    bed_ask(b, REGISTRY_PUT, "peter", "t1", WEB, 0); /* and another's by then */
    while (b->answered < 3)
        bed_turn(&b->store);
    while (b->answered < b->asked)
        bed_turn(&b->store);
    assert_int_equal(b->outcome, REGISTRY_TAKEN);
    assert_string_equal(find(b, "peter")->owner_token, "t2");
}

static void others_may_not(void **state)
{
    struct registry_bed *b = *state;
    bed_change(b, REGISTRY_PUT, "peter", "t1", WEB);
    assert_int_equal(bed_change(b, REGISTRY_PUT, "peter", "t2", WEB_2), REGISTRY_TAKEN);
    assert_int_equal(bed_change(b, REGISTRY_PATCH, "peter", "t2", "{}"), REGISTRY_FOREIGN);
    assert_int_equal(bed_change(b, REGISTRY_EXTEND, "peter", "t2", "{}"), REGISTRY_FOREIGN);
    assert_int_equal(bed_change(b, REGISTRY_DELETE, "peter", "t2", NULL), REGISTRY_FOREIGN);
    assert_int_equal(find(b, "peter")->version, 1);
    assert_string_equal(b->published, "+peter ");

    /* An admin may, and it stays whose it was. */
    assert_int_equal(bed_change(b, REGISTRY_PUT, "peter", "", WEB_2), REGISTRY_CHANGED);
    assert_string_equal(find(b, "peter")->owner_token, "t1");
    assert_int_equal(bed_change(b, REGISTRY_PATCH, "peter", "t1", "{\"pinned\":true}"),
                     REGISTRY_CHANGED);
}

static void if_match_guards(void **state)
{
    struct registry_bed *b = *state;
    bed_ask(b, REGISTRY_PUT, "peter", "t1", WEB, 1); /* there is none to match */
    assert_int_equal(b->outcome, REGISTRY_STALE);
    bed_change(b, REGISTRY_PUT, "peter", "t1", WEB);
    bed_ask(b, REGISTRY_PATCH, "peter", "t1", "{\"pinned\":true}", 2);
    assert_int_equal(b->outcome, REGISTRY_STALE);
    assert_int_equal(b->version, 1); /* tells which there is */
    bed_ask(b, REGISTRY_DELETE, "peter", "t1", NULL, 7);
    assert_int_equal(b->outcome, REGISTRY_STALE);
    assert_non_null(find(b, "peter"));
    assert_false(find(b, "peter")->pinned);
}

static void what_is_refused_leaves_no_trace(void **state)
{
    struct registry_bed *b = *state;
    assert_int_equal(bed_change(b, REGISTRY_PUT, "peter", "t1", "{\"services\":{\"web\":{}}}"),
                     REGISTRY_BAD);
    assert_non_null(strstr(b->fault.field, "services.web"));
    assert_int_equal(bed_change(b, REGISTRY_CREATE, "", "t1", "{\"name\":\"edge\"}"), REGISTRY_BAD);
    assert_int_equal(
        bed_change(b, REGISTRY_PUT, "peter", "t1",
                   "{\"rewrites\":[{\"source\":\"(\",\"target\":\"/\"}],\"services\":{}}"),
        REGISTRY_BAD);
    assert_int_equal(bed_change(b, REGISTRY_PATCH, "peter", "t1", "{}"), REGISTRY_NO_SUCH);
    assert_int_equal(registry_count(b->registry), 0);
    assert_int_equal(bed_count(&b->store, STORE_SESSION), 0);
    assert_string_equal(b->published, "");
    assert_string_equal(b->events, "");
}

static void unnamed_previews(void **state)
{
    struct registry_bed *b = *state;
    char name[64];
    assert_int_equal(bed_change(b, REGISTRY_CREATE, "", "ci", WEB), REGISTRY_CREATED);
    snprintf(name, sizeof name, "%s", b->name);
    assert_int_equal(bed_change(b, REGISTRY_CREATE, "", "ci", WEB), REGISTRY_SAME);
    assert_string_equal(b->name, name);
    assert_int_equal(bed_change(b, REGISTRY_CREATE, "", "ci", WEB_2), REGISTRY_CREATED);
    assert_string_not_equal(b->name, name);
    /* Another's identical one is another's. */
    assert_int_equal(bed_change(b, REGISTRY_CREATE, "", "other", WEB), REGISTRY_CREATED);
    assert_string_not_equal(b->name, name);
    assert_int_equal(registry_count(b->registry), 3);

    bed_restart(b);
    assert_int_equal(bed_change(b, REGISTRY_CREATE, "", "ci", WEB), REGISTRY_SAME);
    assert_string_equal(b->name, name);
    /* Ended, it is made anew under the name it had. */
    assert_int_equal(bed_change(b, REGISTRY_DELETE, name, "ci", NULL), REGISTRY_DELETED);
    assert_int_equal(bed_change(b, REGISTRY_CREATE, "", "ci", WEB), REGISTRY_CREATED);
    assert_string_equal(b->name, name);
}

static void identical_previews_at_the_same_time(void **state)
{
    struct registry_bed *b = *state;
    for (int i = 0; i < 10; i++)
        bed_ask(b, REGISTRY_CREATE, "", "ci", WEB, 0);
    while (b->answered < b->asked)
        bed_turn(&b->store);
    assert_int_equal(registry_count(b->registry), 1);
    assert_int_equal(b->outcome, REGISTRY_SAME);
}

static void unnamed_tunnels_get_names_of_their_own(void **state)
{
    struct registry_bed *b = *state;
    const char *tunnel = "{\"services\":{\"web\":{\"tunnel\":true}}}";
    assert_int_equal(bed_change(b, REGISTRY_CREATE, "", "t1", tunnel), REGISTRY_CREATED);
    assert_int_equal(bed_change(b, REGISTRY_CREATE, "", "t1", tunnel), REGISTRY_CREATED);
    assert_int_equal(registry_count(b->registry), 2);
}

static void a_taken_name_is_refused(void **state)
{
    struct registry_bed *b = *state;
    const char *body = "{\"name\":\"peter\",\"services\":{}}";
    assert_int_equal(bed_change(b, REGISTRY_CREATE, "", "t1", body), REGISTRY_CREATED);
    assert_int_equal(bed_change(b, REGISTRY_CREATE, "", "t1", body), REGISTRY_TAKEN);
    assert_int_equal(bed_change(b, REGISTRY_CREATE, "", "", body), REGISTRY_TAKEN);
}

static void no_more_than_allowed(void **state)
{
    struct registry_bed *b = *state;
    bed_ask(b, REGISTRY_PUT, "a", "t1", WEB, 0);
    bed_ask(b, REGISTRY_PUT, "b", "t1", WEB, 0);
    bed_ask(b, REGISTRY_PUT, "c", "t1", WEB, 0); /* those on their way count */
    assert_int_equal(b->answered, 1);
    assert_int_equal(b->outcome, REGISTRY_TOO_MANY);
    while (b->answered < b->asked)
        bed_turn(&b->store);
    assert_int_equal(registry_count(b->registry), 2);
    assert_int_equal(bed_change(b, REGISTRY_PUT, "a", "t1", WEB_2), REGISTRY_CHANGED);
    assert_int_equal(bed_change(b, REGISTRY_DELETE, "b", "t1", NULL), REGISTRY_DELETED);
    assert_int_equal(bed_change(b, REGISTRY_PUT, "c", "t1", WEB), REGISTRY_CREATED);
}

/* Lifetime */

static void ends_when_unused_for_its_ttl(void **state)
{
    struct registry_bed *b = *state;
    bed_change(b, REGISTRY_PUT, "day", "t1", "{\"ttl\":\"1d\",\"services\":{}}");
    bed_change(b, REGISTRY_PUT, "week", "t1", "{\"services\":{}}"); /* default_ttl */
    bed_change(b, REGISTRY_PUT, "pinned", "t1", "{\"ttl\":\"1d\",\"pinned\":true,\"services\":{}}");
    assert_int_equal(registry_expires_ms(b->registry, find(b, "day")), b->now_ms + BED_DAY);
    assert_int_equal(registry_expires_ms(b->registry, find(b, "week")), b->now_ms + 7 * BED_DAY);
    assert_int_equal(registry_expires_ms(b->registry, find(b, "pinned")), 0);

    b->now_ms += BED_DAY - 1;
    registry_tick(b->registry);
    bed_drain(b);
    assert_int_equal(registry_count(b->registry), 3);
    b->now_ms += 1;
    registry_tick(b->registry);
    registry_tick(b->registry); /* asked for once only */
    bed_drain(b);
    assert_null(find(b, "day"));
    assert_non_null(strstr(b->published, "-day "));
    assert_non_null(strstr(b->events, "expired:day "));
    assert_int_equal(bed_count(&b->store, STORE_SESSION), 2);

    b->now_ms += 100 * BED_DAY;
    registry_tick(b->registry);
    bed_drain(b);
    assert_int_equal(registry_count(b->registry), 1);
    assert_non_null(find(b, "pinned"));
}

static void a_use_or_a_change_begins_it_anew(void **state)
{
    struct registry_bed *b = *state;
    bed_change(b, REGISTRY_PUT, "used", "t1", "{\"ttl\":\"1d\",\"services\":{}}");
    bed_change(b, REGISTRY_PUT, "extended", "t1", "{\"ttl\":\"1d\",\"services\":{}}");
    bed_change(b, REGISTRY_PUT, "left", "t1", "{\"ttl\":\"1d\",\"services\":{}}");
    b->now_ms += BED_DAY / 2;
    registry_touch(b->registry, SPAN_LIT("used"));
    registry_touch(b->registry, SPAN_LIT("unknown"));
    assert_int_equal(bed_change(b, REGISTRY_EXTEND, "extended", "t1", "{\"ttl\":\"2d\"}"),
                     REGISTRY_CHANGED);
    assert_int_equal(bed_change(b, REGISTRY_EXTEND, "extended", "t1", "{\"pinned\":true}"),
                     REGISTRY_BAD);
    b->now_ms += BED_DAY / 2;
    registry_tick(b->registry);
    bed_drain(b);
    assert_null(find(b, "left"));
    assert_non_null(find(b, "used"));
    assert_int_equal(registry_expires_ms(b->registry, find(b, "used")), b->now_ms + BED_DAY / 2);
    b->now_ms += BED_DAY / 2;
    registry_tick(b->registry);
    bed_drain(b);
    assert_null(find(b, "used"));
    assert_int_equal(registry_expires_ms(b->registry, find(b, "extended")), b->now_ms + BED_DAY);
}

static void an_end_gives_way_to_a_change_before_it(void **state)
{
    struct registry_bed *b = *state;
    bed_change(b, REGISTRY_PUT, "peter", "t1", "{\"ttl\":\"1d\",\"services\":{}}");
    b->now_ms += 2 * BED_DAY;
    bed_ask(b, REGISTRY_EXTEND, "peter", "t1", "{}", 0);
    registry_tick(b->registry); /* waits behind the extension, and finds it alive */
    while (b->answered < b->asked)
        bed_turn(&b->store);
    bed_drain(b);
    assert_non_null(find(b, "peter"));
    assert_null(strstr(b->published, "-peter"));
}

static void a_use_survives_a_restart(void **state)
{
    struct registry_bed *b = *state;
    bed_change(b, REGISTRY_PUT, "peter", "t1", "{\"services\":{}}");
    b->now_ms += BED_DAY;
    registry_touch(b->registry, SPAN_LIT("peter"));
    registry_touch(b->registry, SPAN_LIT("peter"));
    registry_tick(b->registry);
    bed_drain(b);
    assert_int_equal(bed_count(&b->store, STORE_USE), 1);
    b->now_ms += 1000; /* so soon again it is not worth a write, but it counts */
    registry_touch(b->registry, SPAN_LIT("peter"));
    int64_t expires = registry_expires_ms(b->registry, find(b, "peter"));
    assert_int_equal(expires, b->now_ms + 7 * BED_DAY);
    bed_restart(b);
    assert_int_equal(registry_expires_ms(b->registry, find(b, "peter")), expires - 1000);

    bed_change(b, REGISTRY_DELETE, "peter", "t1", NULL);
    bed_drain(b);
    assert_int_equal(bed_count(&b->store, STORE_USE), 0);
}

static void what_is_not_yet_written_is_written_at_the_end(void **state)
{
    struct registry_bed *b = *state;
    bed_change(b, REGISTRY_PUT, "peter", "t1", "{\"services\":{}}");
    b->now_ms += BED_DAY;
    registry_touch(b->registry, SPAN_LIT("peter"));
    bed_restart(b);
    assert_int_equal(registry_expires_ms(b->registry, find(b, "peter")), b->now_ms + 7 * BED_DAY);
}

static void what_expired_while_it_was_down_is_dropped(void **state)
{
    struct registry_bed *b = *state;
    bed_change(b, REGISTRY_PUT, "short", "t1", "{\"ttl\":\"1h\",\"services\":{}}");
    bed_change(b, REGISTRY_PUT, "long", "t1", "{\"ttl\":\"9d\",\"services\":{}}");
    bed_change(b, REGISTRY_PUT, "pinned", "t1", "{\"ttl\":\"1h\",\"pinned\":true,\"services\":{}}");
    b->now_ms += BED_DAY;
    bed_restart(b);
    assert_int_equal(registry_count(b->registry), 2);
    assert_null(find(b, "short"));
    bed_drain(b);
    assert_int_equal(bed_count(&b->store, STORE_SESSION), 2);
    assert_string_equal(b->published, ""); /* nobody has had it */
}

/* Failure */

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_changes_nothing(void **state)
{
    struct registry_bed *b = *state;
    bed_change(b, REGISTRY_PUT, "peter", "t1", "{\"ttl\":\"1d\",\"services\":{}}");
    const struct session *before = find(b, "peter");
    limit_files(1);
    assert_int_equal(bed_change(b, REGISTRY_PUT, "mary", "t1", WEB), REGISTRY_DISK_FULL);
    assert_int_equal(bed_change(b, REGISTRY_PUT, "peter", "t1", WEB), REGISTRY_DISK_FULL);
    assert_int_equal(bed_change(b, REGISTRY_DELETE, "peter", "t1", NULL), REGISTRY_DISK_FULL);
    assert_ptr_equal(find(b, "peter"), before);
    assert_null(find(b, "mary"));
    b->now_ms += 2 * BED_DAY;
    registry_tick(b->registry); /* its end cannot be written either: it lives on */
    while (b->store.failed == 0) {
        bed_ask_put(&b->store, STORE_USE, "-", "{}");
        bed_settle(&b->store);
    }
    assert_ptr_equal(find(b, "peter"), before);
    assert_string_equal(b->published, "+peter ");
    assert_int_equal(registry_count(b->registry), 1);

    limit_files(RLIM_INFINITY);
    b->now_ms += BED_DAY;
    registry_tick(b->registry); /* tried again */
    bed_drain(b);
    assert_null(find(b, "peter"));
    assert_int_equal(bed_change(b, REGISTRY_PUT, "mary", "t1", WEB), REGISTRY_CREATED);
}

static void a_damaged_record_is_refused(void **state)
{
    struct registry_bed *b = *state;
    bed_change(b, REGISTRY_PUT, "peter", "t1", WEB);
    bed_ask_put(&b->store, STORE_SESSION, "mary", "{\"name\":17}");
    bed_settle(&b->store);
    registry_free(b->registry);
    b->registry = NULL;
    char *why = NULL;
    assert_err(ERR_CORRUPT, bed_try_registry(b, &why));
    assert_non_null(strstr(why, "\"mary\""));
    assert_non_null(strstr(why, "DELETE FROM sessions"));
    mem_free(why);
    assert_int_equal(bed_count(&b->store, STORE_SESSION), 2);
}

static void freed_while_changes_are_under_way(void **state)
{
    struct registry_bed *b = *state;
    bed_ask(b, REGISTRY_PUT, "peter", "t1", WEB, 0);
    bed_ask(b, REGISTRY_PUT, "peter", "t1", WEB_2, 0);
    bed_ask(b, REGISTRY_PUT, "mary", "t1", WEB, 0);
    registry_free(b->registry);
    b->registry = NULL;
    while (b->answered < b->asked)
        bed_turn(&b->store);
    assert_int_equal(bed_count(&b->store, STORE_SESSION), 2);
    assert_string_equal(b->published, "");
}

/* Many */

static void count_image(void *ctx, struct session_image *image)
{
    assert_non_null(image);
    ++*(size_t *)ctx;
}

#define MANY 100000

static void a_hundred_thousand(void **state)
{
    struct registry_bed *b = *state;
    bed_change(b, REGISTRY_PUT, "template", "t1", WEB);
    struct bed_found f = {.key = "template"};
    struct store *store = b->store.store;
    assert_ok(store->ops->load(store, STORE_SESSION, bed_on_record, &f));
    json_t *record = json_loads(f.json, 0, NULL);
    assert_non_null(record);
    for (int i = 1; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        json_object_set_new(record, "name", json_string(name));
        char *text = json_dumps(record, JSON_COMPACT);
        bed_ask_put(&b->store, STORE_SESSION, name, text);
        free(text);
    }
    json_decref(record);
    bed_settle(&b->store);
    bed_restart(b);
    size_t images = 0;
    registry_each(b->registry, count_image, &images);
    assert_int_equal(images, MANY);
    assert_int_equal(registry_count(b->registry), MANY);
    assert_int_equal(bed_change(b, REGISTRY_PUT, "one-more", "t1", WEB), REGISTRY_TOO_MANY);
    assert_int_equal(bed_change(b, REGISTRY_DELETE, "s77", "t1", NULL), REGISTRY_DELETED);
    assert_int_equal(bed_change(b, REGISTRY_PUT, "one-more", "t1", WEB), REGISTRY_CREATED);
    assert_string_equal(b->published, "-s77 +one-more "); /* it concerns no other */

    size_t n = 0;
    struct span at = {0};
    for (struct session *s; (s = registry_after(b->registry, at)); at = span_str(s->name), n++)
        assert_true(span_cmp(at, span_str(s->name)) < 0);
    assert_int_equal(n, MANY);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(made_changed_and_ended),
        TEST(answered_only_after_all_workers_have_it),
        TEST(changes_of_one_name_wait_for_each_other),
        TEST(a_change_that_waits_is_judged_when_its_turn_comes),
        TEST(others_may_not),
        TEST(if_match_guards),
        TEST(what_is_refused_leaves_no_trace),
        TEST(unnamed_previews),
        TEST(identical_previews_at_the_same_time),
        TEST(unnamed_tunnels_get_names_of_their_own),
        TEST(a_taken_name_is_refused),
        cmocka_unit_test_setup_teardown(no_more_than_allowed, set_up_for_two, tear_down),
        TEST(ends_when_unused_for_its_ttl),
        TEST(a_use_or_a_change_begins_it_anew),
        TEST(an_end_gives_way_to_a_change_before_it),
        TEST(a_use_survives_a_restart),
        TEST(what_is_not_yet_written_is_written_at_the_end),
        TEST(what_expired_while_it_was_down_is_dropped),
        TEST(a_full_disk_changes_nothing),
        TEST(a_damaged_record_is_refused),
        TEST(freed_while_changes_are_under_way),
        TEST(a_hundred_thousand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
