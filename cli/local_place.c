#include "cli/local_place.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cli/folders.h"
#include "config/names.h"
#include "core/addr.h"
#include "core/fd.h"
#include "core/file.h"
#include "core/mem.h"

#define LOCAL_FILE_MAX ((size_t)16 << 20)
#define HTTPS_OWN 443
#define HTTP_OWN 80
/* Where searches begin, and how far they go. */
#define HTTPS_FIRST 8443
#define DNS_FIRST 5354
#define PORTS_TRIED 100

/* --- files --------------------------------------------------------------------------------------- */

enum exit_code local_write(struct cli *c, const char *path, const char *text)
{
    if (file_write_atomic(path, span_str(text), 0600) == ERR_OK)
        return EXIT_DONE;
    cli_complain(c, "%s: %s", path, strerror(errno));
    return EXIT_INPUT;
}

json_t *local_read_json(struct cli *c, const char *path)
{
    char *data;
    size_t len;
    if (file_read(path, LOCAL_FILE_MAX, &data, &len) != ERR_OK)
        return NULL;
    json_t *json = cli_keep(c, json_loadb(data, len, JSON_REJECT_DUPLICATES, NULL));
    mem_free(data);
    return json;
}

enum exit_code local_write_json(struct cli *c, const char *path, const json_t *json)
{
    char *text = json_dumps(json, JSON_INDENT(2));
    CHECK(text);
    enum exit_code code = local_write(c, path, text);
    free(text);
    return code;
}

/* --- the place ----------------------------------------------------------------------------------- */

static uint16_t port_of(const json_t *ports, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(ports, key));
    return n > 0 && n <= 65535 ? (uint16_t)n : 0;
}

static void name_files(struct cli *c, struct local_place *p)
{
    p->config = cli_text(c, "%s/linkupd.yaml", p->folder);
    p->state = cli_text(c, "%s/state", p->folder);
    p->own_ca = cli_text(c, "%s/ca/ca.pem", p->state);
    p->socket = cli_text(c, "%s/admin.sock", p->folder);
    p->notify = cli_text(c, "%s/notify.sock", p->folder);
    p->lock = cli_text(c, "%s/lock", p->folder);
    p->log = cli_text(c, "%s/linkupd.log", p->folder);
    p->ports = cli_text(c, "%s/ports.json", p->folder);
    p->services = cli_text(c, "%s/services.json", p->folder);
    p->ca = cli_text(c, "%s/edge-ca.pem", p->folder);
    p->sessions = cli_text(c, "%s/sessions", p->folder);
}

enum exit_code local_place_find(struct cli *c, const char *zone, struct local_place *out)
{
    const char *folder;
    struct sockaddr_un un;
    CHECK(name_is_host(span_str(zone)));
    enum exit_code code = folder_state(c, cli_text(c, "local/%s", zone), false, &folder);
    if (code == EXIT_DONE && !folder) {
        cli_complain(c, "nowhere to keep a local edge: neither XDG_STATE_HOME nor HOME is set");
        code = EXIT_INPUT;
    }
    if (code != EXIT_DONE)
        return code;
    *out = (struct local_place){.zone = zone, .folder = folder};
    name_files(c, out);
    if (strlen(out->notify) >= sizeof un.sun_path) {
        cli_complain(c, "%s: too long for a socket's path", out->notify);
        cli_advise(c, "set XDG_STATE_HOME to a shorter folder");
        return EXIT_INPUT;
    }
    const json_t *ports = local_read_json(c, out->ports);
    out->https = port_of(ports, "https");
    out->http = port_of(ports, "http");
    out->dns = port_of(ports, "dns");
    return EXIT_DONE;
}

const char *local_place_session(struct cli *c, const struct local_place *p, const char *session)
{
    return cli_text(c, "%s/%s.json", p->sessions, session);
}

#define SESSIONS_MAX 256
#define SUFFIX ".json"

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

