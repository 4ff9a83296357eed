#include "cli/local_dns_kinds.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/mem.h"

#define SMALL_FILE_MAX ((size_t)1 << 20)

const char *local_dns_mark(struct cli *c, const struct local_dns *d)
{
    return cli_text(c, LOCAL_DNS_MARK "%s.%s", d->session, d->zone);
}

#define WHY "# Made by `linkup local-dns install`; `linkup local-dns uninstall` takes it away.\n"

/* --- systemd-resolved ----------------------------------------------------------------------------
 *
 * A server in resolved.conf is one of the machine's: with "Domains=~x" it gets the names below x, and every
 * name that has no better route beside; that would be other people's. Only a link has servers for its own
 * domains alone (resolved counts one that is up and has an address other than the loopback's), so there is one
 * for each session, which carries nothing. A unit makes it, for resolved forgets what it was told, and
 * the link is gone, when the machine starts anew. */

/* From the block that is for documentation (RFC 5737): nobody's. */
#define LINK_ADDRESS "192.0.2.53/32"

/* A link's name has 15 bytes. FNV-1a. */
static const char *link_name(struct cli *c, const struct local_dns *d)
{
    uint32_t hash = 2166136261u;
    for (const char *p = cli_text(c, "%s.%s", d->session, d->zone); *p; p++)
        hash = (hash ^ (unsigned char)*p) * 16777619u;
    return cli_text(c, "linkup-%08x", hash);
}

static const char *unit_file(struct cli *c, const struct local_dns *d, size_t i)
{
    (void)i;
    return cli_text(c, "linkup-dns-%s.%s.service", d->session, d->zone);
}

/* Programs are the system's own: systemd looks for them in no folder of a user's. */
static const char *unit_text(struct cli *c, const struct local_dns *d, size_t first)
{
    const char *link = link_name(c, d), *domains = "";
    for (size_t i = first; i < d->n_domains; i++)
        domains = cli_text(c, "%s ~%s", domains, d->domains[i]);
    const char *unit = cli_text(
        c,
        "%s\n" WHY "[Unit]\n"
        "Description=Names of the Linkup session %s.%s lead to this machine\n"
        "Wants=systemd-resolved.service\n"
        "PartOf=systemd-resolved.service\n"
        "After=systemd-resolved.service\n"
        "\n",
        local_dns_mark(c, d), d->session, d->zone);
    return cli_text(c,
                    "%s"
                    "[Service]\n"
                    "Type=oneshot\n"
                    "RemainAfterExit=yes\n"
                    "ExecStartPre=-ip link delete %s\n"
                    "ExecStart=ip link add %s type dummy\n"
                    "ExecStart=ip address add " LINK_ADDRESS " dev %s\n"
                    "ExecStart=ip link set %s up\n"
                    "ExecStart=resolvectl dns %s 127.0.0.1:%u\n"
                    "ExecStart=resolvectl domain %s%s\n"
                    "ExecStart=resolvectl default-route %s false\n"
                    "ExecStart=resolvectl dnssec %s no\n"
                    "ExecStart=resolvectl dnsovertls %s no\n"
                    "ExecStart=resolvectl llmnr %s no\n"
                    "ExecStart=resolvectl mdns %s no\n"
                    "ExecStopPost=-ip link delete %s\n"
                    "\n"
                    "[Install]\n"
                    "WantedBy=multi-user.target systemd-resolved.service\n",
                    unit, link, link, link, link, link, (unsigned)d->port, link, domains, link,
                    link, link, link, link, link);
}

static void unit_put(struct cli *c, const struct local_dns *d, const char *file,
                     struct root_steps *s)
{
    if (!d->live) {
        root_steps_run(s, (const char *const[]){"systemctl", cli_text(c, "--root=%s", d->root),
                                                "enable", file, NULL});
        return;
    }
    root_steps_run(s, (const char *const[]){"systemctl", "daemon-reload", NULL});
    root_steps_run(s, (const char *const[]){"systemctl", "enable", file, NULL});
    root_steps_run(s, (const char *const[]){"systemctl", "restart", file, NULL});
}

static void unit_before_gone(struct cli *c, const struct local_dns *d, const char *file,
                             struct root_steps *s)
{
    if (d->live)
        root_steps_run(s, (const char *const[]){"systemctl", "disable", "--now", file, NULL});
    else
        root_steps_run(s, (const char *const[]){"systemctl", cli_text(c, "--root=%s", d->root),
                                                "disable", file, NULL});
}

static void unit_after_gone(struct cli *c, const struct local_dns *d, struct root_steps *s)
{
    (void)c;
    if (d->live)
        root_steps_run(s, (const char *const[]){"systemctl", "daemon-reload", NULL});
}

/* --- macOS: resolver(5) -------------------------------------------------------------------------- */

static const char *resolver_file(struct cli *c, const struct local_dns *d, size_t i)
{
    (void)c;
    return d->domains[i];
}

static const char *resolver_text(struct cli *c, const struct local_dns *d, size_t i)
{
    (void)i;
    return cli_text(c, "%s\n" WHY "nameserver 127.0.0.1\nport %u\n", local_dns_mark(c, d),
                    (unsigned)d->port);
}

