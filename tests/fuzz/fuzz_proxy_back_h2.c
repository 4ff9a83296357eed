/* What a backend says over HTTP/2: two clients, a proxy and a backend on one loop, and a script that decides
 * which frames the backend sends and when, who closes, who stops reading, and which deadline passes.
 *
 * A step is a byte whose low five bits choose what to do, with an argument of three bits, and the bytes that
 * it takes. When the script has ended everyone reads to the end and nobody says any more; what is not over
 * then must be waiting for a deadline. Nothing may be left after the end. */
#include "unit/proxy/exchange_bed.h"

#define H2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

struct script {
    const uint8_t *at, *end;
    struct exchange_bed *bed;
    uint32_t stream; /* of the next request of the client that speaks HTTP/2 */
};

static unsigned take(struct script *s)
{
    return s->at < s->end ? *s->at++ : 0;
}

static struct span take_span(struct script *s, size_t n)
{
    size_t left = (size_t)(s->end - s->at);
    struct span taken = span_of(s->at, n < left ? n : left);
    s->at += taken.len;
    return taken;
}

/* The newest connection to the backend. */
static struct bed_end *back(struct script *s)
{
    static struct bed_end none = {.fd = -1};
    return s->bed->n_backs == 0 ? &none : &s->bed->backs[s->bed->n_backs - 1];
}

static void frame(struct bed_end *e, unsigned type, unsigned flags, uint32_t stream,
                  struct span payload)
{
    uint8_t head[9] = {0, (uint8_t)(payload.len >> 8), (uint8_t)payload.len, (uint8_t)type,
                       (uint8_t)flags};
    uint32_t id = htonl(stream & 0x7fffffff);
    memcpy(head + 5, &id, 4);
    bed_send(e, span_of(head, 9));
    bed_send(e, payload);
}

/* --- the clients --------------------------------------------------------------------------------- */

#define WEBSOCKET_REQUEST                                                                          \
    "GET /w HTTP/1.1\r\nhost: two.z.test\r\nconnection: upgrade\r\nupgrade: websocket\r\n"         \
    "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
static const char *const requests[] = {
    "GET / HTTP/1.1\r\nhost: two.z.test\r\n\r\n",
    "POST /a HTTP/1.1\r\nhost: two.z.test\r\ncontent-length: 10\r\n\r\n01234",
    "PUT /b HTTP/1.1\r\nhost: two.z.test\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "0\r\nx-t: 1\r\n\r\n",
    "HEAD /c HTTP/1.1\r\nhost: two.z.test\r\n\r\n",
    WEBSOCKET_REQUEST,
    "raw bytes",
    "GET / HTTP/1.0\r\nhost: two.z.test\r\n\r\n",
};

/* :method GET or POST, :scheme https, :path /, :authority. */
static void h2_request(struct script *s, bool post)
{
    char block[16] = {post ? '\x83' : '\x82', '\x87', '\x84', '\x01', 10};
    memcpy(block + 5, "two.z.test", 10);
    frame(&s->bed->clients[0], NGHTTP2_HEADERS, post ? 0x4 : 0x5, s->stream, span_of(block, 15));
    s->stream += 2;
}

/* --- the backend --------------------------------------------------------------------------------- */

/* Header blocks: indexed and literal lines without an entry in the table. */
static const struct span heads[] = {
    SPAN_LIT("\210"),              /* 200 */
    SPAN_LIT("\210\017\015\0015"), /* 200, content-length 5 */
    SPAN_LIT("\010\003103"),       /* 103 */
    SPAN_LIT("\213"),              /* 304 */
    SPAN_LIT("\211"),              /* 204 */
    SPAN_LIT("\010\003101"),       /* 101 */
    SPAN_LIT("\000\001x\001y"),    /* trailers */
    SPAN_LIT("\215"),              /* 404 */
};

static uint32_t chosen(unsigned which)
{
    return which * 2 + 1;
}

static void back_data(struct script *s, unsigned which)
{
    static char bytes[16 * 1024];
    unsigned how = take(s);
    size_t len = (size_t)(how >> 1) * 128;
    frame(back(s), NGHTTP2_DATA, how & 1, chosen(which), span_of(bytes, len));
}

static void back_reset(struct script *s, unsigned which)
{
    char code[4] = {0, 0, 0, (char)take(s)};
    frame(back(s), NGHTTP2_RST_STREAM, 0, chosen(which), span_of(code, 4));
}

static void back_goaway(struct script *s, unsigned which)
{
    char payload[8] = {0, 0, 0, (char)(which * 2 + 1), 0, 0, 0, (char)take(s)};
    frame(back(s), NGHTTP2_GOAWAY, 0, 0, span_of(payload, 8));
}

/* MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE or ENABLE_CONNECT_PROTOCOL. */
static void back_settings(struct script *s, unsigned which)
{
    static const uint8_t ids[] = {3, 4, 8, 5};
    char payload[6] = {0, (char)ids[which & 3], 0, 0, (char)(which & 4 ? 1 : 0), (char)take(s)};
    frame(back(s), NGHTTP2_SETTINGS, 0, 0, span_of(payload, 6));
}

