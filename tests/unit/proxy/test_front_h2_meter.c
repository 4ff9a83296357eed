/* The budget of an HTTP/2 connection: what is charged for which frame, in whatever pieces it comes; and
 * which ended stream may still be heard of. */
#include <nghttp2/nghttp2.h>

#include "proxy/front/front_h2_meter.h"
#include "proxy/front/front_h2_past.h"
#include "proxy/head/message.h"
#include "support/test.h"

static struct front_h2_meter meter;

static int set_up(void **state)
{
    front_h2_meter_init(&meter, 1000);
    return 0;
}

/* --- the walk ------------------------------------------------------------------------------------ */

/* The preface, then DATA padded by 3, PING, an empty frame of an unknown type, WINDOW_UPDATE by 7. */
static const char talk[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                           "\x00\x00\x06\x00\x09\x00\x00\x00\x01\x03hi\0\0\0"
                           "\x00\x00\x08\x06\x01\x00\x00\x00\x00"
                           "12345678"
                           "\x00\x00\x00\xfe\xff\x80\x00\x00\x05"
                           "\x00\x00\x04\x08\x00\x00\x00\x00\x03\x80\x00\x00\x07";

/* In pieces of SIZE bytes; what was seen is written down. */
static size_t walk(size_t size, struct front_h2_frame *seen)
{
    size_t n = 0, len = sizeof talk - 1;
    for (size_t at = 0; at < len; at += size) {
        struct span piece = span_of(talk + at, len - at < size ? len - at : size);
        while (piece.len > 0) {
            bool begun;
            size_t taken = front_h2_meter_walk(&meter, piece, &seen[n], &begun);
            assert_in_range(taken, 1, piece.len);
            n += begun;
            piece = span_from(piece, taken);
        }
    }
    assert_true(front_h2_meter_between(&meter));
    return n;
}

static void frames_are_found_in_any_pieces(void **state)
{
    for (size_t size = 1; size <= sizeof talk; size++) {
        struct front_h2_frame seen[5];
        front_h2_meter_init(&meter, 0);
        assert_int_equal(walk(size, seen), 4);
        assert_int_equal(seen[0].type, NGHTTP2_DATA);
        assert_int_equal(seen[0].stream, 1);
        assert_int_equal(seen[0].length, 6);
        assert_int_equal(seen[0].first, 4);
        assert_int_equal(seen[1].type, NGHTTP2_PING);
        assert_int_equal(seen[1].flags, NGHTTP2_FLAG_ACK);
        assert_int_equal(seen[2].type, 0xfe);
        assert_int_equal(seen[2].stream, 5);
        assert_int_equal(seen[3].stream, 3);
        assert_int_equal(seen[3].first, 7);
    }
}

/* Lengths that the peer chose and does not keep to: nothing is read beyond what there is. */
static void a_padded_frame_without_padding(void **state)
{
    struct front_h2_frame f;
    bool begun;
    meter.skip = 0;
    assert_int_equal(
        front_h2_meter_walk(&meter, SPAN_LIT("\0\0\0\0\x08\0\0\0\x01rest"), &f, &begun), 9);
    assert_true(begun);
    assert_int_equal(f.first, 0);
    assert_int_equal(
        front_h2_meter_walk(&meter, SPAN_LIT("\0\0\x05\x08\0\0\0\0\x01restsmore"), &f, &begun), 14);
    assert_int_equal(f.first, 0);
}

/* --- the budget ---------------------------------------------------------------------------------- */

static struct front_h2_frame frame(uint8_t type, uint8_t flags, uint32_t length, uint32_t first)
{
    return (struct front_h2_frame){
        .type = type, .flags = flags, .length = length, .first = first, .stream = 1};
}

/* How many of them end the connection. */
static unsigned how_many(struct front_h2_frame f)
{
    unsigned n = 0;
    front_h2_meter_init(&meter, 1000);
    while (!front_h2_meter_spent(&meter) && n < 100000) {
        front_h2_meter_frame(&meter, &f);
        n++;
    }
    return n;
}

static void each_kind_of_noise_has_its_end(void **state)
{
    assert_int_equal(how_many(frame(NGHTTP2_RST_STREAM, 0, 4, 0)), 1000);
    assert_int_equal(how_many(frame(NGHTTP2_PING, 0, 8, 0)), 1000);
    assert_int_equal(how_many(frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 8, 0)), 1000);
    assert_int_equal(how_many(frame(NGHTTP2_SETTINGS, 0, 0, 0)), 500);
    assert_int_equal(how_many(frame(NGHTTP2_SETTINGS, 0, 6 * 16, 0)), 100);
    assert_int_equal(how_many(frame(NGHTTP2_DATA, 0, 0, 0)), 1000);
    assert_int_equal(how_many(frame(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 256, 256)), 1000);
    assert_int_equal(how_many(frame(NGHTTP2_PRIORITY, 0, 5, 0)), 5000);
    assert_int_equal(how_many(frame(NGHTTP2_WINDOW_UPDATE, 0, 4, 1)), 2500);
    assert_int_equal(how_many(frame(NGHTTP2_WINDOW_UPDATE, 0, 4, 65535)), 10000);
    assert_int_equal(how_many(frame(NGHTTP2_GOAWAY, 0, 8, 0)), 100);
    assert_int_equal(how_many(frame(0xfe, 0, 0, 0)), 2000);
    assert_int_equal(how_many(frame(0xfe, 0, 16384, 0)), 477);
}

