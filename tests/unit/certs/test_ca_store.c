/* The internal CA on disk: certs/ca.h. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "certs/pem.h"
#include "core/file.h"
#include "unit/certs/certs_bed.h"

static char state_dir[PATH_MAX];

static int set_up(void **state)
{
    test_tmpdir_make(state_dir, sizeof state_dir);
    return 0;
}

static int tear_down(void **state)
{
    test_tmpdir_remove(state_dir);
    return 0;
}

static char *path_of(const char *name)
{
    return mem_printf("%s/%s", state_dir, name);
}

static mode_t mode_of(const char *name)
{
    char *path = path_of(name);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    mem_free(path);
    return st.st_mode & 07777;
}

static char *text_of(const char *name)
{
    char *path = path_of(name), *data;
    size_t len;
    assert_ok(file_read(path, PEM_FILE_MAX, &data, &len));
    mem_free(path);
    return data;
}

static void write_text(const char *name, const char *text, mode_t mode)
{
    char *path = path_of(name);
    assert_ok(file_write_atomic(path, span_str(text), mode));
    mem_free(path);
}

static struct ca *opened(void)
{
    struct ca *ca;
    char *why = NULL;
    enum err e = ca_open(state_dir, BED_ZONE, bed_now(), &ca, &why);
    if (why)
        print_error("%s\n", why);
    assert_ok(e);
    return ca;
}

/* The CA is refused with E and a reason that holds every one of WORDS; nothing is changed. */
static void refused_at(int64_t now_s, const char *zone, enum err expected, const char *word)
{
    struct ca *ca = NULL;
    char *why = NULL;
    assert_err(expected, ca_open(state_dir, zone, now_s, &ca, &why));
    assert_non_null(why);
    if (!strstr(why, word))
        fail_msg("\"%s\" does not say \"%s\"", why, word);
    mem_free(why);
}

static void refused(enum err expected, const char *word)
{
    refused_at(bed_now(), BED_ZONE, expected, word);
}

static void the_first_start_makes_it(void **state)
{
    mode_t before = umask(0);
    struct ca *ca = opened();
    umask(before);
    assert_int_equal(mode_of("ca"), 0700);
    assert_int_equal(mode_of("ca/ca.key"), 0600);
    assert_int_equal(mode_of("ca/ca.pem"), 0644);

    char *pem = text_of("ca/ca.pem");
    assert_string_equal(pem, ca_pem(ca));
    mem_free(pem);
    char *draft = path_of("ca.new");
    assert_int_equal(access(draft, F_OK), -1);
    mem_free(draft);
    assert_true(ca_not_after_s(ca) > bed_now() + (int64_t)3649 * 86400);
    ca_unref(ca);
}

static void the_next_start_finds_it(void **state)
{
    struct ca *ca = opened(), *again = opened();
    assert_string_equal(ca_pem(ca), ca_pem(again));
    struct cert *c = bed_cert(again, "s." BED_ZONE);
    X509 *x = bed_x509(c);
    assert_int_equal(bed_verify(ca, x, "web.s." BED_ZONE), X509_V_OK);
    X509_free(x);
    cert_unref(c);
    ca_unref(ca);
    ca_unref(again);
}

static void an_interrupted_first_start_is_made_good(void **state)
{
    char *draft = path_of("ca.new"), *dir = path_of("ca");
    assert_int_equal(mkdir(draft, 0700), 0);
    write_text("ca.new/ca.key", "half a ke", 0600);
    assert_int_equal(mkdir(dir, 0755), 0); /* somebody made an empty one */
    ca_unref(opened());
    assert_int_equal(access(draft, F_OK), -1);
    assert_int_equal(mode_of("ca"), 0700);
    mem_free(draft);
    mem_free(dir);
}

static void damage_is_refused_and_not_replaced(void **state)
{
    ca_unref(opened());
    char *pem = text_of("ca/ca.pem"), *key = text_of("ca/ca.key");

    char *broken = mem_strdup(pem);
    broken[100] = broken[100] == 'A' ? 'B' : 'A';
    write_text("ca/ca.pem", broken, 0644);
    refused(ERR_CORRUPT, "ca/ca.pem");
    char *now = text_of("ca/ca.pem");
    assert_string_equal(now, broken);
    mem_free(now);
    mem_free(broken);

    static const char *const bad[] = {"", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        write_text("ca/ca.pem", bad[i], 0644);
        refused(ERR_CORRUPT, "move the folder");
    }
    write_text("ca/ca.pem", key, 0644);
    refused(ERR_CORRUPT, "no readable certificate");
    char *twice = mem_printf("%s%s", pem, pem);
    write_text("ca/ca.pem", twice, 0644);
    refused(ERR_CORRUPT, "exactly one");
    mem_free(twice);

    write_text("ca/ca.pem", pem, 0644);
    write_text("ca/ca.key", "garbage", 0600);
    refused(ERR_CORRUPT, "no readable key");
    write_text("ca/ca.key", pem, 0600);
    refused(ERR_CORRUPT, "no readable key");

    write_text("ca/ca.key", key, 0600);
    ca_unref(opened());
    mem_free(pem);
    mem_free(key);
}

