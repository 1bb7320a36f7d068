/* SPDX-License-Identifier: Apache-2.0 */
/* USB sticks, but for what needs a device: events, labels, what is on one, what goes to one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/helper.h"
#include "base/strbuf.h"
#include "usb/fat.h"
#include "usb/identity.h"
#include "usb/stick.h"
#include "usb/uevent.h"

/* ---- Events ---- */

static void a_partition_that_comes_is_read_from_the_kernels_message(void **state)
{
	static const char message[] =
		"add@/devices/pci0000:00/0000:00:04.0/usb1/1-1/1-1:1.0/host2/target2:0:0/2:0:0:0/"
		"block/sda/sda1\0"
		"ACTION=add\0DEVPATH=/devices/…/"
		"sda1\0SUBSYSTEM=block\0MAJOR=8\0MINOR=1\0DEVNAME=sda1\0"
		"DEVTYPE=partition\0DISKSEQ=9\0PARTN=1\0PARTNAME=DevicePortConfig\0SEQNUM=1763";
	struct uevent event;

	(void)state;
	assert_true(uevent_parse(message, sizeof(message), '\0', &event));
	assert_int_equal(event.action, UEVENT_ADD);
	assert_true(event.is_partition);
	assert_int_equal(event.major, 8);
	assert_int_equal(event.minor, 1);
	assert_string_equal(event.devname, "sda1");
	assert_string_equal(event.partname, "DevicePortConfig");
}

static void a_partition_that_is_there_is_read_from_sysfs(void **state)
{
	static const char file[] =
		"MAJOR=259\nMINOR=3\nDEVNAME=mmcblk0p1\nDEVTYPE=partition\nPARTN=1\n";
	struct uevent event;

	(void)state;
	assert_true(uevent_parse(file, strlen(file), '\n', &event));
	assert_int_equal(event.action, UEVENT_OTHER);
	assert_true(event.is_partition);
	assert_string_equal(event.devname, "mmcblk0p1");
	assert_string_equal(event.partname, "");
}

static void what_is_no_device_to_be_opened_by_its_name_is_passed_over(void **state)
{
	static const char *const files[] = {
		"",
		"\n\n",
		"=",
		"MAJOR=8\nMINOR=1\nDEVTYPE=partition\n",
		"MAJOR=8\nDEVNAME=sda1\nDEVTYPE=partition\n",
		"MAJOR=8\nMINOR=1\nDEVNAME=../sda1\n",
		"MAJOR=8\nMINOR=1\nDEVNAME=cciss/c0d0p1\n",
		"MAJOR=8\nMINOR=1\nDEVNAME=\n",
		"MAJOR=8\nMINOR=-1\nDEVNAME=sda1\n",
		"MAJOR=8\nMINOR=1x\nDEVNAME=sda1\n",
		"MAJOR=99999999999\nMINOR=1\nDEVNAME=sda1\n",
		"MAJOR=8\nMINOR=1\nDEVNAME=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
	};
	static const char other[] =
		"add@/x\0ACTION=add\0SUBSYSTEM=net\0MAJOR=1\0MINOR=1\0DEVNAME=a";
	struct uevent event;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		assert_false(uevent_parse(files[i], strlen(files[i]), '\n', &event));
	assert_false(uevent_parse(other, sizeof(other), '\0', &event));
}

/* ---- Labels ---- */

static void make_sector(uint8_t sector[FAT_SECTOR], bool fat32, const char *label)
{
	static const char type[] = { 'F', 'A', 'T' };

	memset(sector, 0, FAT_SECTOR);
	sector[510] = 0x55;
	sector[511] = 0xaa;
	sector[fat32 ? 66 : 38] = 0x29;
	memcpy(sector + (fat32 ? 71 : 43), label, 11);
	memcpy(sector + (fat32 ? 82 : 54), type, sizeof(type));
}

static void the_label_of_a_fat_is_read_without_its_blanks(void **state)
{
	uint8_t sector[FAT_SECTOR];
	char label[FAT_LABEL];

	(void)state;
	make_sector(sector, false, "QEMU VVFAT ");
	assert_true(fat_label(sector, label));
	assert_string_equal(label, "QEMU VVFAT");
	make_sector(sector, true, "ELEVEN CHAR");
	assert_true(fat_label(sector, label));
	assert_string_equal(label, "ELEVEN CHAR");
}

