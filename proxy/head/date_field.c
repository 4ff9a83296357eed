#include "proxy/head/date_field.h"

#include "core/loop.h"
#include "core/timefmt.h"

enum err date_field_add(struct fields *f, struct arena *a)
{
    static _Thread_local struct {
        int64_t second;
        char text[TIMEFMT_MAX];
    } last;
    if (fields_find(f, FIELD_DATE))
        return ERR_OK;
    int64_t second = clock_wall_ms() / 1000;
    if (last.second != second) {
        timefmt_imf_fixdate(second * 1000, last.text);
        last.second = second;
    }
    struct span text = arena_copy(a, span_str(last.text));
    return text.p ? fields_set(f, a, FIELD_DATE, text) : ERR_FULL;
}
