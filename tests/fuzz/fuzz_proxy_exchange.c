/* Whole exchanges: a client, a proxy and a backend on one loop, and a script that decides who says what
 * and when, who closes, who stops reading, and which deadline passes.
 *
 * The first byte chooses the listener and the protocol. Then steps: a byte whose low five bits choose
 * what to do, with an argument of three bits, and the bytes that it takes. When the script has ended
 * everyone reads to the end and nobody says any more; what is not over then must be waiting for a
 * deadline. Nothing may be left after the end. */
#include "proxy/head/websocket.h"
#include "unit/proxy/exchange_bed.h"

struct script {
    const uint8_t *at, *end;
    struct exchange_bed *bed;
    uint32_t stream; /* of the next HTTP/2 request */
    size_t back;     /* whose turn it is to speak */
    bool http2;
};

static unsigned take(struct script *s)
{
    return s->at < s->end ? *s->at++ : 0;
}

/* N bytes of the input, or as many as there are. */
static struct span take_span(struct script *s, size_t n)
{
    size_t left = (size_t)(s->end - s->at);
    struct span taken = span_of(s->at, n < left ? n : left);
    s->at += taken.len;
    return taken;
}

static struct bed_end *client(struct script *s)
{
    return &s->bed->clients[0];
}

/* The backend's end of a connection: the newest, or the one that was chosen. */
static struct bed_end *back(struct script *s)
{
    static struct bed_end none = {.fd = -1};
    size_t n = s->bed->n_backs;
    return n == 0 ? &none : &s->bed->backs[s->back < n ? s->back : n - 1];
}

static void fill(struct bed_end *e, size_t n, char with)
{
    static char bytes[16 * 1024];
    memset(bytes, with, sizeof bytes);
    for (; n > 0; n--)
        if (bed_send(e, span_of(bytes, sizeof bytes)) < sizeof bytes)
            return;
}

static void say(struct bed_end *e, const char *const *texts, size_t n, unsigned which)
{
    bed_send(e, span_str(texts[which % n]));
}

/* --- HTTP/1 -------------------------------------------------------------------------------------- */

static const char *const requests[] = {
    "GET / HTTP/1.1\r\nhost: web.z.test\r\n\r\n",
    "POST /a HTTP/1.1\r\nhost: web.z.test\r\ncontent-length: 10\r\n\r\n01234",
    "PUT /b HTTP/1.1\r\nhost: kept.z.test\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "0\r\nx-t: 1\r\n\r\n",
    "HEAD /c HTTP/1.1\r\nhost: web.z.test\r\n\r\n",
    "GET /v1/status HTTP/1.1\r\nhost: edge.z.test\r\n\r\n",
    "POST /v1/ HTTP/1.1\r\nhost: edge.z.test\r\nexpect: 100-continue\r\ncontent-length: 10\r\n\r\n",
    "GET / HTTP/1.0\r\nhost: web.z.test\r\n\r\n",
};

static const char *const responses[] = {
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-t: 1\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffff\r\n",
    "HTTP/1.1 200 OK\r\n\r\nuntil the end",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n",
};

/* --- HTTP/2 -------------------------------------------------------------------------------------- */

#define H2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

static void frame(struct script *s, unsigned type, unsigned flags, uint32_t stream,
                  struct span payload)
{
    uint8_t head[9] = {0, (uint8_t)(payload.len >> 8), (uint8_t)payload.len, (uint8_t)type,
                       (uint8_t)flags};
    uint32_t id = htonl(stream & 0x7fffffff);
    memcpy(head + 5, &id, 4);
    bed_send(client(s), span_of(head, 9));
    bed_send(client(s), payload);
}

/* :method, :scheme https, :path /, :authority: indexed but the last, which is not entered. */
static void h2_request(struct script *s, unsigned which)
{
    static const char *const hosts[] = {"web.z.test", "kept.z.test", "edge.z.test", "dead.z.test"};
    char block[64] = {which & 1 ? '\x83' : '\x82', '\x87', '\x84', '\x01'};
    const char *host = hosts[which / 2 % 4];
    size_t len = strlen(host);
    block[4] = (char)len;
    memcpy(block + 5, host, len);
    /* GET ends its stream, POST does not. */
    frame(s, NGHTTP2_HEADERS, which & 1 ? 0x4 : 0x5, s->stream, span_of(block, 5 + len));
    s->stream += 2;
}

