/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>

#include "base/civil.h"
#include "base/rfc3339.h"
#include "base/strbuf.h"

#define FIRST_S (-62135596800LL) /* 0001-01-01T00:00:00Z */
#define LAST_S 253402300799LL /* 9999-12-31T23:59:59Z */

/* Exactly n digits. */
static bool digits(const char **s, unsigned int n, unsigned int *ret)
{
	*ret = 0;
	for (; n > 0; n--, (*s)++) {
		if (!isdigit((unsigned char)**s))
			return false;
		*ret = *ret * 10 + (unsigned int)(**s - '0');
	}
	return true;
}

static bool literal(const char **s, char c)
{
	if (toupper((unsigned char)**s) != c)
		return false;
	(*s)++;
	return true;
}

static bool fraction(const char **s, int32_t *ret)
{
	int32_t unit = 100000000;

	*ret = 0;
	if (**s != '.')
		return true;
	(*s)++;
	if (!isdigit((unsigned char)**s))
		return false;
	for (; isdigit((unsigned char)**s); (*s)++, unit /= 10) {
		if (unit == 0)
			return false;
		*ret += (**s - '0') * unit;
	}
	return true;
}

static bool offset(const char **s, int *ret_s)
{
	unsigned int hour, minute;
	int sign;

	*ret_s = 0;
	if (literal(s, 'Z'))
		return true;
	if (**s != '+' && **s != '-')
		return false;
	sign = **s == '-' ? -1 : 1;
	(*s)++;
	if (!digits(s, 2, &hour) || !literal(s, ':') || !digits(s, 2, &minute))
		return false;
	*ret_s = sign * (int)(hour * 3600 + minute * 60);
	return hour < 24 && minute < 60;
}

static unsigned int days_in_month(unsigned int y, unsigned int m)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	return days[m - 1] + (m == 2 && leap);
}

int rfc3339_parse(const char *s, int64_t *ret_seconds, int32_t *ret_nanos)
{
	unsigned int year, month, day, hour, minute, second;
	int64_t seconds;
	int32_t nanos;
	int offset_s;

	if (!digits(&s, 4, &year) || !literal(&s, '-') || !digits(&s, 2, &month) ||
	    !literal(&s, '-') || !digits(&s, 2, &day) || !literal(&s, 'T') ||
	    !digits(&s, 2, &hour) || !literal(&s, ':') || !digits(&s, 2, &minute) ||
	    !literal(&s, ':') || !digits(&s, 2, &second) || !fraction(&s, &nanos) ||
	    !offset(&s, &offset_s) || *s)
		return -EINVAL;
	if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
	    hour > 23 || minute > 59 || second > 59)
		return -EINVAL;
	seconds = civil_days(year, month, day) * CIVIL_DAY_S + hour * 3600 + minute * 60 + second -
		  offset_s;
	if (seconds < FIRST_S || seconds > LAST_S)
		return -EINVAL;
	*ret_seconds = seconds;
	*ret_nanos = nanos;
	return 0;
}

int rfc3339_format(int64_t seconds, int32_t nanos, struct strbuf *out)
{
	unsigned int month, day, in_day;
	int64_t year, days;

	if (seconds < FIRST_S || seconds > LAST_S || nanos < 0 || nanos > 999999999)
		return -ERANGE;
	days = civil_day_of(seconds);
	in_day = (unsigned int)(seconds - days * CIVIL_DAY_S);
	civil_date(days, &year, &month, &day);
	strbuf_addf(out, "%04d-%02u-%02uT%02u:%02u:%02u", (int)year, month, day, in_day / 3600,
		    in_day / 60 % 60, in_day % 60);
	if (nanos % 1000)
		strbuf_addf(out, ".%09d", (int)nanos);
	else if (nanos % 1000000)
		strbuf_addf(out, ".%06d", (int)(nanos / 1000));
	else if (nanos)
		strbuf_addf(out, ".%03d", (int)(nanos / 1000000));
	strbuf_addc(out, 'Z');
	return 0;
}
