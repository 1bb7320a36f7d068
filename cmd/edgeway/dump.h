/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of edgeway netdump: what is asked, how it is got side by side with bounds in time and
 * size, how it is packed. netdump.c puts them together.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/strbuf.h"

#define DUMP_PART_BYTES (8u << 20) /* of one part */
#define DUMP_TOTAL_BYTES (64u << 20) /* of all, before they are packed */
#define DUMP_PART_MS 12000 /* of one program: longer than any of ours waits for a daemon */
#define DUMP_TOTAL_MS 60000 /* of all; then packing begins with what there is */
#define DUMP_ARGS 12

enum dump_end {
	DUMP_LEFT_OUT, /* for the reason in why; at first: "no time was left" */
	DUMP_WHOLE,
	DUMP_FAILED, /* what it said is kept */
	DUMP_LATE, /* stopped; what it said until then is kept */
	DUMP_LARGE, /* cut off at DUMP_PART_BYTES */
};

struct dump_part {
	char *name; /* of the file */
	const char *argv[DUMP_ARGS]; /* of the program; argv[0] NULL: made by make() */
	void (*make)(struct strbuf *out); /* NULL, too: it is there already */
	bool any_status; /* its exit status tells something else than success */
	enum dump_end end;
	char *why; /* "" when there is nothing to tell */
	struct strbuf text; /* without secrets, but for packets */
};

struct dump {
	struct dump_part *parts;
	size_t n;
};

/* Every question there is, all of them left out so far. */
void dump_parts(struct dump *dump);
/* One more, takes its name; left out so far. Until the next one is added. */
struct dump_part *dump_add(struct dump *dump, char *name);
void dump_fini(struct dump *dump);

/* Gets all parts, some at a time. 0; -EINTR when SIGINT or SIGTERM came: then it should not be kept. */
int dump_run(struct dump *dump);

/* One line a part, with sizes and reasons. */
void dump_manifest(const struct dump *dump, const char *title, struct strbuf *out);

/* Packs parts and manifest into FILE (.tar.gz, mode 0600), which is replaced at once. 0 or -errno with
 * *ret_why, to be freed. */
int dump_pack(const struct dump *dump, const char *file, const char *stem,
	      const struct strbuf *manifest, char **ret_why);

/* ---- Parts that no program tells ---- */

void dump_processes(struct strbuf *out); /* of the suite and its helpers: memory, state, commands */
void dump_files(struct strbuf *out); /* in run and state folder: names, sizes, times */
void dump_interfaces(struct strbuf *out); /* counters and state of each from /sys/class/net */
void dump_net_dev(struct strbuf *out);
void dump_netstat(struct strbuf *out); /* /proc/net/snmp, snmp6, netstat, softnet_stat */
