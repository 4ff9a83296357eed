/* HTTP/2 towards the backend, which is nghttp2's: streams end once, whoever ends them; who is silent is not
 * waited for for ever; what was not touched is tried again. */
#include "support/test.h"
#include "unit/proxy/exchange_bed.h"

#define GET "GET / HTTP/1.1\r\nhost: two.z.test\r\n\r\n"
#define STREAMS 64

/* The backend's end of one connection. */
struct twin {
    nghttp2_session *session;
    size_t taken; /* of what it has read */
    int32_t newest;
    bool reset[STREAMS], ended[STREAMS];
    uint32_t code[STREAMS], goaway;
    bool said_goodbye;
    size_t pings;
};

static struct exchange_bed bed;
static struct twin twins[BED_BACKS];
static bool answers_pings;

/* --- the backend --------------------------------------------------------------------------------- */

static int on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct twin *p = user;
    assert_true(frame->hd.stream_id < STREAMS);
    p->newest = frame->hd.stream_id;
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct twin *p = user;
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
        p->reset[frame->hd.stream_id] = true;
        p->code[frame->hd.stream_id] = frame->rst_stream.error_code;
    } else if (frame->hd.type == NGHTTP2_GOAWAY) {
        p->said_goodbye = true;
        p->goaway = frame->goaway.error_code;
    } else if (frame->hd.type == NGHTTP2_PING && !(frame->hd.flags & NGHTTP2_FLAG_ACK)) {
        p->pings++;
    }
    if (frame->hd.stream_id > 0 && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        p->ended[frame->hd.stream_id] = true;
    return 0;
}

static void twin_open(struct twin *p)
{
    nghttp2_session_callbacks *cb;
    nghttp2_option *o;
    nghttp2_session_callbacks_new(&cb);
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_option_new(&o);
    nghttp2_option_set_no_auto_ping_ack(o, !answers_pings);
    assert_int_equal(nghttp2_session_server_new2(&p->session, cb, p, o), 0);
    nghttp2_submit_settings(p->session, NGHTTP2_FLAG_NONE, NULL, 0);
    nghttp2_option_del(o);
    nghttp2_session_callbacks_del(cb);
}

static bool twin_hears(struct twin *p, struct bed_end *e)
{
    struct span fresh = span_from(buf_span(&e->got), p->taken);
    p->taken += fresh.len;
    if (fresh.len == 0)
        return false;
    (void)!nghttp2_session_mem_recv(p->session, (const uint8_t *)fresh.p, fresh.len);
    return true;
}

static bool twin_says(struct twin *p, struct bed_end *e)
{
    const uint8_t *bytes;
    ssize_t n = nghttp2_session_mem_send(p->session, &bytes);
    if (n <= 0 || e->fd < 0)
        return false;
    bed_send_all(&bed, e, span_of(bytes, (size_t)n));
    return true;
}

/* What all have to say, until nobody has. */
static void talk(void)
{
    bool moved = true;
    while (moved) {
        bed_settle(&bed);
        moved = false;
        for (size_t i = 0; i < bed.n_backs; i++) {
            if (!twins[i].session)
                twin_open(&twins[i]);
            moved |= twin_hears(&twins[i], &bed.backs[i]);
            while (twin_says(&twins[i], &bed.backs[i]))
                moved = true;
        }
    }
}

#define NV(n, v)                                                                                   \
    {                                                                                              \
        (uint8_t *)(uintptr_t)(n), (uint8_t *)(uintptr_t)(v), sizeof(n) - 1, sizeof(v) - 1,        \
            NGHTTP2_NV_FLAG_NONE                                                                   \
    }

/* The head of a response that goes on; LENGTH: with a content-length. */
static void head(size_t back, int32_t stream, bool length)
{
    nghttp2_nv nva[] = {NV(":status", "200"), NV("content-length", "10")};
    nghttp2_submit_headers(twins[back].session, NGHTTP2_FLAG_NONE, stream, NULL, nva,
                           length ? 2 : 1, NULL);
    talk();
}

static void answer_whole(size_t back, int32_t stream)
{
    nghttp2_nv nva[] = {NV(":status", "200"), NV("x-mine", "hello")};
    nghttp2_submit_headers(twins[back].session, NGHTTP2_FLAG_END_STREAM, stream, NULL, nva, 2,
                           NULL);
    talk();
}

static void raw_frame(size_t back, uint8_t type, uint8_t flags, int32_t stream, struct span payload)
{
    uint8_t header[9] = {0, (uint8_t)(payload.len >> 8), (uint8_t)payload.len, type, flags};
    uint32_t id = htonl((uint32_t)stream);
    memcpy(header + 5, &id, 4);
    bed_send_all(&bed, &bed.backs[back], span_of(header, 9));
    bed_send_all(&bed, &bed.backs[back], payload);
}

