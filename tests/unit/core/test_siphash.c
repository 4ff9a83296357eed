#include "core/siphash.h"

#include "support/test.h"

/* The vectors of the reference implementation for 1-3: key 00 01 .. 0f, input 00 01 02 ... */
static void reference_vectors(void **state)
{
    const struct siphash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    const uint8_t input[] = {0, 1};
    assert_true(siphash13(key, NULL, 0) == 0xabac0158050fc4dc);
    assert_true(siphash13(key, input, 1) == 0xc9f49bf37d57ca93);
    assert_true(siphash13(key, input, 2) == 0x82cb9b024dc7d44d);
}

/* Python's hash() with PYTHONHASHSEED=0 is SipHash-1-3 with a key of zeroes. */
static void lengths_about_a_word(void **state)
{
    const struct siphash_key key = {0, 0};
    assert_true(siphash13(key, "a", 1) == 0x407448d2b89b1813);
    assert_true(siphash13(key, "1234567", 7) == 0xa33d651594fdae81);
    assert_true(siphash13(key, "12345678", 8) == 0x3489982430560a87);
    assert_true(siphash13(key, "123456789", 9) == 0x0fbc0f0007965fcf);

    uint8_t input[63];
    for (size_t i = 0; i < sizeof input; i++)
        input[i] = (uint8_t)i;
    assert_true(siphash13(key, input, sizeof input) == 0x385d3e39e5f37359);
}

static void unaligned_input(void **state)
{
    const struct siphash_key key = {1, 2};
    char room[24] = "_1234567890123456";
    assert_true(siphash13(key, room + 1, 16) == siphash13(key, "1234567890123456", 16));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_vectors),
        cmocka_unit_test(lengths_about_a_word),
        cmocka_unit_test(unaligned_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