/* The folder is watched. */
static void resolver_put(struct cli *c, const struct local_dns *d, const char *file,
                         struct root_steps *s)
{
    (void)c, (void)d, (void)file, (void)s;
}

static void resolver_gone(struct cli *c, const struct local_dns *d, struct root_steps *s)
{
    (void)c, (void)d, (void)s;
}

/* --- dnsmasq, by itself and as a part of NetworkManager ------------------------------------------ */

static const char *dnsmasq_file(struct cli *c, const struct local_dns *d, size_t i)
{
    (void)i;
    return cli_text(c, "linkup-%s.%s.conf", d->session, d->zone);
}

/* Where it keeps names from leading home (stop-dns-rebind), these may. */
static const char *dnsmasq_text(struct cli *c, const struct local_dns *d, size_t first)
{
    const char *text = cli_text(c, "%s\n" WHY, local_dns_mark(c, d));
    for (size_t i = first; i < d->n_domains; i++)
        text = cli_text(c, "%sserver=/%s/127.0.0.1#%u\nrebind-domain-ok=/%s/\n", text,
                        d->domains[i], (unsigned)d->port, d->domains[i]);
    return text;
}

static void dnsmasq_gone(struct cli *c, const struct local_dns *d, struct root_steps *s)
{
    (void)c;
    if (d->live)
        root_steps_run(s, (const char *const[]){"systemctl", "restart", "dnsmasq", NULL});
}

static void dnsmasq_put(struct cli *c, const struct local_dns *d, const char *file,
                        struct root_steps *s)
{
    (void)file;
    dnsmasq_gone(c, d, s);
}

static void manager_gone(struct cli *c, const struct local_dns *d, struct root_steps *s)
{
    (void)c;
    if (d->live)
        root_steps_run(s, (const char *const[]){"nmcli", "general", "reload", "dns-full", NULL});
}

static void manager_put(struct cli *c, const struct local_dns *d, const char *file,
                        struct root_steps *s)
{
    (void)file;
    manager_gone(c, d, s);
}

/* --- which it is --------------------------------------------------------------------------------- */

const struct local_dns_kind local_dns_kinds[LOCAL_DNS_KINDS] = {
    {.name = "macOS's resolver",
     .folder = "/etc/resolver",
     .file = resolver_file,
     .file_each = true,
     .text = resolver_text,
     .after_put = resolver_put,
     .after_gone = resolver_gone},
    {.name = "systemd-resolved",
     .folder = "/etc/systemd/system",
     .file = unit_file,
     .text = unit_text,
     .after_put = unit_put,
     .before_gone = unit_before_gone,
     .after_gone = unit_after_gone},
    {.name = "NetworkManager's dnsmasq",
     .folder = "/etc/NetworkManager/dnsmasq.d",
     .file = dnsmasq_file,
     .text = dnsmasq_text,
     .after_put = manager_put,
     .after_gone = manager_gone},
    {.name = "dnsmasq",
     .folder = "/etc/dnsmasq.d",
     .file = dnsmasq_file,
     .text = dnsmasq_text,
     .after_put = dnsmasq_put,
     .after_gone = dnsmasq_gone},
};

static bool is_folder(struct cli *c, const char *root, const char *path)
{
    struct stat st;
    return stat(cli_text(c, "%s%s", root, path), &st) == 0 && S_ISDIR(st.st_mode);
}

/* Whether a line of PATH begins with FIRST and holds WORD. */
static bool has_line(struct cli *c, const char *root, const char *path, const char *first,
                     const char *word)
{
    char *data;
    size_t len;
    if (file_read(cli_text(c, "%s%s", root, path), SMALL_FILE_MAX, &data, &len) != ERR_OK)
        return false;
    struct span rest = span_of(data, len), line;
    bool found = false;
    while (!found && span_split(&rest, '\n', &line)) {
        line = span_trim(line);
        found = span_starts(line, span_str(first)) &&
                memmem(line.p, line.len, word, strlen(word)) != NULL;
    }
    mem_free(data);
    return found;
}

static bool asks(struct cli *c, const char *root, const char *server)
{
    return has_line(c, root, "/etc/resolv.conf", "nameserver", server);
}

/* Its stub, or glibc's module for it. */
static bool asks_resolved(struct cli *c, const char *root)
{
    return asks(c, root, "127.0.0.53") || asks(c, root, "127.0.0.54") ||
           has_line(c, root, "/etc/nsswitch.conf", "hosts:", " resolve");
}

const struct local_dns_kind *local_dns_kind_of(struct cli *c, const char *root)
{
    if (is_folder(c, root, "/System/Library/CoreServices"))
        return &local_dns_kinds[0];
    if (asks_resolved(c, root))
        return &local_dns_kinds[1];
    bool here = asks(c, root, "127.0.0.1") || asks(c, root, "127.0.1.1");
    if (here && is_folder(c, root, "/etc/NetworkManager/dnsmasq.d") &&
        has_line(c, root, "/etc/NetworkManager/NetworkManager.conf", "dns=", "dnsmasq"))
        return &local_dns_kinds[2];
    if (here && is_folder(c, root, "/etc/dnsmasq.d"))
        return &local_dns_kinds[3];
    return NULL;
}