/* An argument of 3 bits counts back from the newest stream; 0 is the connection. */
static uint32_t chosen_stream(const struct script *s, unsigned which)
{
    uint32_t back = which * 2;
    return which > 0 && s->stream > back ? s->stream - back : 0;
}

static void h2_window(struct script *s, unsigned which)
{
    frame(s, NGHTTP2_WINDOW_UPDATE, 0, chosen_stream(s, which), SPAN_LIT("\x00\x01\x00\x00"));
}

/* --- WebSockets ---------------------------------------------------------------------------------- */

#define WS_ASK                                                                                     \
    "GET /ws HTTP/1.1\r\nhost: web.z.test\r\nconnection: upgrade\r\nupgrade: websocket\r\n"        \
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

/* RFC 8441: CONNECT, :protocol websocket, https, /, :authority. */
static void ask_for_websocket(struct script *s)
{
    static const char block[] = "\x02\x07"
                                "CONNECT\x00\x09:protocol\x09websocket\x87\x84\x01\x0aweb.z.test";
    if (!s->http2) {
        bed_send(client(s), SPAN_LIT(WS_ASK));
        return;
    }
    frame(s, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, s->stream, SPAN_LIT(block));
    s->stream += 2;
}

/* The exchange whose upgrade has come to this. */
static struct exchange *find_upgrade(struct script *s, enum exchange_upgrade upgrade)
{
    if (!s->bed->proxy->fronts)
        return NULL;
    struct front *f = bed_front(s->bed->proxy->fronts);
    struct exchange *x = bed_first_exchange(s->bed, f);
    while (x && x->upgrade != upgrade)
        x = s->http2 ? x->h2.next : NULL;
    return x;
}

/* The backend takes it up, as it should or not quite. */
static void take_websocket_up(struct script *s, unsigned how)
{
    static const char *const rests[] = {"", "raw bytes", "HTTP/1.1 200 OK\r\n\r\n"};
    struct exchange *x = find_upgrade(s, UPGRADE_ASKED);
    const struct field *key = x ? fields_find(&x->request.fields, FIELD_SEC_WEBSOCKET_KEY) : NULL;
    char accept[WEBSOCKET_ACCEPT_LEN];
    websocket_accept(key ? key->value : SPAN_LIT(""), accept);
    char *text = mem_printf("HTTP/1.1 101 X\r\nupgrade: %s\r\nconnection: upgrade\r\n"
                            "sec-websocket-accept: %.*s\r\n\r\n%s",
                            how == 7 ? "h2c" : "websocket", WEBSOCKET_ACCEPT_LEN, accept,
                            rests[how % ARRAY_LEN(rests)]);
    bed_send(back(s), span_str(text));
    mem_free(text);
}

static void expire_upgraded(struct script *s)
{
    struct exchange *x = find_upgrade(s, UPGRADE_DONE);
    if (x)
        bed_expire_upgraded(s->bed, x);
}

/* --- steps --------------------------------------------------------------------------------------- */

static void on_call(struct script *s, unsigned how)
{
    struct exchange_bed *b = s->bed;
    static char many[256 * 1024];
    if (how == 7)
        b->answer_at_once = true;
    if (b->n_calls == 0)
        return;
    if (how == 0)
        bed_call_end(b, 0);
    else if (how == 1)
        bed_call_abort(b, b->n_calls - 1);
    else if (how == 2)
        bed_call_data(b, 0, span_of(many, sizeof many));
    else
        bed_call_data(b, 0, SPAN_LIT("data: x\n\n"));
}

