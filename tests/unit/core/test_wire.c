#include "core/wire.h"

#include "support/test.h"

static void reads_are_big_endian(void **state)
{
    struct wire_reader r = wire_reader_of("\x01\x02\x03\xff\xfe\xfd\xfcxy", 9);
    assert_int_equal(wire_get_u8(&r), 1);
    assert_int_equal(wire_get_u16(&r), 0x0203);
    assert_true(wire_get_u32(&r) == 0xfffefdfc);
    assert_int_equal(wire_left(&r), 2);
    assert_memory_equal(wire_get_bytes(&r, 2), "xy", 2);
    assert_int_equal(wire_left(&r), 0);
    assert_non_null(wire_get_bytes(&r, 0));
    assert_false(r.failed);
}

static void a_failed_read_sticks(void **state)
{
    struct wire_reader r = wire_reader_of("\x01\x02\x03", 3);
    assert_int_equal(wire_get_u32(&r), 0);
    assert_true(r.failed);
    assert_int_equal(wire_get_u8(&r), 0);
    assert_null(wire_get_bytes(&r, 0));
    assert_int_equal(wire_left(&r), 0);

    r = wire_reader_of("\x01", 1);
    assert_null(wire_get_bytes(&r, SIZE_MAX));
    assert_true(r.failed);
}

static void writes_are_big_endian(void **state)
{
    uint8_t room[9];
    struct wire_writer w = wire_writer_of(room, sizeof room);
    wire_put_u8(&w, 1);
    wire_put_u16(&w, 0x0203);
    wire_put_u32(&w, 0xfffefdfc);
    wire_put_bytes(&w, "xy", 2);
    wire_put_bytes(&w, NULL, 0);
    assert_false(w.failed);
    assert_int_equal(w.pos, 9);
    assert_memory_equal(room, "\x01\x02\x03\xff\xfe\xfd\xfcxy", 9);
}

static void a_failed_write_sticks_and_writes_nothing(void **state)
{
    uint8_t room[3] = {0};
    struct wire_writer w = wire_writer_of(room, sizeof room);
    wire_put_u32(&w, UINT32_MAX);
    assert_true(w.failed);
    wire_put_u8(&w, 1);
    wire_put_u16(&w, 1);
    wire_put_bytes(&w, "x", 1);
    assert_int_equal(w.pos, 0);
    assert_memory_equal(room, "\0\0\0", 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_are_big_endian),
        cmocka_unit_test(a_failed_read_sticks),
        cmocka_unit_test(writes_are_big_endian),
        cmocka_unit_test(a_failed_write_sticks_and_writes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
