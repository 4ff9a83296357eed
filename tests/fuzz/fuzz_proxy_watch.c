/* Whose call a request of a watched trace is: lines of fields, a letter and a value each. Whatever they hold,
 * who is named is a span's id, and what goes on to the backend can be read again. */
#include "core/mem.h"
#include "proxy/watch_marks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TRACE SPAN_LIT("0af7651916cd43dd8448eb211c80319c")
#define HOP SPAN_LIT("b7ad6b7169203331")

static enum field_id id_of(char letter)
{
    switch (letter) {
    case 'p':
        return FIELD_TRACEPARENT;
    case 's':
        return FIELD_TRACESTATE;
    case 'b':
        return FIELD_BAGGAGE;
    default:
        return FIELD_X_REQUEST_ID;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct fields f = {0};
    struct watch_marks m;
    struct span rest = span_of(data, size), line;
    arena_init(&arena, NULL, 0, 1024 * 1024);
    while (span_split(&rest, '\n', &line)) {
        struct span value = span_trim(span_from(line, 1));
        if (line.len > 0 && field_value_valid(value) &&
            fields_add_id(&f, &arena, id_of(line.p[0]), value) != ERR_OK)
            break;
    }
    bool is_of_it = watch_marks_read(TRACE, &f, &m);
    CHECK(is_of_it == (m.by != 0));
    CHECK(m.caller.len == 0 || tracing_is_span_id(m.caller));

    if (tracing_hop(&f, HOP, &arena) == ERR_OK) {
        const struct field *list = fields_find(&f, FIELD_BAGGAGE);
        CHECK(list && span_starts(list->value, TRACING_HOP));
        bool was = m.by != 0;
        CHECK(watch_marks_read(TRACE, &f, &m) == was);
        CHECK(span_eq(m.caller, HOP));
    }
    arena_deinit(&arena);
    return 0;
}