static void step(struct script *s)
{
    struct exchange_bed *b = s->bed;
    unsigned op = take(s), arg = op >> 5;
    switch (op & 31) {
    case 0:
        bed_turns(b, arg + 1);
        return;
    case 1:
        bed_settle(b);
        return;
    case 2:
        bed_send(client(s), take_span(s, take(s)));
        return;
    case 3:
        bed_send(back(s), take_span(s, take(s)));
        return;
    case 4:
        if (s->http2)
            h2_request(s, arg);
        else
            say(client(s), requests, ARRAY_LEN(requests), arg);
        return;
    case 5:
        say(back(s), responses, ARRAY_LEN(responses), arg);
        return;
    case 6:
        (void)shutdown(client(s)->fd, SHUT_WR);
        return;
    case 7:
        bed_end_close(client(s));
        return;
    case 8:
        if (back(s)->fd >= 0)
            (void)shutdown(back(s)->fd, SHUT_WR);
        return;
    case 9:
        bed_end_reset(back(s));
        return;
    case 10:
        client(s)->hold = !client(s)->hold;
        return;
    case 11:
        back(s)->hold = !back(s)->hold;
        return;
    case 12:
        (void)bed_expire_front(b);
        return;
    case 13:
        (void)bed_expire_back(b);
        return;
    case 14:
        on_call(s, arg);
        return;
    case 15:
        fill(client(s), take(s) & 31, 'c');
        return;
    case 16:
        fill(back(s), take(s) & 31, 'b');
        return;
    case 17:
        s->back = arg;
        return;
    case 18:
        if (arg == 7)
            proxy_drain(b->proxy);
        return;
    case 19:
        bed_reload(b);
        return;
    case 20: {
        unsigned type = take(s), flags = take(s);
        struct span payload = take_span(s, take(s));
        frame(s, type, flags, chosen_stream(s, arg), payload);
        return;
    }
    case 21:
        frame(s, NGHTTP2_DATA, take(s), chosen_stream(s, arg), take_span(s, take(s)));
        return;
    case 22:
        h2_window(s, arg);
        return;
    case 23:
        frame(s, NGHTTP2_RST_STREAM, 0, chosen_stream(s, arg), SPAN_LIT("\x00\x00\x00\x08"));
        return;
    case 24:
        ask_for_websocket(s);
        return;
    case 25:
        take_websocket_up(s, arg);
        return;
    case 26:
        expire_upgraded(s);
        return;
    default:
        bed_turn(b);
    }
}

static void begin(struct script *s)
{
    static const enum listen_kind kinds[] = {LISTEN_HTTPS, LISTEN_HTTPS, LISTEN_ADMIN,
                                             LISTEN_REDIRECT};
    unsigned how = take(s);
    s->http2 = (how & 3) == 0;
    bed_client_open(s->bed, 0, kinds[how & 3], s->http2);
    if (!s->http2)
        return;
    bed_send(client(s), SPAN_LIT(H2_PREFACE));
    /* SETTINGS_INITIAL_WINDOW_SIZE: small, or what it is by itself */
    frame(s, NGHTTP2_SETTINGS, 0, 0, how & 4 ? SPAN_LIT("\x00\x04\x00\x00\x01\x00") : SPAN_LIT(""));
}

/* Everyone reads, and nobody says any more. */
static void end(struct script *s)
{
    struct exchange_bed *b = s->bed;
    bed_settle(b);
    bed_check_waiting(b);
    client(s)->hold = false;
    for (size_t i = 0; i < b->n_backs; i++)
        b->backs[i].hold = false;
    bed_settle(b);
    bed_check_waiting(b);
    for (size_t i = 0; i < b->n_backs; i++)
        if (b->backs[i].fd >= 0)
            (void)shutdown(b->backs[i].fd, SHUT_WR);
    while (b->n_calls > 0)
        bed_call_end(b, 0);
    bed_settle(b);
    bed_check_waiting(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct exchange_bed bed;
    if (!bed.config)
        bed_init(&bed);
    bed.keep_got = false;
    bed_start(&bed);
    struct script s = {.at = data, .end = data + size, .bed = &bed, .stream = 1, .back = SIZE_MAX};
    begin(&s);
    while (s.at < s.end)
        step(&s);
    end(&s);
    bed_stop(&bed);
    return 0;
}
