/* SPDX-License-Identifier: Apache-2.0 */
/* What usb-stick tells usb-config: a line, "dump=0 identity=1 json=812", and the bytes of usb.json;
 * json=-1 when there is none. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "usb/stick.h"

int stick_parse_report(const char *text, size_t len, struct stick_report *ret)
{
	const char *end = memchr(text, '\n', len);
	int dump, identity, json, n = -1;
	char line[64];
	size_t head;

	if (!end || end - text >= (ptrdiff_t)sizeof(line))
		return -EINVAL;
	head = (size_t)(end - text) + 1;
	memcpy(line, text, head - 1);
	line[head - 1] = '\0';
	if (sscanf(line, "dump=%1d identity=%1d json=%7d%n", &dump, &identity, &json, &n) != 3 ||
	    n < 0 || line[n])
		return -EINVAL;
	if (json < -1 || len - head != (json < 0 ? 0 : (size_t)json))
		return -EINVAL;
	*ret = (struct stick_report){ .has_dump = dump == 1,
				      .has_identity = identity == 1,
				      .json = json < 0 ? NULL : text + head,
				      .json_len = json < 0 ? 0 : (size_t)json };
	return 0;
}
