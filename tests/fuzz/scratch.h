/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of the fuzzer's own, in memory. It goes when the fuzzer ends by itself. */
#pragma once

#include <assert.h>
#include <stdlib.h>

#include "base/file.h"

static char scratch[] = "/dev/shm/edgeway-fuzz.XXXXXX"; /* once made: its path */

static void scratch_remove(void)
{

	(void)dir_remove(scratch);
}

static inline void scratch_make(void)
{
	assert(mkdtemp(scratch) && atexit(scratch_remove) == 0);
}
