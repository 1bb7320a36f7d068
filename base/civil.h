/* SPDX-License-Identifier: Apache-2.0 */
/* Dates of the Gregorian calendar as days since 1970-01-01, and back. No time zones. */
#pragma once

#include <stdint.h>

#define CIVIL_DAY_S 86400

/* month 1..12; a day beyond the month's end is one of the next month. */
int64_t civil_days(int64_t year, unsigned int month, unsigned int day);
void civil_date(int64_t days, int64_t *year, unsigned int *month, unsigned int *day);

/* The day a Unix time is in (UTC), times before 1970 too. */
static inline int64_t civil_day_of(int64_t seconds)
{
	return seconds / CIVIL_DAY_S - (seconds % CIVIL_DAY_S < 0);
}
