/* SPDX-License-Identifier: Apache-2.0 */
/* What daemons do with the engine's reports: one log line for what an operator wants to know. */
#pragma once

struct dp_report;

/* Failures and repairs are logged as warning and info, the rest as debug. */
void dp_report_log(const struct dp_report *report);

/* "route 4/501/0.0.0.0/0: Network is unreachable", for status messages. Returns buf. */
const char *dp_report_str(const struct dp_report *report, char *buf, unsigned int size);
