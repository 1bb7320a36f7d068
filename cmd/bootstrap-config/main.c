/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bootstrap-config FILE ROOTS: says on standard output, as an ew.BootstrapVerdict, whether FILE is
 * from a controller that ROOTS (PEM) trust, and what it holds. Run by zedagent, and by edgeway
 * dpc check, only while it is needed: OpenSSL in no daemon. It reads both files, and then looks at
 * what is in them as nobody, without capabilities and with few system calls left.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/sandbox.h"
#include "bootstrap/container.h"
#include "bootstrap/verify.h"

#define ROOTS_MAX (1u << 20) /* bytes */
#define CPU_S 20 /* it takes milliseconds */
#define DATA_BYTES (64u << 20) /* what a hostile message of 1 MiB unpacks to may not be more */

/* A FIFO or a device would hold us up. */
static int read_regular(const char *path, size_t max, char **ret, size_t *ret_len)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? file_read(path, max, ret, ret_len) : -EINVAL;
}

static Ew__BootstrapVerdict *unread(int err)
{
	_cleanup_(freep) char *why =
		err == -EFBIG ? xstrdup("larger than 1 MiB")
			      : xasprintf("cannot be read: %s",
					  err == -EINVAL ? "not a regular file" : strerror(-err));
	Ew__BootstrapVerdict *verdict =
		bootstrap_verdict_error("", err == -ENOENT ? "there is no such file" : why);

	verdict->absent = err == -ENOENT;
	return verdict;
}

static int confine(void)
{
	setrlimit(RLIMIT_CPU, &(struct rlimit){ CPU_S, CPU_S });
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 2 * BOOTSTRAP_FILE_MAX, 2 * BOOTSTRAP_FILE_MAX });
#ifndef __SANITIZE_ADDRESS__ /* it takes 20 TiB of what may be written, and uses little of it */
	setrlimit(RLIMIT_DATA, &(struct rlimit){ DATA_BYTES, DATA_BYTES });
#endif
	/* Its strings and tables, and no file that says how it should be: before files are shut. */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
				NULL) != 1)
		return -ENOMEM;
	return sandbox_drop_and_enter(NULL, 0);
}

static Ew__BootstrapVerdict *look(const char *path, const char *roots_path)
{
	_cleanup_(freep) char *file = NULL, *roots = NULL;
	struct bootstrap_input in = { .now_s = time(NULL) };
	int r = read_regular(path, BOOTSTRAP_FILE_MAX, &file, &in.len);

	if (r == 0 && read_regular(roots_path, ROOTS_MAX, &roots, NULL) < 0)
		roots = xstrdup(""); /* the verdict says so, with the rest that is known */
	if (r < 0)
		return unread(r);
	r = confine();
	if (r < 0)
		return bootstrap_verdict_error("", "the program that verifies it cannot drop its "
						   "privileges");
	in.file = file;
	in.roots = roots;
	return bootstrap_verify(&in);
}

static int say(const Ew__BootstrapVerdict *verdict)
{
	size_t len = ew__bootstrap_verdict__get_packed_size(verdict);
	_cleanup_(freep) uint8_t *bytes = xcalloc(1, len + 1);

	ew__bootstrap_verdict__pack(verdict, bytes);
	return fwrite(bytes, 1, len, stdout) == len && fflush(stdout) == 0 ? EXIT_SUCCESS
									   : EXIT_FAILURE;
}

int main(int argc, char *argv[])
{
	Ew__BootstrapVerdict *verdict;
	int r;

	if (argc != 3) {
		fputs("usage: bootstrap-config FILE ROOTS\n", stderr);
		return EXIT_FAILURE;
	}
	verdict = look(argv[1], argv[2]);
	r = say(verdict);
	ew__bootstrap_verdict__free_unpacked(verdict, NULL);
	return r;
}
