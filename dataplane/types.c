/* SPDX-License-Identifier: Apache-2.0 */
/* Every item type and every backend: one line each, in the order they are observed and shown. */
#include "dataplane/dp.h"

const struct dp_type *const dp_types[] = {
	NULL,
};

const struct dp_backend *const dp_backends[] = {
	NULL,
};