static void reset(size_t back, int32_t stream, uint32_t code)
{
    nghttp2_submit_rst_stream(twins[back].session, NGHTTP2_FLAG_NONE, stream, code);
    talk();
}

/* --- the bed ------------------------------------------------------------------------------------- */

static int set_up(void **state)
{
    answers_pings = true;
    memset(twins, 0, sizeof twins);
    bed_init(&bed);
    bed_start(&bed);
    bed_client_open(&bed, 0, LISTEN_HTTPS, false);
    return 0;
}

static int tear_down(void **state)
{
    bed_settle(&bed);
    bed_check_waiting(&bed);
    bed_stop(&bed);
    bed_deinit(&bed);
    for (size_t i = 0; i < BED_BACKS; i++)
        nghttp2_session_del(twins[i].session);
    return 0;
}

static void ask(void)
{
    bed_say(&bed, GET);
    talk();
}

static bool heard(const char *text)
{
    return bed_count(&bed.clients[0], text) > 0;
}

static void forget_answers(void)
{
    bed.clients[0].got.tail = bed.clients[0].got.head;
}

static struct pool *the_pool(void)
{
    struct table_iter it;
    struct table_node *n = table_first(&bed.proxy->pools->by_hash, &it);
    assert_non_null(n);
    return CONTAINER_OF(n, struct pool, node);
}

static void expire_connection(void)
{
    assert_true(bed_expire(&bed, &the_pool()->h2->conn));
    talk();
}

/* There is a connection, and it has been used. */
static void prime(void)
{
    ask();
    answer_whole(0, 1);
    assert_true(heard("hello"));
    forget_answers();
}

/* --- tests --------------------------------------------------------------------------------------- */

static void streams_share_a_connection(void **state)
{
    bed_client_open(&bed, 1, LISTEN_HTTPS, false);
    bed_send(&bed.clients[1], SPAN_LIT(GET));
    ask();
    assert_int_equal(bed.n_backs, 1);
    assert_int_equal(twins[0].newest, 3);
    answer_whole(0, 3);
    answer_whole(0, 1);
    assert_int_equal(bed_count(&bed.clients[0], "hello") + bed_count(&bed.clients[1], "hello"), 2);
    assert_int_equal(bed_metric(&bed, METRIC_EXCHANGES_OPEN), 0);
}

static void a_client_that_goes_cancels(void **state)
{
    ask();
    bed_end_close(&bed.clients[0]);
    talk();
    assert_true(twins[0].reset[1]);
    assert_int_equal(twins[0].code[1], NGHTTP2_CANCEL);
    assert_false(bed.backs[0].eof);
}

static void an_answer_before_the_end_of_the_request(void **state)
{
    bed_say(&bed, "PUT / HTTP/1.1\r\nhost: two.z.test\r\ncontent-length: 10\r\n\r\n01234");
    talk();
    answer_whole(0, 1);
    assert_true(heard("hello"));
    assert_true(twins[0].reset[1]);
    assert_false(twins[0].ended[1]);
}

static void silence_ends_the_stream_and_not_the_connection(void **state)
{
    ask();
    struct exchange *x = bed_first_exchange(&bed, bed_front(bed.proxy->fronts));
    bed_back_stream(x)->due_ms = 1;
    expire_connection();
    assert_true(heard("HTTP/1.1 504 "));
    assert_true(twins[0].reset[1]);
    assert_false(bed.backs[0].eof);
}

static void a_client_that_pauses_is_no_silent_backend(void **state)
{
    static char piece[200];
    bed.clients[0].hold = true;
    ask();
    head(0, 1, false);
    struct exchange *x = bed_first_exchange(&bed, bed_front(bed.proxy->fronts));
    struct back_stream *s = bed_back_stream(x);
    for (size_t n = 0; s->b && buf_len(&s->body) == 0 && n < 100000; n++) {
        raw_frame(0, NGHTTP2_DATA, 0, 1, span_of(piece, sizeof piece));
        if (nghttp2_session_get_stream_remote_window_size(twins[0].session, 1) <= 0)
            break;
        bed_settle(&bed);
    }
    assert_true(buf_len(&s->body) > 0);
    s->due_ms = 1;
    expire_connection();
    assert_false(twins[0].reset[1]);
    assert_true(s->due_ms > 1);
    bed.clients[0].hold = false;
    talk();
    reset(0, 1, NGHTTP2_CANCEL);
}

static void idle_connections_close(void **state)
{
    prime();
    expire_connection();
    assert_true(twins[0].said_goodbye);
    assert_int_equal(twins[0].goaway, NGHTTP2_NO_ERROR);
    assert_true(bed.backs[0].eof);
    ask();
    assert_int_equal(bed.n_backs, 2);
    answer_whole(1, 1);
    assert_true(heard("hello"));
}