static void what_is_no_fat_has_no_label(void **state)
{
	uint8_t sector[FAT_SECTOR];
	char label[FAT_LABEL];

	(void)state;
	make_sector(sector, false, "           ");
	assert_false(fat_label(sector, label));
	make_sector(sector, false, "A\0B        ");
	assert_false(fat_label(sector, label));
	make_sector(sector, false, "QEMU VVFAT ");
	sector[510] = 0;
	assert_false(fat_label(sector, label));
	make_sector(sector, false, "QEMU VVFAT ");
	sector[54] = 'N'; /* NTFS has a signature there as well */
	assert_false(fat_label(sector, label));
}

/* ---- What is on one ---- */

struct world {
	char dir[32];
	char stick[48], out[48];
	int root;
};

static int set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	strcpy(w->dir, "/tmp/usb.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->stick, sizeof(w->stick), "%s/stick", w->dir);
	snprintf(w->out, sizeof(w->out), "%s/out", w->dir);
	assert_int_equal(dir_make(w->stick, 0755), 0);
	w->root = open(w->stick, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	close(w->root);
	assert_int_equal(dir_remove(w->dir), 0);
	free(w);
	return 0;
}

static void put_file(const char *folder, const char *name, const char *text)
{
	_cleanup_(freep) char *path = xasprintf("%s/%s", folder, name);

	assert_int_equal(file_replace_volatile(path, text, strlen(text), 0644), 0);
}

static char *get_file(const char *folder, const char *name)
{
	_cleanup_(freep) char *path = xasprintf("%s/%s", folder, name);
	char *text = NULL;
	size_t len;

	return file_read(path, 4096, &text, &len) == 0 ? text : NULL;
}

static void expect_report(const struct world *w, bool dump, bool identity, const char *json)
{
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;
	struct stick_report report;

	assert_int_equal(stick_report(w->root, 10, &text), 0);
	assert_int_equal(stick_parse_report(text.str, text.len, &report), 0);
	assert_int_equal(report.has_dump, dump);
	assert_int_equal(report.has_identity, identity);
	assert_int_equal(report.json != NULL, json != NULL);
	if (!json)
		return;
	assert_int_equal(report.json_len, strlen(json));
	assert_memory_equal(report.json, json, report.json_len);
}

static void a_report_tells_what_is_on_a_stick(void **state)
{
	struct world *w = *state;

	expect_report(w, false, false, NULL);
	put_file(w->stick, "usb.json", "");
	put_file(w->stick, "dump", "a file is no folder");
	expect_report(w, false, false, "");
	put_file(w->stick, "usb.json", "{\"a\":\n1}");
	put_file(w->stick, "identity/x", "");
	expect_report(w, false, true, "{\"a\":\n1}");
	put_file(w->stick, "usb.json", "0123456789more");
	expect_report(w, false, true, "0123456789"); /* no more than was asked for */
}

static void a_report_that_is_none_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"dump=1 identity=0 json=-1",
		"dump=1 identity=0 json=-2\n",
		"dump=1 identity=0 json=5\nfour",
		"dump=1 identity=0 json=3\nfour",
		"dump=1 identity=0 json=-1\nx",
		"dump=1 identity=0 json=-1 more\n",
		"dump=1 json=-1\n",
		"the device: No such device\n",
	};
	struct stick_report report;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(stick_parse_report(texts[i], strlen(texts[i]), &report), -EINVAL);
}

/* ---- Who touches one ---- */

struct told {
	struct event_base *base;
	int status;
	bool late;
	char said[64];
};

static void told(int status, bool late, const char *said, size_t len, void *arg)
{
	struct told *t = arg;

	t->status = status;
	t->late = late;
	assert_int_equal(strlen(said), len);
	snprintf(t->said, sizeof(t->said), "%s", said);
	event_base_loopbreak(t->base);
}

static int start(struct told *t, const char *const *argv, unsigned int timeout_ms,
		 struct helper **ret)
{
	return helper_start(t->base,
			    &(struct helper_conf){ .argv = argv,
						   .timeout_ms = timeout_ms,
						   .said_max = sizeof(t->said),
						   .done = told,
						   .arg = t },
			    ret);
}

