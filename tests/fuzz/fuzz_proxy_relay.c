/* What one side says, and what the other is given of it, read twice: by the edge as it comes, in pieces, and
 * here all at once. They must agree on where messages end and on what is in them, and what cannot be read
 * here must not come out whole there.
 *
 * The first byte chooses: bit 0, whether a client or a backend speaks; bit 1, HEAD instead of GET; the rest,
 * how many bytes at a time. The other bytes are what is said. */
#include "proxy/h1/chunked.h"
#include "proxy/h1/parse.h"
#include "unit/proxy/exchange_bed.h"

#define MESSAGES_MAX 64

struct message {
    bool whole;
    int status; /* of an answer; 0: none could be read */
    enum method method;
    bool keep_alive;
    struct buf body;
    size_t trailers;
};

/* --- reading all at once ------------------------------------------------------------------------- */

static void free_message(struct message *m)
{
    buf_deinit(&m->body);
}

static void keep(struct message *m, struct span s)
{
    CHECK(buf_append(&m->body, s) == ERR_OK);
}

static void read_chunks(struct message *m, struct span *in, struct arena *arena)
{
    struct chunked c;
    chunked_init(&c);
    for (;;) {
        size_t skip;
        struct span data;
        enum err e = chunked_next(&c, *in, arena, &skip, &data);
        *in = span_from(*in, skip);
        if (e != ERR_OK)
            return;
        if (chunked_done(&c)) {
            m->whole = true;
            m->trailers = c.trailers.n;
            return;
        }
        keep(m, data);
        chunked_data_consumed(&c, data.len);
        *in = span_from(*in, data.len);
    }
}

static void read_body(struct message *m, enum body_kind kind, uint64_t length, struct span *in,
                      struct arena *arena)
{
    if (kind == BODY_CHUNKED) {
        read_chunks(m, in, arena);
        return;
    }
    size_t n = kind == BODY_NONE ? 0 : in->len;
    if (kind == BODY_LENGTH && n > length)
        n = (size_t)length;
    keep(m, span_sub(*in, 0, n));
    *in = span_from(*in, n);
    m->whole = kind != BODY_LENGTH || n == length;
}

/* The final answer at the front of IN; status 0 where there is none. */
static struct message read_answer(struct span in, enum method asked)
{
    struct message m = {.method = asked};
    struct arena arena;
    struct response_head head;
    struct h1_fault fault;
    arena_init(&arena, NULL, 0, EXCHANGE_ARENA_MAX);
    buf_init(&m.body, BED_GOT_MAX);
    for (unsigned interims = 0; interims <= 16; interims++) {
        size_t scanned = 0, len = 0;
        if (h1_find_head(in, &scanned, &len, &fault) != ERR_OK ||
            h1_parse_response(span_sub(in, 0, len), asked, &arena, &head, &fault) != ERR_OK ||
            head.status == 101)
            break;
        in = span_from(in, len);
        if (head.status < 200)
            continue;
        m.status = head.status;
        read_body(&m, head.body, head.content_length, &in, &arena);
        break;
    }
    arena_deinit(&arena);
    return m;
}

/* The request at the front of IN, which is moved behind it; false: there is no whole one. */
static bool read_request(struct span *in, struct message *m)
{
    struct arena arena;
    struct request_head head;
    struct h1_fault fault;
    size_t scanned = 0, len = 0;
    *m = (struct message){0};
    buf_init(&m->body, BED_GOT_MAX);
    arena_init(&arena, NULL, 0, EXCHANGE_ARENA_MAX);
    struct span rest = span_from(*in, h1_skip_empty_line(*in));
    if (rest.len > 0 && h1_find_head(rest, &scanned, &len, &fault) == ERR_OK &&
        h1_parse_request(span_sub(rest, 0, len), &arena, &head, &fault) == ERR_OK) {
        rest = span_from(rest, len);
        m->method = head.method;
        m->keep_alive = head.keep_alive && head.upgrade.len == 0;
        read_body(m, head.body, head.content_length, &rest, &arena);
        *in = rest;
    }
    arena_deinit(&arena);
    if (!m->whole)
        free_message(m);
    return m->whole;
}

/* All requests that are whole, one behind the other. */
static size_t read_requests(struct span in, struct message *v)
{
    size_t n = 0;
    while (n < MESSAGES_MAX && read_request(&in, &v[n])) {
        n++;
        if (!v[n - 1].keep_alive)
            break;
    }
    return n;
}

/* --- a backend speaks ---------------------------------------------------------------------------- */

/* As much of S as the edge takes. */
static void say_in_pieces(struct exchange_bed *b, struct bed_end *e, struct span s, size_t step)
{
    while (s.len > 0 && !e->eof) {
        size_t n = bed_send(e, span_sub(s, 0, step));
        bed_settle(b);
        if (n == 0 && b->moved == 0)
            return;
        s = span_from(s, n);
    }
}