/* As if nothing had come for so long that a PING is due. */
static void make_silent(void)
{
    struct back_h2 *b = the_pool()->h2;
    b->heard_ms = 0;
    b->ping_ms = 0;
    expire_connection();
}

static void a_silent_connection_is_asked(void **state)
{
    ask();
    head(0, 1, false);
    make_silent();
    assert_int_equal(twins[0].pings, 1);
    assert_false(the_pool()->h2->pinged); /* it was answered */
    /* And not again so soon: servers of gRPC take that for an attack. */
    make_silent();
    assert_int_equal(twins[0].pings, 1);
    reset(0, 1, NGHTTP2_CANCEL);
}

static void a_dead_connection_ends_its_streams(void **state)
{
    answers_pings = false;
    ask();
    head(0, 1, false);
    make_silent();
    assert_int_equal(twins[0].pings, 1);
    the_pool()->h2->ping_ms = 0;
    expire_connection();
    assert_true(bed.backs[0].eof);
    assert_true(bed.clients[0].eof);
}

static void what_was_refused_is_tried_again(void **state)
{
    prime();
    bed_say(&bed, "POST / HTTP/1.1\r\nhost: two.z.test\r\ncontent-length: 0\r\n\r\n");
    talk();
    reset(0, 3, NGHTTP2_REFUSED_STREAM);
    assert_int_equal(bed.n_backs, 2);
    answer_whole(1, 1);
    assert_true(heard("hello"));
}

static void what_was_reset_is_not(void **state)
{
    prime();
    ask();
    reset(0, 3, NGHTTP2_INTERNAL_ERROR);
    assert_int_equal(bed.n_backs, 1);
    assert_true(heard("HTTP/1.1 502 "));
}

static void a_reused_connection_that_breaks_is_replaced(void **state)
{
    prime();
    ask();
    bed_end_reset(&bed.backs[0]);
    talk();
    assert_int_equal(bed.n_backs, 2);
    answer_whole(1, 1);
    assert_true(heard("hello"));
}

/* Whether the request or the GOAWAY is seen first. */
static void a_request_that_crosses_a_goaway_goes_elsewhere(void **state)
{
    prime();
    bed_send(&bed.clients[0], SPAN_LIT(GET));
    raw_frame(0, NGHTTP2_GOAWAY, 0, 0, SPAN_LIT("\0\0\0\1\0\0\0\0"));
    talk();
    assert_int_equal(bed.n_backs, 2);
    answer_whole(1, 1);
    assert_true(heard("hello"));
    assert_true(bed.backs[0].eof);
}

static void a_flood_ends_the_connection(void **state)
{
    ask();
    for (int i = 0; i < 2000 && !bed.backs[0].eof; i++)
        raw_frame(0, NGHTTP2_PRIORITY, 0, 1, SPAN_LIT("\0\0\0\3\1"));
    talk();
    assert_true(twins[0].said_goodbye);
    assert_int_equal(twins[0].goaway, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_true(heard("HTTP/1.1 502 "));
}

static void a_peer_of_another_protocol(void **state)
{
    bed_say(&bed, GET);
    bed_answer(&bed, 0, "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    assert_true(heard("HTTP/1.1 502 "));
    assert_true(bed.backs[0].eof);
}

/* Those that wait for the connection are told when it cannot be opened. */
static void everyone_on_a_connection_that_breaks_is_told(void **state)
{
    bed_client_open(&bed, 1, LISTEN_HTTPS, false);
    bed_send(&bed.clients[1], SPAN_LIT(GET));
    ask();
    assert_int_equal(bed.n_backs, 1);
    bed_end_reset(&bed.backs[0]);
    talk();
    assert_int_equal(bed_count(&bed.clients[0], "HTTP/1.1 502 "), 1);
    assert_int_equal(bed_count(&bed.clients[1], "HTTP/1.1 502 "), 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(streams_share_a_connection),
        TEST(a_client_that_goes_cancels),
        TEST(an_answer_before_the_end_of_the_request),
        TEST(silence_ends_the_stream_and_not_the_connection),
        TEST(a_client_that_pauses_is_no_silent_backend),
        TEST(idle_connections_close),
        TEST(a_silent_connection_is_asked),
        TEST(a_dead_connection_ends_its_streams),
        TEST(what_was_refused_is_tried_again),
        TEST(what_was_reset_is_not),
        TEST(a_reused_connection_that_breaks_is_replaced),
        TEST(a_request_that_crosses_a_goaway_goes_elsewhere),
        TEST(a_flood_ends_the_connection),
        TEST(a_peer_of_another_protocol),
        TEST(everyone_on_a_connection_that_breaks_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
