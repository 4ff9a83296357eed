#include "core/timefmt.h"

#include <stdio.h>

#define MS_PER_DAY ((int64_t)86400000)
#define WALL_MS_MIN (-62167219200000) /* 0000-01-01T00:00:00Z */
#define WALL_MS_MAX 253402300799999   /* 9999-12-31T23:59:59.999Z */

struct civil {
    int year, month, day; /* month and day from 1 */
    int hour, minute, second, ms;
    int weekday; /* 0: Sunday */
};

/* Days are counted in years that begin in March, so that the leap day is a year's last, and in eras
 * of 400 years, which all have the same length. Day 0 of that count is 0000-03-01. */
#define DAYS_PER_ERA 146097
#define DAYS_TO_1970 719468

static int64_t days_of_date(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970;
}

static void date_of_days(int64_t days, struct civil *c)
{
    int64_t z = days + DAYS_TO_1970;
    int64_t era = (z >= 0 ? z : z - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    int64_t doe = z - era * DAYS_PER_ERA;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t day_of_year = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;

    c->day = (int)(day_of_year - (153 * march_month + 2) / 5 + 1);
    c->month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
    c->year = (int)(yoe + era * 400 + (c->month <= 2));
}

static struct civil civil_of(int64_t wall_ms)
{
    if (wall_ms < WALL_MS_MIN)
        wall_ms = WALL_MS_MIN;
    if (wall_ms > WALL_MS_MAX)
        wall_ms = WALL_MS_MAX;

    int64_t days = wall_ms / MS_PER_DAY;
    int64_t ms_of_day = wall_ms % MS_PER_DAY;
    if (ms_of_day < 0) {
        ms_of_day += MS_PER_DAY;
        days--;
    }

    struct civil c = {
        .hour = (int)(ms_of_day / 3600000),
        .minute = (int)(ms_of_day / 60000 % 60),
        .second = (int)(ms_of_day / 1000 % 60),
        .ms = (int)(ms_of_day % 1000),
        /* 1970-01-01 was a Thursday. */
        .weekday = (int)(((days + 4) % 7 + 7) % 7),
    };
    date_of_days(days, &c);
    return c;
}

/* COUNT digits, zero-filled. Returns the place behind them. */
static char *put_digits(char *at, int value, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + count;
}

static char *put_char(char *at, char c)
{
    *at = c;
    return at + 1;
}

static char *put_clock(char *at, const struct civil *c)
{
    at = put_char(put_digits(at, c->hour, 2), ':');
    at = put_char(put_digits(at, c->minute, 2), ':');
    return put_digits(at, c->second, 2);
}

/* "2026-05-01T10:00:00" */
static char *put_date_time(char *at, const struct civil *c)
{
    at = put_char(put_digits(at, c->year, 4), '-');
    at = put_char(put_digits(at, c->month, 2), '-');
    at = put_char(put_digits(at, c->day, 2), 'T');
    return put_clock(at, c);
}

const char *timefmt_rfc3339(int64_t wall_ms, char out[TIMEFMT_MAX])
{
    struct civil c = civil_of(wall_ms);
    char *at = put_char(put_date_time(out, &c), '.');
    at = put_char(put_digits(at, c.ms, 3), 'Z');
    *at = '\0';
    return out;
}

const char *timefmt_rfc3339_seconds(int64_t wall_ms, char out[TIMEFMT_MAX])
{
    struct civil c = civil_of(wall_ms);
    char *at = put_char(put_date_time(out, &c), 'Z');
    *at = '\0';
    return out;
}

const char *timefmt_imf_fixdate(int64_t wall_ms, char out[TIMEFMT_MAX])
{
    static const char weekdays[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct civil c = civil_of(wall_ms);
    memcpy(out, weekdays[c.weekday], 3);
    memcpy(out + 3, ", ", 2);
    char *at = put_char(put_digits(out + 5, c.day, 2), ' ');
    memcpy(at, months[c.month - 1], 3);
    at = put_char(at + 3, ' ');
    at = put_char(put_digits(at, c.year, 4), ' ');
    at = put_clock(at, &c);
    memcpy(at, " GMT", sizeof " GMT");
    return out;
}

/* Takes COUNT digits off the front of REST. */
static enum err take_digits(struct span *rest, size_t count, int *out)
{
    uint64_t value;
    if (rest->len < count)
        return ERR_SYNTAX;
    TRY(span_to_u64(span_sub(*rest, 0, count), &value));
    *rest = span_from(*rest, count);
    *out = (int)value;
    return ERR_OK;
}

static enum err take_char(struct span *rest, char lower)
{
    if (rest->len == 0 || ascii_lower(rest->p[0]) != lower)
        return ERR_SYNTAX;
    *rest = span_from(*rest, 1);
    return ERR_OK;
}

/* The optional ".123..." */
static enum err take_fraction(struct span *rest, int *ms)
{
    *ms = 0;
    if (take_char(rest, '.') != ERR_OK)
        return ERR_OK;

    int place = 100;
    size_t n = 0;
    for (; n < rest->len && rest->p[n] >= '0' && rest->p[n] <= '9'; n++) {
        *ms += (rest->p[n] - '0') * place;
        place /= 10;
    }
    *rest = span_from(*rest, n);
    return n > 0 ? ERR_OK : ERR_SYNTAX;
}

/* "Z" and nothing behind it; "+02:00" is well-formed but not what we deal in. */
static enum err take_utc(struct span rest)
{
    if (rest.len == 1 && ascii_lower(rest.p[0]) == 'z')
        return ERR_OK;

    int ignored;
    if (take_char(&rest, '+') != ERR_OK)
        TRY(take_char(&rest, '-'));
    TRY(take_digits(&rest, 2, &ignored));
    TRY(take_char(&rest, ':'));
    TRY(take_digits(&rest, 2, &ignored));
    return rest.len == 0 ? ERR_UNSUPPORTED : ERR_SYNTAX;
}

static enum err take_all(struct span s, struct civil *c)
{
    TRY(take_digits(&s, 4, &c->year));
    TRY(take_char(&s, '-'));
    TRY(take_digits(&s, 2, &c->month));
    TRY(take_char(&s, '-'));
    TRY(take_digits(&s, 2, &c->day));
    TRY(take_char(&s, 't'));
    TRY(take_digits(&s, 2, &c->hour));
    TRY(take_char(&s, ':'));
    TRY(take_digits(&s, 2, &c->minute));
    TRY(take_char(&s, ':'));
    TRY(take_digits(&s, 2, &c->second));
    TRY(take_fraction(&s, &c->ms));
    return take_utc(s);
}

static int days_in_month(int year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

enum err timefmt_rfc3339_parse(struct span s, int64_t *wall_ms)
{
    struct civil c;
    TRY(take_all(s, &c));
    if (c.month < 1 || c.month > 12 || c.day < 1 || c.day > days_in_month(c.year, c.month))
        return ERR_RANGE;
    if (c.hour > 23 || c.minute > 59 || c.second > 60)
        return ERR_RANGE;
    if (c.second == 60)
        return ERR_UNSUPPORTED;

    int64_t minutes = (int64_t)c.hour * 60 + c.minute;
    *wall_ms = days_of_date(c.year, c.month, c.day) * MS_PER_DAY + minutes * 60000 +
               (int64_t)c.second * 1000 + c.ms;
    return ERR_OK;
}