/* --- deadlines ----------------------------------------------------------------------------------- */

static struct back_h2 *first_connection(struct exchange_bed *b)
{
    struct table_iter it;
    for (struct table_node *n = table_first(&b->proxy->pools->by_hash, &it); n;
         n = table_next(&it)) {
        struct pool *p = CONTAINER_OF(n, struct pool, node);
        if (p->h2)
            return p->h2;
    }
    return NULL;
}

static void expire(struct script *s, unsigned how)
{
    struct back_h2 *b = first_connection(s->bed);
    if (!b) {
        (void)bed_expire_back(s->bed);
        return;
    }
    if (how & 1)
        b->ping_ms = b->heard_ms = 0;
    for (struct back_stream *i = b->streams; i && (how & 2); i = i->next)
        if (i->due_ms > 0)
            i->due_ms = 1;
    (void)bed_expire(s->bed, &b->conn);
}

/* --- steps --------------------------------------------------------------------------------------- */

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
        h2_request(s, arg & 1);
        return;
    case 3:
        bed_send(&b->clients[1], span_str(requests[arg]));
        return;
    case 4:
        frame(back(s), NGHTTP2_HEADERS, 0x4, chosen(take(s) & 7), heads[arg]);
        return;
    case 5:
        frame(back(s), NGHTTP2_HEADERS, 0x5, chosen(take(s) & 7), heads[arg]);
        return;
    case 6:
        back_data(s, arg);
        return;
    case 7:
        back_reset(s, arg);
        return;
    case 8:
        back_goaway(s, arg);
        return;
    case 9:
        back_settings(s, arg);
        return;
    case 10:
        frame(back(s), NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, span_of(NULL, 0));
        return;
    case 11:
        frame(back(s), NGHTTP2_WINDOW_UPDATE, 0, arg ? chosen(arg - 1) : 0,
              SPAN_LIT("\x00\x00\x40\x00"));
        return;
    case 12: {
        unsigned type = take(s), flags = take(s);
        frame(back(s), type, flags, arg ? chosen(arg - 1) : 0, take_span(s, take(s)));
        return;
    }
    case 13:
        bed_send(back(s), take_span(s, take(s)));
        return;
    case 14:
        bed_end_reset(back(s));
        return;
    case 15:
        if (back(s)->fd >= 0)
            (void)shutdown(back(s)->fd, SHUT_WR);
        return;
    case 16:
        back(s)->hold = !back(s)->hold;
        return;
    case 17:
        b->clients[arg & 1].hold = !b->clients[arg & 1].hold;
        return;
    case 18:
        bed_end_close(&b->clients[arg & 1]);
        return;
    case 19:
        expire(s, arg);
        return;
    case 20:
        (void)bed_expire_front(b);
        return;
    case 21:
        frame(&b->clients[0], NGHTTP2_RST_STREAM, 0, chosen(arg), SPAN_LIT("\x00\x00\x00\x08"));
        return;
    case 22:
        frame(&b->clients[0], NGHTTP2_DATA, take(s) & 1, chosen(arg), take_span(s, take(s)));
        return;
    case 23:
        if (arg == 7)
            proxy_drain(b->proxy);
        return;
    case 24:
        bed_reload(b);
        return;
    case 25: /* a backend that answers everything that was asked */
        for (uint32_t id = 1; id <= 15; id += 2)
            frame(back(s), NGHTTP2_HEADERS, 0x5, id, heads[0]);
        return;
    default:
        bed_turn(b);
    }
}

static void begin(struct script *s)
{
    unsigned how = take(s);
    bed_client_open(s->bed, 0, LISTEN_HTTPS, true);
    bed_client_open(s->bed, 1, LISTEN_HTTPS, false);
    bed_send(&s->bed->clients[0], SPAN_LIT(H2_PREFACE));
    frame(&s->bed->clients[0], NGHTTP2_SETTINGS, 0, 0, span_of(NULL, 0));
    h2_request(s, how & 1);
    bed_settle(s->bed);
    if (how & 2)
        frame(back(s), NGHTTP2_SETTINGS, 0, 0, span_of(NULL, 0));
}

/* Everyone reads, and nobody says any more. */
static void end(struct script *s)
{
    struct exchange_bed *b = s->bed;
    bed_settle(b);
    bed_check_waiting(b);
    for (size_t i = 0; i < BED_CLIENTS; i++)
        b->clients[i].hold = false;
    for (size_t i = 0; i < b->n_backs; i++)
        b->backs[i].hold = false;
    bed_settle(b);
    bed_check_waiting(b);
    for (size_t i = 0; i < b->n_backs; i++)
        if (b->backs[i].fd >= 0)
            (void)shutdown(b->backs[i].fd, SHUT_WR);
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
    struct script s = {.at = data, .end = data + size, .bed = &bed, .stream = 1};
    begin(&s);
    while (s.at < s.end)
        step(&s);
    end(&s);
    bed_stop(&bed);
    return 0;
}
