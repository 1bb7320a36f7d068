/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files a daemon finds at its start: stored tables of the bus (as they are, and with their head
 * made right), number maps and meters. Bad ones are set aside, good ones survive being written again.
 */
#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/crc32.h"
#include "base/file.h"
#include "base/numbers.h"
#include "base/strbuf.h"
#include "nim/metering/meter_msg.h"
#include "pubsub/internal.h"
#include "status.pb-c.h"
#include "tests/fuzz/scratch.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char table_path[64], slot_path[64], bad_path[80], run_path[64], state_path[64];
static struct event_base *base;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	scratch_make();
	snprintf(table_path, sizeof(table_path), "%s/table", scratch);
	snprintf(slot_path, sizeof(slot_path), "%s/table.0", scratch);
	snprintf(bad_path, sizeof(bad_path), "%s/table.0.bad", scratch);
	snprintf(run_path, sizeof(run_path), "%s/run", scratch);
	snprintf(state_path, sizeof(state_path), "%s/state", scratch);
	base = event_base_new();
	return base ? 0 : -1;
}

static void put(const char *path, const void *data, size_t size)
{
	assert(file_replace_volatile(path, data, size, 0600) == 0);
}

static void load_table(const void *file, size_t size)
{
	char why[PS_WHY_MAX];
	uint64_t generation;
	struct ps_table t;
	int r;

	put(slot_path, file, size);
	assert(ps_table_init(&t, false) == 0);
	r = ps_store_load(table_path, &ew__domain_status__descriptor, &t, why, &generation);
	assert(r == 0); /* whatever is in it: never fatal */
	assert(access(slot_path, F_OK) == 0 || (*why && access(bad_path, F_OK) == 0));
	ps_table_fini(&t);
	unlink(bad_path);
}

static size_t count_frames(const uint8_t *p, size_t size)
{
	struct ps_frame_view frame;
	size_t need, count = 0;
	ssize_t n;

	for (; (n = ps_frame_parse(p, size, &frame, &need)) > 0; p += n, size -= (size_t)n)
		count++;
	return count;
}

/* As pubsub/store.c lays it out. */
static void load_table_with_head(const uint8_t *data, size_t size)
{
	static const char magic[8] = { 'E', 'W', 'T', 'A', 'B', 'L', 'E', '1' };
	_cleanup_(freep) uint8_t *file = xcalloc(1, 40 + size);

	memcpy(file, magic, sizeof(magic));
	ps_put_le64(file + 8, 1);
	ps_put_le64(file + 16, count_frames(data, size));
	ps_put_le64(file + 24, size);
	*(uint32_t *)(file + 32) = htole32(crc32_add(0, data, size));
	*(uint32_t *)(file + 36) = htole32(crc32_add(0, file, 36));
	memcpy(file + 40, data, size);
	load_table(file, 40 + size);
}

static struct numbers *open_numbers(void)
{
	struct numbers *n;

	assert(numbers_open(&(struct numbers_conf){ .base = base,
						    .run_path = run_path,
						    .state_path = state_path,
						    .first = 1,
						    .last = 1000 },
			    &n) == 0);
	return n;
}

/* Both copies good and alike, as base/stored.c writes them: there is nothing to mend. */
static void put_sealed(const uint8_t *data, size_t size)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_addmem(&text, (const char *)data, size);
	strbuf_addf(&text, "\n#crc32 %08x\n", crc32_add(0, data, size));
	put(run_path, text.str, text.len);
	put(state_path, text.str, text.len);
	strbuf_fini(&text);
}

static void load_numbers(const uint8_t *data, size_t size)
{
	struct numbers *n, *again;
	uint32_t value;

	if (size % 32 == 0)
		put(run_path, data, size);
	else
		put_sealed(data, size);
	n = open_numbers();
	assert(numbers_get(n, "fuzz", &value) == -ENOSPC || (value >= 1 && value <= 1000));
	if (size % 32 == 0) { /* what is durable costs 20 ms */
		assert(numbers_sync(n) == 0);
		again = open_numbers();
		assert(numbers_find(again, "fuzz") == numbers_find(n, "fuzz"));
		numbers_free(again);
	}
	numbers_free(n);
	unlink(run_path);
	unlink(state_path);
}

static void load_meters(const uint8_t *data, size_t size)
{
	_cleanup_(freep) struct meter_record *records = NULL, *again = NULL;
	const struct meter_record *list[METER_RECORDS];
	struct strbuf text = STRBUF_INIT;
	struct arena arena = { 0 };
	size_t n = 0, n_again = 0;

	if (meter_parse((const char *)data, size, "boot", &records, &n) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		struct meter m = records[i].meter;

		list[i] = &records[i];
		meter_status(list[i], 1795219200, &arena);
		meter_set_billing_day(&m, 15, 1795219200);
	}
	meter_format(list, n, "boot", &text);
	assert(meter_parse(text.str, text.len, "boot", &again, &n_again) == 0 && n_again == n);
	strbuf_fini(&text);
	arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	switch (*data % 4) {
	case 0:
		load_table(data + 1, size - 1);
		break;
	case 1:
		load_table_with_head(data + 1, size - 1);
		break;
	case 2:
		load_numbers(data + 1, size - 1);
		break;
	case 3:
		load_meters(data + 1, size - 1);
		break;
	}
	return 0;
}
