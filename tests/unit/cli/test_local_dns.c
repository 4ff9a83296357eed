/* Which names lead to the local edge: the files for each kind of resolver, and what is run for them. */
#include "cli/local_dns.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/local_dns_kinds.h"
#include "core/file.h"
#include "core/mem.h"
#include "support/test.h"

#define NAMES "slim.dev.example.com"
#define UNIT "/etc/systemd/system/linkup-dns-slim.dev.example.com.service"
#define STUB "nameserver 127.0.0.53\n"

/* A system below a folder, and programs that only say how they were called. */
struct bed {
    char folder[PATH_MAX - 128];
    char path[PATH_MAX]; /* PATH as it was */
    struct cli cli;
    FILE *said;
    struct local_dns d;
};

static const char *at(const struct bed *b, const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s%s", b->folder, name);
    return path;
}

static void put(const struct bed *b, const char *name, const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s%s", b->folder, name);
    for (char *slash = strchr(path + strlen(b->folder) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
    if (text)
        assert_ok(file_write_atomic(path, span_str(text), 0644));
}

static const char *got(struct bed *b, const char *name)
{
    char *data;
    size_t len;
    if (file_read(at(b, name), 1 << 20, &data, &len) != ERR_OK)
        return NULL;
    const char *text = cli_text(&b->cli, "%s", data);
    mem_free(data);
    return text;
}

static bool has(const char *text, const char *part)
{
    return text && strstr(text, part) != NULL;
}

static void program(const struct bed *b, const char *name, const char *body)
{
    char path[PATH_MAX], text[PATH_MAX + 200];
    snprintf(path, sizeof path, "/bin/%s", name);
    snprintf(text, sizeof text, "#!/bin/sh\necho \"%s $*\" >> %s/calls\n%s\n", name, b->folder,
             body);
    put(b, path, text);
    assert_int_equal(chmod(at(b, path), 0755), 0);
}

/* What the programs were called with since the last time. */
static const char *calls(struct bed *b)
{
    const char *text = got(b, "/calls");
    unlink(at(b, "/calls"));
    return text ? text : "";
}

static void bed_init(struct bed *b)
{
    *b = (struct bed){0};
    test_tmpdir_make(b->folder, sizeof b->folder);
    b->said = tmpfile();
    assert_non_null(b->said);
    arena_init(&b->cli.arena, NULL, 0, 16 << 20);
    term_init(&b->cli.err, b->said);
    snprintf(b->path, sizeof b->path, "%s", getenv("PATH"));
    program(b, "systemctl", "");
    program(b, "nmcli", "");
    program(b, "resolvectl", "");
    setenv("PATH", cli_text(&b->cli, "%s:%s", at(b, "/bin"), b->path), 1);
    put(b, "/etc/resolv.conf", "nameserver 192.0.2.1\n");
    b->d = (struct local_dns){.root = b->folder,
                              .live = true,
                              .keep = cli_text(&b->cli, "%s/keep", b->folder),
                              .session = "slim",
                              .zone = "dev.example.com",
                              .domains = {NAMES, "slim.shop.dev.example.com"},
                              .n_domains = 2,
                              .port = 5354};
}

static void bed_deinit(struct bed *b)
{
    setenv("PATH", b->path, 1);
    cli_forget(&b->cli);
    fclose(b->said);
    test_tmpdir_remove(b->folder);
}

static const char *install(struct bed *b)
{
    const char *state;
    assert_int_equal(local_dns_install(&b->cli, &b->d, &state), EXIT_DONE);
    return state;
}

static const char *uninstall(struct bed *b)
{
    const char *state;
    assert_int_equal(local_dns_uninstall(&b->cli, &b->d, &state), EXIT_DONE);
    return state;
}

static const char *said(struct bed *b)
{
    char text[4096];
    rewind(b->said);
    size_t n = fread(text, 1, sizeof text - 1, b->said);
    text[n] = '\0';
    return cli_text(&b->cli, "%s", text);
}

#define PUT_CALLS                                                                                  \
    "systemctl daemon-reload\n"                                                                    \
    "systemctl enable linkup-dns-slim.dev.example.com.service\n"                                   \
    "systemctl restart linkup-dns-slim.dev.example.com.service\n"

static void resolved_gets_a_link_of_its_own(void **state)
{
    struct bed b;
    bed_init(&b);
    put(&b, "/etc/resolv.conf", "# stub\n" STUB "options edns0\n");
    put(&b, "/etc/systemd/system/other.service", "[Unit]\n");
    assert_string_equal(install(&b), "installed");
    assert_string_equal(calls(&b), PUT_CALLS);
    const char *unit = got(&b, UNIT);
    assert_true(span_starts(span_str(unit), SPAN_LIT("# linkup local-dns: " NAMES "\n")));
    /* For these names alone, and no route for any other. */
    assert_true(has(unit, " ~slim.dev.example.com ~slim.shop.dev.example.com\n"));
    assert_true(has(unit, " 127.0.0.1:5354\n"));
    assert_true(has(unit, "ExecStart=resolvectl default-route linkup-"));
    assert_false(has(unit, "~.") || has(unit, "~dev.example.com"));
    const char *link = strstr(unit, "linkup-");
    link = strstr(unit, "link add linkup-") + strlen("link add ");
    assert_true(strcspn(link, " ") <= 15); /* IFNAMSIZ */

    assert_int_equal(local_dns_look(&b.cli, &b.d), LOCAL_DNS_RIGHT);
    assert_string_equal(install(&b), "installed already");
    assert_string_equal(calls(&b), "");

    b.d.port = 5355;
    assert_int_equal(local_dns_look(&b.cli, &b.d), LOCAL_DNS_OTHER);
    assert_string_equal(install(&b), "installed");
    assert_string_equal(calls(&b), PUT_CALLS);
    assert_true(has(got(&b, UNIT), "127.0.0.1:5355\n"));

    assert_string_equal(uninstall(&b), "uninstalled");
    assert_string_equal(calls(&b),
                        "systemctl disable --now linkup-dns-slim.dev.example.com.service\n"
                        "systemctl daemon-reload\n");
    assert_null(got(&b, UNIT));
    assert_non_null(got(&b, "/etc/systemd/system/other.service"));
    assert_int_equal(local_dns_look(&b.cli, &b.d), LOCAL_DNS_NONE);
    assert_string_equal(uninstall(&b), "not there");
    assert_string_equal(calls(&b), "");
    bed_deinit(&b);
}

static void resolved_may_be_glibcs(void **state)
{
    struct bed b;
    bed_init(&b);
    assert_null(local_dns_kind_of(&b.cli, b.folder));
    put(&b, "/etc/nsswitch.conf", "hosts: files resolve [!UNAVAIL=return] dns\n");
    assert_string_equal(local_dns_kind_of(&b.cli, b.folder)->name, "systemd-resolved");
    bed_deinit(&b);
}

/* An image, say: what belongs to a running system is left to its start. */
static void another_system_is_only_written(void **state)
{
    struct bed b;
    bed_init(&b);
    put(&b, "/etc/resolv.conf", STUB);
    b.d.live = false;
    assert_string_equal(install(&b), "installed");
    assert_string_equal(calls(&b), cli_text(&b.cli,
                                            "systemctl --root=%s enable "
                                            "linkup-dns-slim.dev.example.com.service\n",
                                            b.folder));
    assert_string_equal(uninstall(&b), "uninstalled");
    assert_true(has(calls(&b), " disable linkup-dns-"));
    bed_deinit(&b);
}

static void sessions_are_apart(void **state)
{
    struct bed b;
    bed_init(&b);
    put(&b, "/etc/resolv.conf", STUB);
    install(&b);
    b.d.session = "anna";
    b.d.domains[0] = "anna.dev.example.com";
    b.d.n_domains = 1;
    assert_int_equal(local_dns_look(&b.cli, &b.d), LOCAL_DNS_NONE);
    install(&b);
    assert_int_equal(json_array_size(local_dns_list(&b.cli, b.folder)), 2);
    assert_string_equal(uninstall(&b), "uninstalled");
    assert_non_null(got(&b, UNIT));
    const json_t *left = local_dns_list(&b.cli, b.folder);
    assert_int_equal(json_array_size(left), 1);
    assert_string_equal(json_string_value(json_array_get(left, 0)), NAMES);
    bed_deinit(&b);
}

#define MAC "/etc/resolver/slim.dev.example.com"
#define MAC_SHOP "/etc/resolver/slim.shop.dev.example.com"

static void macos_has_a_file_for_each_domain(void **state)
{
    struct bed b;
    bed_init(&b);
    put(&b, "/System/Library/CoreServices/x", "");
    assert_string_equal(install(&b), "installed");
    assert_true(has(got(&b, MAC), "\nnameserver 127.0.0.1\nport 5354\n"));
    assert_non_null(got(&b, MAC_SHOP));
    assert_string_equal(install(&b), "installed already");

    /* What is no domain of it any more goes, what somebody else made stays. */
    put(&b, "/etc/resolver/corp.example", "nameserver 192.0.2.9\n");
    b.d.n_domains = 1;
    assert_string_equal(install(&b), "installed");
    assert_null(got(&b, MAC_SHOP));
    assert_non_null(got(&b, MAC));
    assert_string_equal(uninstall(&b), "uninstalled");
    assert_null(got(&b, MAC));
    assert_string_equal(got(&b, "/etc/resolver/corp.example"), "nameserver 192.0.2.9\n");
    assert_string_equal(calls(&b), "");
    bed_deinit(&b);
}

static void somebodys_file_is_left_alone(void **state)
{
    struct bed b;
    const char *what;
    bed_init(&b);
    put(&b, "/System/Library/CoreServices/x", "");
    put(&b, MAC_SHOP, "nameserver 192.0.2.9\n");
    assert_int_equal(local_dns_install(&b.cli, &b.d, &what), EXIT_INPUT);
    assert_string_equal(got(&b, MAC_SHOP), "nameserver 192.0.2.9\n");
    assert_null(got(&b, MAC));
    assert_true(has(said(&b), "not made by this command"));
    bed_deinit(&b);
}

static void dnsmasq_by_itself(void **state)
{
    struct bed b;
    bed_init(&b);
    put(&b, "/etc/resolv.conf", "nameserver 127.0.0.1\n");
    put(&b, "/etc/dnsmasq.d/README", "");
    assert_string_equal(install(&b), "installed");
    assert_string_equal(calls(&b), "systemctl restart dnsmasq\n");
    const char *text = got(&b, "/etc/dnsmasq.d/linkup-slim.dev.example.com.conf");
    assert_true(has(text, "\nserver=/slim.dev.example.com/127.0.0.1#5354\n"));
    assert_true(has(text, "\nserver=/slim.shop.dev.example.com/127.0.0.1#5354\n"));
    uninstall(&b);
    assert_string_equal(calls(&b), "systemctl restart dnsmasq\n");
    bed_deinit(&b);
}

static void dnsmasq_of_networkmanager(void **state)
{
    struct bed b;
    bed_init(&b);
    put(&b, "/etc/resolv.conf", "nameserver 127.0.1.1\n");
    put(&b, "/etc/dnsmasq.d/README", "");
    put(&b, "/etc/NetworkManager/dnsmasq.d/README", "");
    put(&b, "/etc/NetworkManager/NetworkManager.conf", "[main]\ndns=dnsmasq\n");
    assert_string_equal(install(&b), "installed");
    assert_string_equal(calls(&b), "nmcli general reload dns-full\n");
    assert_non_null(got(&b, "/etc/NetworkManager/dnsmasq.d/linkup-slim.dev.example.com.conf"));

    /* The resolver became another: the old files go, whatever it was. */
    put(&b, "/etc/resolv.conf", STUB);
    assert_int_equal(local_dns_look(&b.cli, &b.d), LOCAL_DNS_OTHER);
    assert_string_equal(install(&b), "installed");
    assert_null(got(&b, "/etc/NetworkManager/dnsmasq.d/linkup-slim.dev.example.com.conf"));
    assert_int_equal(local_dns_look(&b.cli, &b.d), LOCAL_DNS_RIGHT);
    bed_deinit(&b);
}

static void others_are_told_what_to_do(void **state)
{
    struct bed b;
    const char *what;
    bed_init(&b);
    assert_int_equal(local_dns_install(&b.cli, &b.d, &what), EXIT_INPUT);
    assert_true(has(said(&b), "point slim.shop.dev.example.com"));
    assert_true(has(said(&b), "127.0.0.1, port 5354"));
    bed_deinit(&b);
}

static void what_fails_is_said(void **state)
{
    struct bed b;
    const char *what;
    bed_init(&b);
    put(&b, "/etc/resolv.conf", STUB);
    program(&b, "systemctl", "[ $1 != enable ]");
    assert_int_equal(local_dns_install(&b.cli, &b.d, &what), EXIT_INPUT);
    assert_string_equal(what, "not installed");
    assert_true(has(said(&b), "systemctl enable linkup-dns-slim.dev.example.com.service failed"));

    /* The next time it is not thought to be done. */
    assert_int_equal(local_dns_look(&b.cli, &b.d), LOCAL_DNS_NONE);
    program(&b, "systemctl", "");
    assert_string_equal(install(&b), "installed");
    bed_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resolved_gets_a_link_of_its_own),
        cmocka_unit_test(resolved_may_be_glibcs),
        cmocka_unit_test(another_system_is_only_written),
        cmocka_unit_test(sessions_are_apart),
        cmocka_unit_test(macos_has_a_file_for_each_domain),
        cmocka_unit_test(somebodys_file_is_left_alone),
        cmocka_unit_test(dnsmasq_by_itself),
        cmocka_unit_test(dnsmasq_of_networkmanager),
        cmocka_unit_test(others_are_told_what_to_do),
        cmocka_unit_test(what_fails_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
