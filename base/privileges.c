/* SPDX-License-Identifier: Apache-2.0 */
#include "base/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* All three sets in one call, capset(2); libc has no wrapper. */
static int set_capabilities(uint64_t caps)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	for (int i = 0; i < 2; i++) {
		data[i].permitted = (uint32_t)(caps >> 32 * i);
		data[i].effective = data[i].inheritable = data[i].permitted;
	}
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static int get_permitted(uint64_t *ret)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	*ret = (uint64_t)data[1].permitted << 32 | data[0].permitted;
	return 0;
}

/* capsh --drop=…; needs CAP_SETPCAP, so it comes before the others are given up. */
static int shrink_bounding_set(uint64_t keep)
{
	/* -EINVAL behind the last capability this kernel knows */
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!(keep >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return -errno;
	return 0;
}

int privileges_keep(const int *caps, uint64_t *ret_missing)
{
	uint64_t wanted = 0, permitted = 0, keep;
	int r;

	for (; caps && *caps >= 0; caps++)
		wanted |= UINT64_C(1) << *caps;
	r = get_permitted(&permitted);
	if (r < 0)
		return r;
	keep = wanted & permitted;
	if (permitted >> CAP_SETPCAP & 1) {
		r = shrink_bounding_set(keep);
		if (r < 0)
			return r;
	}
	r = set_capabilities(keep);
	if (r < 0)
		return r;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	for (int cap = 0; cap < 64; cap++)
		if (keep >> cap & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return -errno;
	*ret_missing = wanted & ~permitted;
	return 0;
}

int privileges_drop(void)
{
	const struct passwd *nobody = getpwnam("nobody");
	uint64_t missing;

	if (nobody && setgroups(0, NULL) == 0 &&
	    (setresgid(nobody->pw_gid, nobody->pw_gid, nobody->pw_gid) < 0 ||
	     setresuid(nobody->pw_uid, nobody->pw_uid, nobody->pw_uid) < 0) &&
	    errno != EINVAL)
		return -errno;
	return privileges_keep(NULL, &missing);
}
