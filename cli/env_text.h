/* Linkup's lines in an env file, between two marks. Pure: texts in, texts out.
 *
 * What is put in can be taken out again so that every other byte is as it was. */
#pragma once

#include "core/buf.h"

#define ENV_MARK "##### Linkup environment - DO NOT EDIT #####"

/* TARGET without what stands between marks, marks included, goes to OUT. ERR_SYNTAX: a mark has no second
 * one; ERR_FULL. */
enum err env_text_without(struct span target, struct buf *out) MUST_USE;
/* The same, then LINES between two marks behind it. */
enum err env_text_with(struct span target, struct span lines, struct buf *out) MUST_USE;
