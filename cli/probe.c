#include "cli/probe.h"

#include <curl/curl.h>
#include <string.h>

#include "config/backend_url.h"
#include "core/loop.h"

bool probe_is_well(const struct project_health *h, long status)
{
    if (!h || h->n_statuses == 0)
        return status >= 200 && status < 400;
    for (size_t i = 0; i < h->n_statuses; i++)
        if (status >= h->statuses[i].from && status <= h->statuses[i].to)
            return true;
    return false;
}

static size_t throw_away(char *p, size_t size, size_t n, void *ctx)
{
    (void)p, (void)ctx;
    return size * n;
}

/* The URL with the path that is asked for; h2c is HTTP for libcurl. */
static const char *target_of(struct cli *c, const struct probe *p, bool *h2c)
{
    struct config_backend url;
    const char *why, *path = p->health && p->health->path ? p->health->path : "/";
    if (backend_url_parse(span_str(p->url), &c->arena, &url, &why) != ERR_OK)
        return NULL;
    *h2c = url.scheme == BACKEND_H2C;
    bool v6 = url.host_is_ip && strchr(url.host, ':');
    return cli_text(c, v6 ? "%s://[%s]:%u%s%s" : "%s://%s:%u%s%s",
                    url.scheme == BACKEND_HTTPS ? "https" : "http", url.host, (unsigned)url.port,
                    url.base_path, path);
}

static CURL *begin(struct cli *c, struct probe *p)
{
    bool h2c = false;
    const char *target = target_of(c, p, &h2c);
    CURL *e = target ? curl_easy_init() : NULL;
    if (!e)
        return NULL;
    curl_easy_setopt(e, CURLOPT_URL, target);
    curl_easy_setopt(e, CURLOPT_PRIVATE, p);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)PROBE_MS);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, throw_away);
    curl_easy_setopt(e, CURLOPT_USERAGENT, "linkup/" LINKUP_VERSION);
    if (h2c)
        curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
    if (p->connect_only)
        curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L);
    return e;
}

static const char *words_of(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_CONNECT:
        return "nobody listens there";
    case CURLE_COULDNT_RESOLVE_HOST:
        return "its name has no address";
    case CURLE_OPERATION_TIMEDOUT:
        return "no answer within 2 s";
    case CURLE_PEER_FAILED_VERIFICATION:
        return "its certificate is not trusted";
    default:
        return curl_easy_strerror(code);
    }
}

static void finish(struct cli *c, CURL *e, CURLcode code)
{
    struct probe *p = NULL;
    long status = 0;
    curl_easy_getinfo(e, CURLINFO_PRIVATE, (char **)&p);
    curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &status);
    bool well = code == CURLE_OK && (p->connect_only || probe_is_well(p->health, status));
    p->state = well ? PROBE_UP : PROBE_DOWN;
    if (code == CURLE_OK && !well)
        p->why = cli_text(c, "status %ld", status);
    else if (!well)
        p->why = words_of(code);
}

static void take_finished(struct cli *c, CURLM *m)
{
    CURLMsg *msg;
    int left;
    while ((msg = curl_multi_info_read(m, &left))) {
        CURL *e = msg->easy_handle;
        CURLcode code = msg->data.result;
        if (msg->msg != CURLMSG_DONE)
            continue;
        finish(c, e, code);
        curl_multi_remove_handle(m, e);
        curl_easy_cleanup(e);
    }
}

static void begin_all(struct cli *c, CURLM *m, struct probe *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        v[i].state = PROBE_NONE;
        v[i].why = "";
        CURL *e = v[i].url ? begin(c, &v[i]) : NULL;
        if (e)
            curl_multi_add_handle(m, e);
    }
}

void probe_all(struct cli *c, struct probe *v, size_t n)
{
    int running = 1;
    CURLM *m = curl_multi_init();
    CHECK(m);
    begin_all(c, m, v, n);
    /* Each ends by its own timeout. */
    while (running > 0) {
        if (curl_multi_perform(m, &running) != CURLM_OK)
            break;
        take_finished(c, m);
        if (running > 0 && curl_multi_poll(m, NULL, 0, 100, NULL) != CURLM_OK)
            break;
    }
    curl_multi_cleanup(m);
}