static void a_helper_that_hangs_is_stopped_and_what_one_says_is_kept(void **state)
{
	static const char *const hangs[] = { "sh", "-c", "trap '' TERM; exec sleep 60", NULL };
	static const char *const ends[] = { "sh", "-c", "echo why; exit 1", NULL };
	struct told t = { .base = event_base_new() };
	struct helper *helper;

	(void)state;
	assert_int_equal(start(&t, hangs, 100, &helper), 0);
	event_base_dispatch(t.base);
	assert_true(t.late);
	assert_int_not_equal(t.status, 0);
	assert_int_equal(start(&t, ends, 10000, &helper), 0);
	event_base_dispatch(t.base);
	assert_false(t.late);
	assert_int_equal(t.status, 1);
	assert_string_equal(t.said, "why\n");
	event_base_free(t.base);
}

/* ---- What goes to one ---- */

static void what_is_put_goes_to_the_folders_that_are_there(void **state)
{
	struct world *w = *state;
	_cleanup_(freep) char *archive = NULL, *serial = NULL, *old = NULL;

	put_file(w->out, "dump/archive.tar.gz", "packed");
	put_file(w->out, "dump/same", "new");
	put_file(w->out, "identity/SN1/soft_serial", "SN1\n");
	put_file(w->stick, "dump/same", "old");
	assert_int_equal(stick_put(w->root, w->out), 0);
	archive = get_file(w->stick, "dump/archive.tar.gz");
	old = get_file(w->stick, "dump/same");
	assert_string_equal(archive, "packed");
	assert_string_equal(old, "new");
	assert_null(get_file(w->stick, "identity/SN1/soft_serial")); /* nobody asked for it */
	assert_null(get_file(w->stick, "dump/.part"));

	put_file(w->stick, "identity/here", "");
	assert_int_equal(stick_put(w->root, w->out), 0);
	serial = get_file(w->stick, "identity/SN1/soft_serial");
	assert_string_equal(serial, "SN1\n");
}

static void nothing_is_put_behind_a_symbolic_link(void **state)
{
	struct world *w = *state;
	_cleanup_(freep) char *elsewhere = xasprintf("%s/elsewhere", w->dir);
	_cleanup_(freep) char *link = xasprintf("%s/dump", w->stick);

	assert_int_equal(dir_make(elsewhere, 0755), 0);
	assert_int_equal(symlink(elsewhere, link), 0);
	put_file(w->out, "dump/archive.tar.gz", "packed");
	assert_int_equal(stick_put(w->root, w->out), 0);
	assert_null(get_file(elsewhere, "archive.tar.gz"));
}

static void a_node_identifies_itself_without_its_secrets(void **state)
{
	struct world *w = *state;
	_cleanup_(freep) char *config = xasprintf("%s/config", w->dir), *uuid = NULL, *cert = NULL;
	_cleanup_(freep) char *unnamed = NULL;

	put_file(config, "soft_serial", "SN-1\r\n");
	put_file(config, "device.cert.pem", "cert");
	put_file(config, "device.key.pem", "key");
	assert_int_equal(identity_write(w->out, config, "9f5c"), 0);
	uuid = get_file(w->out, "SN-1/uuid");
	cert = get_file(w->out, "SN-1/device.cert.pem");
	assert_string_equal(uuid, "9f5c\n");
	assert_string_equal(cert, "cert");
	assert_null(get_file(w->out, "SN-1/device.key.pem"));

	put_file(config, "soft_serial", "../../etc"); /* no name of a folder */
	assert_int_equal(identity_write(w->out, config, "9f5c"), 0);
	unnamed = get_file(w->out, "9f5c/uuid");
	assert_string_equal(unnamed, "9f5c\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_partition_that_comes_is_read_from_the_kernels_message),
		cmocka_unit_test(a_partition_that_is_there_is_read_from_sysfs),
		cmocka_unit_test(what_is_no_device_to_be_opened_by_its_name_is_passed_over),
		cmocka_unit_test(the_label_of_a_fat_is_read_without_its_blanks),
		cmocka_unit_test(what_is_no_fat_has_no_label),
		cmocka_unit_test_setup_teardown(a_report_tells_what_is_on_a_stick, set_up,
						tear_down),
		cmocka_unit_test(a_report_that_is_none_is_refused),
		cmocka_unit_test(a_helper_that_hangs_is_stopped_and_what_one_says_is_kept),
		cmocka_unit_test_setup_teardown(what_is_put_goes_to_the_folders_that_are_there,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_is_put_behind_a_symbolic_link, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_node_identifies_itself_without_its_secrets,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
