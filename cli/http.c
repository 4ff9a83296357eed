#include "cli/http.h"

#include <curl/curl.h>
#include <string.h>

#include "cli/cli.h"
#include "core/buf.h"

#define ANSWER_MAX ((size_t)64 << 20)
#define CONNECT_TIMEOUT_S 10L

struct exchange {
    CURL *curl;
    struct curl_slist *fields;
    struct buf body;
    bool discard;
    const struct http_target *target;
    bool told; /* that it takes a while */
};

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
    struct exchange *x = (struct exchange *)ctx;
    if (x->discard)
        return size * n;
    return buf_append(&x->body, span_of(data, size * n)) == ERR_OK ? size * n : 0;
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t d, curl_off_t e)
{
    (void)a, (void)b, (void)d, (void)e;
    struct exchange *x = (struct exchange *)ctx;
    double seconds = 0;
    curl_easy_getinfo(x->curl, CURLINFO_TOTAL_TIME, &seconds);
    if (x->told || !x->target->talk || seconds < 1)
        return 0;
    fprintf(x->target->talk, "waiting for %s ...\n",
            x->target->unix_path ? x->target->unix_path : x->target->origin);
    x->told = true;
    return 0;
}

static void add_line(struct exchange *x, const char *line)
{
    struct curl_slist *longer = curl_slist_append(x->fields, line);
    CHECK(longer);
    x->fields = longer;
}

static void add_field(struct exchange *x, struct arena *arena, const char *name, const char *value)
{
    struct span line = arena_printf(arena, "%s: %s", name, value);
    CHECK(line.p);
    add_line(x, line.p);
}

static void set_place(struct exchange *x, struct arena *arena, const char *path)
{
    const struct http_target *t = x->target;
    struct span url = arena_printf(arena, "%s%s", t->origin, path);
    CHECK(url.p);
    curl_easy_setopt(x->curl, CURLOPT_URL, url.p);
    curl_easy_setopt(x->curl, CURLOPT_PROTOCOLS_STR, t->unix_path ? "http" : "https");
    /* The paths are ours: nothing in them is to be rewritten. */
    curl_easy_setopt(x->curl, CURLOPT_PATH_AS_IS, 1L);
    if (t->unix_path) {
        curl_easy_setopt(x->curl, CURLOPT_UNIX_SOCKET_PATH, t->unix_path);
        curl_easy_setopt(x->curl, CURLOPT_PROXY, "");
    }
    if (!t->connect)
        return;
    /* Empty host and port: whatever the URL says. */
    struct span to = arena_printf(arena, "::%s", t->connect);
    CHECK(to.p);
    struct curl_slist *list = curl_slist_append(NULL, to.p);
    CHECK(list);
    curl_easy_setopt(x->curl, CURLOPT_CONNECT_TO, list);
    curl_easy_setopt(x->curl, CURLOPT_PROXY, "");
    curl_easy_setopt(x->curl, CURLOPT_PRIVATE, list);
}