static void what_carries_something_costs_nothing(void **state)
{
    assert_int_equal(how_many(frame(NGHTTP2_DATA, 0, 1, 0)), 100000);
    assert_int_equal(how_many(frame(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 257, 256)), 100000);
    assert_int_equal(how_many(frame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 0, 0)), 100000);
    assert_int_equal(how_many(frame(NGHTTP2_HEADERS,
                                    NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 16384, 0)),
                     100000);
}

static void work_pays_for_noise(void **state)
{
    struct front_h2_frame reset = frame(NGHTTP2_RST_STREAM, 0, 4, 0);
    for (int i = 0; i < 100000; i++) {
        front_h2_meter_frame(&meter, &reset);
        front_h2_meter_earn(&meter, FRONT_H2_EARN_ANSWER);
    }
    assert_false(front_h2_meter_spent(&meter));
    assert_int_equal(meter.points, FRONT_H2_POINTS);
    front_h2_meter_charge(&meter, 100, "x");
    for (int i = 0; i < 1023; i++)
        front_h2_meter_earn_body(&meter, 1);
    assert_int_equal(meter.points, FRONT_H2_POINTS - 100);
    front_h2_meter_earn_body(&meter, 1);
    assert_int_equal(meter.points, FRONT_H2_POINTS - 99);
    front_h2_meter_earn_body(&meter, (size_t)1 << 40);
    assert_int_equal(meter.points, FRONT_H2_POINTS);
}

static void time_pays_for_noise(void **state)
{
    front_h2_meter_charge(&meter, 5000, "x");
    for (uint64_t ms = 1001; ms <= 2000; ms++) /* too little each time, and yet not lost */
        front_h2_meter_refill(&meter, ms);
    assert_int_equal(meter.points, FRONT_H2_POINTS - 5000 + FRONT_H2_POINTS_A_SECOND);
    front_h2_meter_refill(&meter, UINT64_MAX / 2);
    assert_int_equal(meter.points, FRONT_H2_POINTS);
    assert_false(front_h2_meter_spent(&meter));
}

static void the_end_is_for_good(void **state)
{
    front_h2_meter_charge(&meter, FRONT_H2_POINTS, "first");
    front_h2_meter_charge(&meter, 1, "second");
    front_h2_meter_earn(&meter, FRONT_H2_POINTS);
    front_h2_meter_refill(&meter, 1000000);
    assert_true(front_h2_meter_spent(&meter));
    assert_string_equal(meter.culprit, "first");
}

/* --- header blocks ------------------------------------------------------------------------------- */

static void begin_block(uint32_t length)
{
    struct front_h2_frame f = frame(NGHTTP2_HEADERS, 0, length, 0);
    front_h2_meter_frame(&meter, &f);
}

/* CONTINUATIONs until the end, at most MOST. */
static unsigned continue_block(uint32_t length, unsigned most)
{
    struct front_h2_frame f = frame(NGHTTP2_CONTINUATION, 0, length, 0);
    unsigned n = 0;
    while (!front_h2_meter_spent(&meter) && n < most) {
        front_h2_meter_frame(&meter, &f);
        n++;
    }
    return n;
}

static void a_block_without_end(void **state)
{
    begin_block(0);
    assert_int_equal(continue_block(0, 1000), 33);
    front_h2_meter_init(&meter, 0);
    begin_block(16384);
    assert_int_equal(continue_block(16384, 1000), 2 * HEAD_MAX / 16384);
}

static void a_block_in_a_few_pieces(void **state)
{
    for (int i = 0; i < 10; i++) {
        begin_block(16384);
        assert_int_equal(continue_block(16384, 4), 4);
    }
    assert_false(front_h2_meter_spent(&meter));
    assert_int_equal(meter.points, FRONT_H2_POINTS);
}