static void a_missing_half_is_refused(void **state)
{
    static const char *const names[] = {"ca/ca.key", "ca/ca.pem"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        ca_unref(opened());
        char *kept = text_of(names[i]), *path = path_of(names[i]);
        assert_int_equal(unlink(path), 0);
        refused(ERR_CORRUPT, names[i]);
        assert_int_equal(access(path, F_OK), -1);
        write_text(names[i], kept, 0600);
        mem_free(kept);
        mem_free(path);
    }
}

static void anothers_key_is_refused(void **state)
{
    ca_unref(opened());
    struct ca *other = bed_ca();
    char *key;
    assert_ok(ca_key_pem(other, &key));
    write_text("ca/ca.key", key, 0600);
    refused(ERR_CORRUPT, "do not belong together");
    mem_free(key);
    ca_unref(other);
}

static void a_key_open_to_others_is_refused(void **state)
{
    ca_unref(opened());
    char *path = path_of("ca/ca.key");
    static const mode_t bad[] = {0640, 0604, 0644, 0660, 0602, 0610};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(chmod(path, bad[i]), 0);
        refused(ERR_DENIED, "chmod 600");
    }
    assert_int_equal(chmod(path, 0400), 0);
    ca_unref(opened());
    mem_free(path);
}

static void a_changed_zone_is_refused(void **state)
{
    ca_unref(opened());
    refused_at(bed_now(), "other.example.com", ERR_CONFLICT, "made for the zone " BED_ZONE);
    refused_at(bed_now(), "x." BED_ZONE, ERR_CONFLICT, "zone: x." BED_ZONE);
    refused_at(bed_now(), "example.com", ERR_CONFLICT, "move the folder");
}

static void an_expired_one_is_refused(void **state)
{
    ca_unref(opened());
    struct ca *ca;
    char *why;
    assert_ok(ca_open(state_dir, BED_ZONE, bed_now() + (int64_t)3640 * 86400, &ca, &why));
    ca_unref(ca);
    refused_at(bed_now() + (int64_t)3651 * 86400, BED_ZONE, ERR_CONFLICT, "expired");
}

/* A leaf, or any other self-made certificate, is none of ours. */
static void a_stranger_is_refused(void **state)
{
    struct ca *ca = opened();
    struct cert *c = bed_cert(ca, BED_ZONE);
    X509 *x = bed_x509(c);
    BIO *bio = BIO_new(BIO_s_mem());
    assert_true(PEM_write_bio_X509(bio, x));
    const uint8_t *p;
    size_t len;
    assert_true(BIO_mem_contents(bio, &p, &len));
    char *pem = mem_strndup((const char *)p, len);
    write_text("ca/ca.pem", pem, 0644);
    refused(ERR_CORRUPT, "do not belong together");
    mem_free(pem);
    BIO_free(bio);
    X509_free(x);
    cert_unref(c);
    ca_unref(ca);
}

static void a_missing_state_folder_is_told(void **state)
{
    struct ca *ca;
    char *why = NULL;
    assert_int_not_equal(ca_open("/nonexistent/linkup", BED_ZONE, bed_now(), &ca, &why), ERR_OK);
    assert_non_null(strstr(why, "/nonexistent/linkup"));
    mem_free(why);
}

/* As somebody without privileges, whom modes concern. */
static int try_unprivileged(void)
{
    if (geteuid() == 0 && setuid(65534) != 0)
        _exit(3);
    struct ca *ca;
    char *why = NULL;
    enum err e = ca_open(state_dir, BED_ZONE, bed_now(), &ca, &why);
    _exit(e == ERR_DENIED && why && strstr(why, "must exist and be writable") ? 0 : 1);
}

static void a_read_only_state_folder_is_told(void **state)
{
    assert_int_equal(chmod(state_dir, 0555), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        try_unprivileged();
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(chmod(state_dir, 0755), 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_long_zone_fits(void **state)
{
    static const char zone[] =
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb."
        "cccccccccccccccccccccccccccc.example.com";
    struct ca *ca;
    char *why;
    assert_ok(ca_open(state_dir, zone, bed_now(), &ca, &why));
    ca_unref(ca);
    assert_ok(ca_open(state_dir, zone, bed_now(), &ca, &why));
    ca_unref(ca);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(the_first_start_makes_it),
        T(the_next_start_finds_it),
        T(an_interrupted_first_start_is_made_good),
        T(damage_is_refused_and_not_replaced),
        T(a_missing_half_is_refused),
        T(anothers_key_is_refused),
        T(a_key_open_to_others_is_refused),
        T(a_changed_zone_is_refused),
        T(an_expired_one_is_refused),
        T(a_stranger_is_refused),
        T(a_missing_state_folder_is_told),
        T(a_read_only_state_folder_is_told),
        T(a_long_zone_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