json_t *local_place_sessions(struct cli *c, const struct local_place *p)
{
    const char *names[SESSIONS_MAX];
    size_t n = 0;
    DIR *dir = opendir(p->sessions);
    const struct dirent *e;
    while (dir && n < SESSIONS_MAX && (e = readdir(dir))) {
        struct span file = span_str(e->d_name), suffix = SPAN_LIT(SUFFIX);
        struct span name = span_sub(file, 0, file.len - suffix.len);
        if (span_ends(file, suffix) && name_is_session(name))
            names[n++] = cli_text(c, SPAN_FMT, SPAN_ARG(name));
    }
    if (dir)
        closedir(dir);
    if (n > 0)
        qsort(names, n, sizeof *names, by_name);
    json_t *list = cli_keep(c, json_array());
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(names[i]));
    return list;
}

/* --- ports --------------------------------------------------------------------------------------- */

/* Whether this user may listen there and nobody else does. */
static bool is_free(uint16_t port, int type)
{
    struct addr at;
    enum err e = addr_parse_ip(SPAN_LIT("127.0.0.1"), port, &at);
    CHECK(e == ERR_OK);
    return fd_addr_is_free(&at, type) == ERR_OK;
}

static bool is_free_for_dns(uint16_t port)
{
    return is_free(port, SOCK_STREAM) && is_free(port, SOCK_DGRAM);
}

static bool is_free_for_http(uint16_t port)
{
    return is_free(port, SOCK_STREAM);
}

static uint16_t search(uint16_t first, bool (*fits)(uint16_t port))
{
    for (uint16_t port = first; port < first + PORTS_TRIED; port++)
        if (fits(port))
            return port;
    return 0;
}

static enum exit_code choose_https(struct cli *c, struct local_place *p, uint16_t wanted,
                                   bool checked)
{
    uint16_t before = p->https;
    if (wanted && wanted != before) {
        p->https = wanted; /* linkupd may have rights that we lack: it says if it cannot */
        p->http = 0;
        return EXIT_DONE;
    }
    if (before && (!checked || before == wanted || is_free_for_http(before)))
        return EXIT_DONE;
    p->https = is_free_for_http(HTTPS_OWN) ? HTTPS_OWN : search(HTTPS_FIRST, is_free_for_http);
    p->http = p->https == HTTPS_OWN && is_free_for_http(HTTP_OWN) ? HTTP_OWN : 0;
    if (before && p->https)
        cli_say(c, "port %u is taken: the local edge is at port %u now", (unsigned)before,
                (unsigned)p->https);
    return p->https ? EXIT_DONE : EXIT_INPUT;
}

static enum exit_code choose_dns(struct cli *c, struct local_place *p, bool checked)
{
    uint16_t before = p->dns;
    if (before && (!checked || is_free_for_dns(before)))
        return EXIT_DONE;
    p->dns = search(DNS_FIRST, is_free_for_dns);
    if (before && p->dns) {
        cli_say(c, "port %u is taken: local DNS is at port %u now", (unsigned)before,
                (unsigned)p->dns);
        cli_advise(c, "where names were pointed here: linkup local-dns install, once more");
    }
    return p->dns ? EXIT_DONE : EXIT_INPUT;
}

enum exit_code local_place_prepare(struct cli *c, struct local_place *p, uint16_t wanted,
                                   bool checked)
{
    if (!folder_make(p->sessions, &c->arena)) {
        cli_complain(c, "cannot make the folder %s: %s", p->sessions, strerror(errno));
        return EXIT_INPUT;
    }
    if (choose_https(c, p, wanted, checked) != EXIT_DONE ||
        choose_dns(c, p, checked) != EXIT_DONE) {
        cli_complain(c, "no port is free on 127.0.0.1 (HTTPS from %d, DNS from %d on)", HTTPS_FIRST,
                     DNS_FIRST);
        return EXIT_INPUT;
    }
    json_t *ports = cli_keep(c, json_pack("{s:i, s:i, s:i}", "https", (int)p->https, "http",
                                          (int)p->http, "dns", (int)p->dns));
    return local_write_json(c, p->ports, ports);
}