/* HAVE, what the client got, against MEANT, what the backend said. */
static void compare_answers(const struct message *have, const struct message *meant)
{
    /* Bad answers, and those that grow beyond a limit on their way. */
    bool page = have->status == 502 && have->whole && meant->status != 502;
    if (meant->status == 0)
        CHECK(page);
    if (page)
        return;
    if (meant->whole)
        CHECK(have->whole);
    else
        CHECK(!have->whole);
    if (have->status == 0)
        return;
    CHECK(have->status == meant->status);
    struct span got = buf_span(&have->body), all = buf_span(&meant->body);
    CHECK(span_starts(all, got) && (!meant->whole || got.len == all.len));
    CHECK(!meant->whole || have->trailers <= meant->trailers);
}

static void backend_speaks(struct exchange_bed *b, bool is_head, size_t step, struct span said)
{
    enum method method = is_head ? METHOD_HEAD : METHOD_GET;
    bed_client_open(b, 0, LISTEN_HTTPS, false);
    bed_say(b, is_head ? "HEAD / HTTP/1.1\r\nhost: web.z.test\r\n\r\n"
                       : "GET / HTTP/1.1\r\nhost: web.z.test\r\n\r\n");
    CHECK(b->n_backs == 1);
    say_in_pieces(b, &b->backs[0], said, step);
    if (b->backs[0].fd >= 0)
        (void)shutdown(b->backs[0].fd, SHUT_WR);
    bed_settle(b);
    bed_check_waiting(b);

    struct message meant = read_answer(said, method);
    struct message have = read_answer(buf_span(&b->clients[0].got), method);
    compare_answers(&have, &meant);
    free_message(&meant);
    free_message(&have);
}

/* --- a client speaks ----------------------------------------------------------------------------- */

/* A short answer for each request that is whole, as long as more come. */
static void answer_all(struct exchange_bed *b)
{
    size_t answered[BED_BACKS] = {0};
    bool more = true;
    while (more) {
        more = false;
        for (size_t i = 0; i < b->n_backs; i++) {
            struct message v[MESSAGES_MAX];
            size_t n = read_requests(buf_span(&b->backs[i].got), v);
            for (size_t j = 0; j < n; j++)
                free_message(&v[j]);
            for (; answered[i] < n; answered[i]++, more = true)
                say_in_pieces(b, &b->backs[i],
                              SPAN_LIT("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), SIZE_MAX);
        }
    }
}

static bool same_request(const struct message *a, const struct message *b)
{
    return a->method == b->method && span_eq(buf_span(&a->body), buf_span(&b->body)) &&
           a->trailers <= b->trailers;
}

/* Every whole request that a backend got is one that the client said, each once, in that order. Others may
 * have been answered by the edge. */
static void compare_requests(struct exchange_bed *b, const struct message *said, size_t n)
{
    bool used[MESSAGES_MAX] = {false};
    for (size_t i = 0; i < b->n_backs; i++) {
        struct message got[MESSAGES_MAX];
        size_t n_got = read_requests(buf_span(&b->backs[i].got), got), at = 0;
        for (size_t j = 0; j < n_got; j++) {
            while (at < n && (used[at] || !same_request(&got[j], &said[at])))
                at++;
            CHECK(at < n);
            used[at] = true;
            free_message(&got[j]);
        }
    }
}

static void client_speaks(struct exchange_bed *b, size_t step, struct span said)
{
    struct message v[MESSAGES_MAX];
    bed_client_open(b, 0, LISTEN_HTTPS, false);
    for (struct span left = said; left.len > 0 && !b->clients[0].eof;) {
        size_t n = bed_send(&b->clients[0], span_sub(left, 0, step));
        bed_settle(b);
        answer_all(b);
        if (n == 0)
            break;
        left = span_from(left, n);
    }
    bed_check_waiting(b);
    size_t n = read_requests(said, v);
    compare_requests(b, v, n);
    for (size_t i = 0; i < n; i++)
        free_message(&v[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct exchange_bed bed;
    if (!bed.config)
        bed_init(&bed);
    if (size == 0)
        return 0;
    unsigned how = data[0];
    /* From one byte at a time to all at once. */
    size_t step = how >> 2 == 0 ? SIZE_MAX : (size_t)(how >> 2) * (how >> 2);
    struct span said = span_of(data + 1, size - 1);
    bed_start(&bed);
    if (how & 1)
        backend_speaks(&bed, how & 2, step, said);
    else
        client_speaks(&bed, step, said);
    bed_stop(&bed);
    return 0;
}
