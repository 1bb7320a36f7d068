/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/items/rundir.h"

#include <dirent.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "dataplane/dp.h"

char *rundir_path(const struct dp *dp, const char *folder, const char *name)
{
	const struct dp_conf *conf = dp_conf(dp);

	return xasprintf("%s/%s/%s%s%s", conf->run_dir, conf->owner, folder, name ? "/" : "",
			 name ? name : "");
}

#define PLAIN "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

bool rundir_is_name(const char *name)
{
	if (name[0] == '\0' || name[0] == '.')
		return false;
	return name[strspn(name, PLAIN "%")] == '\0';
}

void rundir_escape(const char *name, struct strbuf *out)
{
	for (const char *c = name; *c; c++) {
		if (!strchr(PLAIN, *c) || (*c == '.' && c == name))
			strbuf_addf(out, "%%%02X", (unsigned char)*c);
		else
			strbuf_addc(out, *c);
	}
}

bool rundir_unescape(const char *escaped, char *buf, size_t size)
{
	size_t len = 0;

	for (const char *c = escaped; *c; c++) {
		unsigned int byte = (unsigned char)*c;

		if (len + 1 >= size)
			return false;
		if (*c == '%') {
			if (sscanf(c + 1, "%2X", &byte) != 1 || byte == 0)
				return false;
			c += 2;
		}
		buf[len++] = (char)byte;
	}
	buf[len] = '\0';
	return true;
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

void rundir_each(struct dp *dp, const char *folder,
		 void (*fn)(struct dp *dp, const char *name, void *arg), void *arg)
{
	_cleanup_(freep) char *path = rundir_path(dp, folder, NULL);
	struct dirent **entries;
	int i, n;

	n = scandir(path, &entries, visible, alphasort);
	if (n < 0)
		return;
	for (i = 0; i < n; i++) {
		fn(dp, entries[i]->d_name, arg);
		free(entries[i]);
	}
	free(entries);
}
