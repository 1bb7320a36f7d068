/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/report.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "dataplane/dp.h"

static bool is_drift(const struct dp_report *r)
{
	return r->why && strcmp(r->why, "drift") == 0;
}

void dp_report_log(const struct dp_report *r)
{
	enum log_level level = LOG_LEVEL_DEBUG;
	const char *event = "item_state";

	if (r->to == DP_FAILED) {
		level = LOG_LEVEL_WARNING;
		event = "item_failed";
	} else if (is_drift(r)) {
		level = LOG_LEVEL_INFO;
		event = "item_drift";
	}
	log_at(level, event, "type=%s key=\"%s\" scope=\"%s\" from=%s to=%s err=%d why=\"%s\"",
	       r->type->name, r->key, r->scope ? r->scope : "", dp_state_name(r->from),
	       dp_state_name(r->to), -r->err, r->why ? r->why : "");
}

const char *dp_report_str(const struct dp_report *r, char *buf, unsigned int size)
{
	snprintf(buf, size, "%s %s: %s", r->type->name, r->key,
		 r->why	      ? r->why
		 : r->err < 0 ? strerror(-r->err)
			      : dp_state_name(r->to));
	return buf;
}