static void blocks_of_many_small_pieces(void **state)
{
    unsigned blocks = 0;
    while (!front_h2_meter_spent(&meter) && blocks < 1000) {
        begin_block(10);
        continue_block(0, 31);
        blocks++;
    }
    assert_int_equal(blocks, 65);
}

static void a_bomb(void **state)
{
    unsigned fields = 0;
    begin_block(5000);
    front_h2_meter_field(&meter, 4, 4000);
    while (!front_h2_meter_spent(&meter)) {
        front_h2_meter_field(&meter, 4, 4000);
        fields++;
    }
    assert_in_range(fields, 1, 6);
    assert_string_equal(meter.culprit, "header bomb");
}

/* Huffman's best, and all of the dynamic table said again. */
static void a_head_that_compresses_well_is_no_bomb(void **state)
{
    begin_block(1000);
    front_h2_meter_field(&meter, 20, 1580);
    for (int i = 0; i < 32; i++)
        front_h2_meter_field(&meter, 16, 80);
    for (int i = 0; i < 60; i++)
        front_h2_meter_field(&meter, 27, 12);
    assert_false(front_h2_meter_spent(&meter));
}

static void fields_without_number(void **state)
{
    begin_block(16384);
    for (int i = 0; i < 5 * FIELDS_MAX; i++)
        front_h2_meter_field(&meter, 3, 0);
    assert_false(front_h2_meter_spent(&meter));
    begin_block(16384);
    front_h2_meter_field(&meter, 3, 0);
    assert_false(front_h2_meter_spent(&meter)); /* each block has its own */
    for (int i = 0; i < 5 * FIELDS_MAX; i++)
        front_h2_meter_field(&meter, 3, 0);
    assert_true(front_h2_meter_spent(&meter));
}

/* --- streams that have been ---------------------------------------------------------------------- */

static void a_stream_that_its_client_ended(void **state)
{
    struct front_h2_past p = {0};
    front_h2_past_open(&p, 1);
    front_h2_past_open(&p, 3);
    assert_int_equal(front_h2_past_judge(&p, 1), NGHTTP2_STREAM_CLOSED);
}

static void a_stream_that_was_passed_over(void **state)
{
    struct front_h2_past p = {0};
    front_h2_past_open(&p, 5);
    front_h2_past_open(&p, 7);
    assert_int_equal(front_h2_past_judge(&p, 1), NGHTTP2_PROTOCOL_ERROR);
    assert_int_equal(front_h2_past_judge(&p, 3), NGHTTP2_PROTOCOL_ERROR);
    assert_int_equal(front_h2_past_judge(&p, 5), NGHTTP2_STREAM_CLOSED);
    front_h2_past_open(&p, 0x7fffffff);
    assert_int_equal(front_h2_past_judge(&p, 9), NGHTTP2_PROTOCOL_ERROR);
    assert_int_equal(front_h2_past_judge(&p, 0x7ffffffd), NGHTTP2_PROTOCOL_ERROR);
}

static void a_stream_that_we_reset_may_be_heard_of(void **state)
{
    struct front_h2_past p = {0};
    for (uint32_t s = 1; s <= 199; s += 2) {
        front_h2_past_open(&p, s);
        if (s % 4 == 1)
            front_h2_past_reset(&p, s);
        if (s % 4 == 1)
            assert_int_equal(front_h2_past_judge(&p, s), NGHTTP2_NO_ERROR);
        else
            assert_int_equal(front_h2_past_judge(&p, s), NGHTTP2_STREAM_CLOSED);
    }
    /* Beyond what is remembered, nobody is accused. */
    for (uint32_t s = 1; s <= 199; s += 4)
        assert_int_equal(front_h2_past_judge(&p, s), NGHTTP2_NO_ERROR);
    assert_int_equal(front_h2_past_judge(&p, 3), NGHTTP2_NO_ERROR);
    assert_int_equal(front_h2_past_judge(&p, 199), NGHTTP2_STREAM_CLOSED);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, set_up)
    const struct CMUnitTest tests[] = {
        TEST(frames_are_found_in_any_pieces),
        TEST(a_padded_frame_without_padding),
        TEST(each_kind_of_noise_has_its_end),
        TEST(what_carries_something_costs_nothing),
        TEST(work_pays_for_noise),
        TEST(time_pays_for_noise),
        TEST(the_end_is_for_good),
        TEST(a_block_without_end),
        TEST(a_block_in_a_few_pieces),
        TEST(blocks_of_many_small_pieces),
        TEST(a_bomb),
        TEST(a_head_that_compresses_well_is_no_bomb),
        TEST(fields_without_number),
        TEST(a_stream_that_its_client_ended),
        TEST(a_stream_that_was_passed_over),
        TEST(a_stream_that_we_reset_may_be_heard_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
