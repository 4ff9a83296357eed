#include "proxy/page/page.h"

#include "proxy/page/page_accept.h"
#include "proxy/page/page_writer.h"

static const struct page_kind kinds[PAGE_REASON_COUNT] = {
    [PAGE_BAD_REQUEST] = {400, "bad-request", "This request cannot be read",
                          "It is malformed, or could be read in two ways.",
                          "Nothing was passed on. If a browser sent it, "
                          "something between it and this edge has changed it."},
    [PAGE_UNKNOWN_HOST] =
        {404, "unknown-host", "There is nothing at this host",
         "\"{host}\" is neither a service nor a session nor a domain of this edge.",
         "Hosts look like SERVICE.SESSION.{zone} in a session and SERVICE.{zone} for the "
         "shared services. `linkup sessions ls` shows the sessions with their URLs."},
    [PAGE_UNKNOWN_SESSION] =
        {404, "unknown-session", "There is no session \"{session}\"",
         "It has ended, or was never made. The shared services were not asked in its "
         "stead, so that nobody takes the one for the other.",
         "Make it: `linkup sessions create {session} SERVICE=URL`. Those that live: "
         "`linkup sessions ls`."},
    [PAGE_UNKNOWN_SERVICE] =
        {404, "unknown-service", "There is no service \"{service}\"",
         "It is neither among the shared services nor in the session.",
         "Use one of the services below, or add it to a session: `linkup sessions set "
         "{session} {service}=URL`."},
    [PAGE_HEADER_TIMEOUT] = {408, "header-timeout", "The request did not arrive in time",
                             "The header section was not complete when its time had run out.",
                             "Send the request again."},
    [PAGE_CONTENT_TOO_LARGE] = {413, "content-too-large", "The body is too large",
                                "It is longer than is taken here.", "Send less at once."},
    [PAGE_TARGET_TOO_LONG] = {414, "target-too-long", "The URL is too long",
                              "Path and query have more than 16 KiB together.",
                              "Send in a body what is too long for a URL."},
    [PAGE_EXPECTATION_FAILED] = {417, "expectation-failed", "This expectation cannot be met",
                                 "The expect field asks for something other than 100-continue.",
                                 "Leave the field out."},
    [PAGE_MISDIRECTED] =
        {421, "misdirected", "This connection is not for \"{host}\"",
         "The certificate that the connection was made with does not cover the host.",
         "Open a connection of its own for this host; browsers do so by themselves."},
    [PAGE_SESSION_REQUIRED] =
        {422, "session-required", "This request names no session",
         "This edge serves sessions only, and none was found in the host, in baggage, "
         "tracestate, referer or origin.",
         "Use a session's own host, SERVICE.SESSION.{zone}; between services, pass on "
         "the baggage and tracestate fields. `linkup explain URL` shows how a request "
         "is read."},
    [PAGE_FIELDS_TOO_LARGE] = {431, "fields-too-large", "The header section is too large",
                               "It has more than 64 KiB or more than 200 lines.",
                               "Most often these are cookies: delete those of this site."},
    [PAGE_METHOD_UNSUPPORTED] =
        {501, "method-unsupported", "This method is not supported",
         "The method, or the transfer coding of the body, is none that is spoken "
         "here.",
         "This is no proxy to elsewhere: over HTTP/2, CONNECT opens WebSockets (RFC 8441) and "
         "nothing else."},
    [PAGE_VERSION_UNSUPPORTED] = {505, "version-unsupported",
                                  "This version of HTTP is not spoken here",
                                  "HTTP/1.0, HTTP/1.1 and HTTP/2 are.", "Use one of these."},
    [PAGE_BACK_REFUSED] =
        {502, "backend-refused", "\"{service}\" refused the connection",
         "Tried: {place}. Nothing listens there.",
         "Start the service. `linkup explain https://{host}` says how a request gets there."},
    [PAGE_BACK_BROKE] =
        {502, "backend-broke", "\"{service}\" broke off its answer",
         "Tried: {place}. It closed the connection before it had answered, or what it "
         "answered is no HTTP.",
         "Look into the log of the service. If it speaks HTTPS or h2c, its URL must say so."},
    [PAGE_BACK_NAME] = {502, "backend-name", "The host of \"{service}\" has no address",
                        "Tried: {place}. The name in its URL could not be resolved.",
                        "Correct the URL of the service."},
    [PAGE_BACK_UNTRUSTED] =
        {502, "backend-untrusted", "\"{service}\" could not be trusted",
         "Tried: {place}. The TLS handshake failed, or the certificate is not for its host, has "
         "expired, or comes from a CA that is not trusted here.",
         "Renew the certificate, or give the CA and the name in the backend's tls settings. The "
         "log of the edge says what was wrong."},
    [PAGE_BACK_PATH] = {502, "backend-path", "A rewrite for \"{service}\" went wrong",
                        "What it makes of the path is no path.", "Correct the rewrite."},
    [PAGE_BACK_NO_UPGRADE] =
        {502, "backend-no-upgrade", "\"{service}\" did not open the WebSocket",
         "Tried: {place}. Its HTTP/2 does not offer WebSockets (RFC 8441), or it gave an ordinary "
         "answer, which an HTTP/2 client would take for consent.",
         "Look whether the service takes WebSockets at this path."},
    [PAGE_BACK_DOWN] = {503, "backend-down", "\"{service}\" is down",
                        "Not tried: {place}. Its health checks fail.", "Start it, then try again."},
    [PAGE_TUNNEL_DOWN] =
        {503, "tunnel-down", "The tunnel to \"{service}\" is down",
         "In the session \"{session}\" this service runs on an engineer's machine, which is "
         "not connected.",
         "Connect it there: `linkup start`. Or leave the service to the shared copy: `linkup "
         "sessions set {session} "
         "{service}=shared`."},
    [PAGE_TUNNEL_LOST] = {502, "tunnel-lost", "The tunnel to \"{service}\" broke off",
                          "The engineer's machine at its other end was lost while the request was "
                          "under way. Whether "
                          "it took effect there is not known.",
                          "Try again: what comes next waits until the machine is back."},
    [PAGE_TUNNEL_SERVICE] =
        {503, "tunnel-service", "\"{service}\" is not at the other end of its tunnel",
         "The engineer's machine is connected, but knows nothing of this service of the session "
         "\"{session}\".",
         "There: `linkup route local {service}`; or leave it to the shared copy: `linkup sessions "
         "set {session} {service}=shared`."},
    [PAGE_OVERLOADED] = {503, "overloaded", "Too much is being asked at once",
                         "A limit of connections or requests has been reached.",
                         "Try again in a few seconds."},
    [PAGE_BACK_SILENT] = {504, "backend-silent", "\"{service}\" did not answer in time",
                          "Tried: {place}. It was reached, or should have been, but said nothing.",
                          "Look into the log of the service; try again."},
    [PAGE_LOOP] =
        {508, "loop", "This request goes in circles", "It has passed this edge eight times.",
         "A backend URL leads back to this edge: correct it. `linkup explain URL` shows the way."},
    [PAGE_HOME] =
        {200, "home", "This is the edge of {zone}",
         "It leads to a system's services: the shared ones at SERVICE.{zone}, and those of a "
         "session, a "
         "copy of the system with somebody's own services in it, at SERVICE.SESSION.{zone}.",
         "`linkup sessions ls` shows the sessions with their URLs, `linkup explain URL` where a "
         "request "
         "goes. Begin with `linkup --edge https://edge.{zone} login`."},
};

int page_status(enum page_reason r)
{
    CHECK(r < PAGE_REASON_COUNT);
    return kinds[r].status;
}

const char *page_slug(enum page_reason r)
{
    CHECK(r < PAGE_REASON_COUNT);
    return kinds[r].slug;
}

enum page_reason page_of_slug(struct span slug, enum page_reason other)
{
    for (int r = 0; r < PAGE_REASON_COUNT; r++)
        if (span_eq(slug, span_str(kinds[r].slug)))
            return (enum page_reason)r;
    return other;
}

enum err page_write(enum page_reason r, const struct page_facts *facts, struct span accept,
                    struct buf *out, const char **content_type)
{
    CHECK(r < PAGE_REASON_COUNT);
    struct page_writer w = {.out = out, .kind = &kinds[r], .facts = facts};
    switch (page_form_of(accept)) {
    case PAGE_HTML:
        *content_type = "text/html; charset=utf-8";
        page_write_html(&w);
        break;
    case PAGE_JSON:
        *content_type = "application/problem+json";
        page_write_json(&w);
        break;
    case PAGE_TEXT:
        *content_type = "text/plain; charset=utf-8";
        page_write_text(&w);
        break;
    }
    return w.err;
}
