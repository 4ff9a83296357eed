/* Field lines between nghttp2 and our heads: for fronts and backs. RFC 9113 8.2. */
#pragma once

#include <nghttp2/nghttp2.h>

#include "proxy/head/field.h"

/* Keeps a line that has come, copied into the arena. ERR_FULL beyond what a head may have. */
enum err h2_field_take(struct fields *to, struct arena *a, struct span name,
                       struct span value) MUST_USE;

/* The pair points to the strings: they outlive its use, or FLAGS do not say NO_COPY. */
static inline nghttp2_nv h2_field_nv(struct span name, struct span value, uint8_t flags)
{
    return (nghttp2_nv){
        .name = (uint8_t *)(uintptr_t)name.p,
        .value = (uint8_t *)(uintptr_t)value.p,
        .namelen = name.len,
        .valuelen = value.len,
        .flags = flags,
    };
}