static void set_trust(struct exchange *x)
{
    const struct http_target *t = x->target;
    CHECK(!(t->unverified && t->token));
    if (t->unverified) {
        curl_easy_setopt(x->curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(x->curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (!t->ca_pem.len)
        return;
    /* CURLOPT_CAPATH keeps its default: the system's roots stay trusted beside it. */
    struct curl_blob blob = {(void *)(uintptr_t)t->ca_pem.p, t->ca_pem.len, CURL_BLOB_NOCOPY};
    curl_easy_setopt(x->curl, CURLOPT_CAINFO_BLOB, &blob);
}

static void set_request(struct exchange *x, struct arena *arena, const struct http_request *r)
{
    static const char json[] = "application/json, application/problem+json, */*;q=0.5";
    add_field(x, arena, "Accept", r->accept ? r->accept : json);
    for (const char *const *line = r->fields; line && *line; line++)
        add_line(x, *line);
    /* A header, since CURLOPT_XOAUTH2_BEARER is not sent over a plain socket to "localhost". */
    if (x->target->token) {
        struct span bearer = arena_printf(arena, "Bearer %s", x->target->token);
        CHECK(bearer.p);
        add_field(x, arena, "Authorization", bearer.p);
    }
    if (r->if_match)
        add_field(x, arena, "If-Match", r->if_match);
    if (r->body.p) {
        add_field(x, arena, "Content-Type", "application/json");
        add_field(x, arena, "Expect", "");
        curl_easy_setopt(x->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
        curl_easy_setopt(x->curl, CURLOPT_POSTFIELDS, r->body.p);
    }
    if (r->as_agent) {
        curl_easy_setopt(x->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(x->curl, CURLOPT_PROXY, "");
    }
    curl_easy_setopt(x->curl, CURLOPT_CUSTOMREQUEST, r->method);
    curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, x->fields);
    curl_easy_setopt(x->curl, CURLOPT_USERAGENT, "linkup/" LINKUP_VERSION);
}

static void set_rest(struct exchange *x, char why[HTTP_WHY_MAX])
{
    _Static_assert(HTTP_WHY_MAX >= CURL_ERROR_SIZE, "libcurl writes that much");
    curl_easy_setopt(x->curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(x->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(x->curl, CURLOPT_TIMEOUT, x->target->timeout_s);
    curl_easy_setopt(x->curl, CURLOPT_CONNECTTIMEOUT,
                     x->target->timeout_s < CONNECT_TIMEOUT_S ? x->target->timeout_s
                                                              : CONNECT_TIMEOUT_S);
    curl_easy_setopt(x->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(x->curl, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(x->curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(x->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(x->curl, CURLOPT_XFERINFODATA, x);
}

static enum http_failure failure_of(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return HTTP_DONE;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return HTTP_UNRESOLVED;
    case CURLE_COULDNT_CONNECT:
        return HTTP_UNCONNECTED;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return HTTP_UNTRUSTED;
    case CURLE_OPERATION_TIMEDOUT:
        return HTTP_TIMEOUT;
    case CURLE_WRITE_ERROR:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return HTTP_BAD_ANSWER;
    default:
        return HTTP_BROKEN;
    }
}

static const char *reply_field(struct exchange *x, struct arena *arena, const char *name)
{
    struct curl_header *h;
    if (curl_easy_header(x->curl, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
        return NULL;
    return arena_strz(arena, span_str(h->value));
}

static enum http_failure take_reply(struct exchange *x, struct arena *arena, struct http_reply *out)
{
    long status = 0;
    curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
    *out = (struct http_reply){
        .status = (int)status,
        .content_type = reply_field(x, arena, "content-type"),
        .etag = reply_field(x, arena, "etag"),
        .date = reply_field(x, arena, "date"),
    };
    char *text = arena_strz(arena, buf_span(&x->body));
    out->body = span_of(text, buf_len(&x->body));
    return text ? HTTP_DONE : HTTP_BAD_ANSWER;
}

static void exchange_deinit(struct exchange *x)
{
    struct curl_slist *connect_to = NULL;
    curl_easy_getinfo(x->curl, CURLINFO_PRIVATE, (char **)&connect_to);
    curl_easy_cleanup(x->curl);
    curl_slist_free_all(connect_to);
    curl_slist_free_all(x->fields);
    buf_deinit(&x->body);
}

enum http_failure http_exchange(const struct http_target *t, const struct http_request *r,
                                struct arena *arena, struct http_reply *out, char why[HTTP_WHY_MAX])
{
    *out = (struct http_reply){0};
    why[0] = '\0';
    struct exchange x = {.curl = curl_easy_init(), .target = t, .discard = r->discard};
    CHECK(x.curl);
    buf_init(&x.body, ANSWER_MAX);
    set_place(&x, arena, r->path);
    set_trust(&x);
    set_request(&x, arena, r);
    set_rest(&x, why);

    CURLcode code = curl_easy_perform(x.curl);
    enum http_failure failure = failure_of(code);
    if (failure == HTTP_DONE)
        failure = take_reply(&x, arena, out);
    else if (!why[0])
        strncat(why, curl_easy_strerror(code), HTTP_WHY_MAX - 1);
    exchange_deinit(&x);
    return failure;
}
