/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from a bootstrap-config.pb that was verified. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bootstrap.pb-c.h"
#include "zedagent/load.h"

#define ZA_SHA_SIZE 32

struct za_bootstrap_input { /* borrowed */
	const char *file;
	const Ew__BootstrapVerdict *verdict;
	bool has_config; /* a configuration of the controller is in force */
	/* Of the file that was taken last, ZA_SHA_SIZE bytes; NULL: none was. It has been valid: the
	 * dates of its certificates do not count any more. */
	const uint8_t *taken;
};

/*
 * EdgeDevConfig in binary to what is taken of it: configuration items, ports and what is below and
 * behind them. All else is as if it were not there. 0, or -EINVAL with err filled in: one without
 * any port is refused, too.
 */
int za_bootstrap_map(const ProtobufCBinaryData *payload, struct za_config **ret,
		     struct pbjson_error *err);

/* Freed by ew__bootstrap_status__free_unpacked(). *ret_config is what to publish; NULL: nothing. */
Ew__BootstrapStatus *za_bootstrap_judge(const struct za_bootstrap_input *in,
					struct za_config **ret_config);
