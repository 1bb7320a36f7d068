/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/next_run.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "nim/facts.h"

#define FILE_MAX (64 * 1024)

struct next_run_line {
	char *words;
	const char *label; /* behind them */
	int family;
};

/* The label is the rest, and may have blanks. */
static bool parse(const char *text, unsigned int words, struct next_run_line *ret)
{
	const char *label = text;

	if ((text[0] != '4' && text[0] != '6') || text[1] != ' ')
		return false;
	for (unsigned int i = 0; i <= words && label; i++) {
		label = strchr(label, ' ');
		label = label ? label + 1 : NULL;
	}
	if (!label || !*label || strlen(label) >= NIM_LABEL)
		return false;
	ret->family = text[0] == '6' ? NIM_V6 : NIM_V4;
	ret->words = xmemdup(text + 2, strlen(text + 2) + 1);
	ret->words[label - text - 3] = '\0';
	ret->label = ret->words + (label - text - 2);
	return true;
}

void next_run_init(struct next_run *r, const char *run_dir, const char *name, unsigned int words)
{
	_cleanup_(freep) char *text = NULL;
	char *rest, *line;
	size_t len;

	*r = (struct next_run){ .words = words };
	r->path = xasprintf("%s/nim/%s", run_dir, name);
	if (file_read(r->path, FILE_MAX, &text, &len) < 0)
		return;
	rest = text;
	r->line = xcalloc(NIM_FAMILIES * NIM_PORTS, sizeof(*r->line));
	while ((line = strsep(&rest, "\n")) && r->n < NIM_FAMILIES * NIM_PORTS)
		r->n += parse(line, words, &r->line[r->n]);
}

void next_run_fini(struct next_run *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->line[i].words);
	free(r->line);
	free(r->path);
	strbuf_fini(&r->text);
	strbuf_fini(&r->stored);
	*r = (struct next_run){ 0 };
}

static struct next_run_line *find(const struct next_run *r, const char *label, int family)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->line[i].family == family && strcmp(r->line[i].label, label) == 0)
			return &r->line[i];
	return NULL;
}

const char *next_run_find(const struct next_run *r, const char *label, int family)
{
	const struct next_run_line *line = find(r, label, family);

	return line ? line->words : NULL;
}

void next_run_taken(struct next_run *r, const char *label, int family)
{
	struct next_run_line *line = find(r, label, family);

	if (!line)
		return;
	free(line->words);
	*line = r->line[--r->n];
}

void next_run_add(struct next_run *r, const char *label, int family, const char *words)
{
	const struct next_run_line *still = find(r, label, family);

	if (still)
		words = still->words;
	if (words)
		strbuf_addf(&r->text, "%c %s %s\n", family == NIM_V6 ? '6' : '4', words, label);
}

void next_run_write(struct next_run *r)
{
	struct strbuf text = r->text;
	int e = 0;

	r->text = (struct strbuf)STRBUF_INIT;
	if (r->is_stored && strcmp(strbuf_str(&text), strbuf_str(&r->stored)) == 0)
		goto out;
	if (text.len)
		e = file_replace_volatile(r->path, strbuf_str(&text), text.len, 0644);
	else if (unlink(r->path) < 0 && errno != ENOENT)
		e = -errno;
	if (e < 0) {
		log_error("not_left_to_next_run", "file=%s err=%d", r->path, -e);
		goto out;
	}
	r->is_stored = true;
	strbuf_fini(&r->stored);
	r->stored = text;
	return;
out:
	strbuf_fini(&text);
}
