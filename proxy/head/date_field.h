/* The date field: RFC 9110 6.6.1 wants one in what is answered and in what is forwarded. */
#pragma once

#include "proxy/head/field.h"

/* Adds date, as of now, unless there is one. The text is made once a second and thread. */
enum err date_field_add(struct fields *f, struct arena *a) MUST_USE;
