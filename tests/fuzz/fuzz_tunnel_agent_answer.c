/* What answers an agent that asks for a tunnel: what comes of it must not depend on how it comes. The first byte
 * says whether the connection then ends. */
#include "core/mem.h"
#include "proxy/head/message.h"
#include "tunnel/agent/agent_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct agent_answer *a, struct span in, bool eof)
{
    CHECK(a->kind != ANSWER_MORE || (!eof && in.len <= HEAD_MAX + ANSWER_BODY_MAX));
    CHECK(a->kind != ANSWER_TUNNEL || (a->head_len > 0 && a->head_len <= in.len));
    CHECK(a->kind != ANSWER_NONE || a->why[0] != '\0');
    CHECK(a->kind == ANSWER_NONE || a->why[0] == '\0');
    for (const char *p = a->why; *p; p++)
        CHECK(*p >= ' ' && *p <= '~');
}

static bool same(const struct agent_answer *a, const struct agent_answer *b)
{
    return a->kind == b->kind && a->failure == b->failure &&
           span_eq(span_str(a->why), span_str(b->why)) &&
           span_eq(span_str(a->session), span_str(b->session)) &&
           (a->kind != ANSWER_TUNNEL || a->head_len == b->head_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    bool eof = data[0] % 2;
    struct span in = span_of(data + 1, size - 1);
    struct agent_answer whole = {0}, slow = {0};
    agent_answer_read(&whole, in, eof);
    check(&whole, in, eof);
    size_t step = 1 + data[0] / 2;
    for (size_t n = step; n < in.len && slow.kind == ANSWER_MORE; n += step) {
        agent_answer_read(&slow, span_sub(in, 0, n), false);
        check(&slow, span_sub(in, 0, n), false);
    }
    if (slow.kind == ANSWER_MORE)
        agent_answer_read(&slow, in, eof);
    CHECK(same(&whole, &slow));
    return 0;
}
