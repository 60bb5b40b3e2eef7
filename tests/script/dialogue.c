/* dialogue.c - reading dialogues. */

#include "dialogue.h"

#include "base/buf.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
split_words(struct statement *s, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, " \t");

		if (s->n_words == STATEMENT_WORDS - 1)
			return -1;
		if (len)
			s->words[s->n_words++] = mem_strndup(text, len);
		text += len + strspn(text + len, " \t");
	}
	return 0;
}

static struct statement *
add_statement(struct dialogue *d, int line, const char *text)
{
	struct statement *s;

	d->statements =
		mem_realloc(d->statements, (d->n + 1) * sizeof(*d->statements));
	s = &d->statements[d->n++];
	memset(s, 0, sizeof(*s));
	s->line = line;
	if (split_words(s, text) < 0) {
		fprintf(stderr, "%s:%d: too many words\n", d->path, line);
		return NULL;
	}
	return s;
}

static void
add_comment(struct dialogue *d, const char *text)
{
	text += strspn(text, "# \t");
	if (!d->title && *text)
		d->title = mem_strdup(text);
}

static int
read_lines(struct dialogue *d, FILE *f)
{
	struct statement *s = NULL;
	struct buf body = { 0 };
	char *line = NULL;
	size_t cap = 0;
	int number = 0, ret = 0;

	while (ret == 0 && getline(&line, &cap, f) >= 0) {
		number++;
		line[strcspn(line, "\n")] = '\0';
		if (!*line || line[0] == '#') {
			add_comment(d, line);
		} else if (!isspace((unsigned char)line[0])) {
			if (s)
				s->body = buf_take(&body);
			s = add_statement(d, number, line);
			ret = s ? 0 : -1;
		} else if (!s) {
			fprintf(stderr, "%s:%d: a body without a statement\n",
				d->path, number);
			ret = -1;
		} else {
			if (body.len)
				buf_addc(&body, '\n');
			buf_adds(&body, line + strspn(line, " \t"));
		}
	}
	if (s)
		s->body = buf_take(&body);
	buf_fini(&body);
	free(line);
	return ret;
}

struct dialogue *
dialogue_read(const char *path)
{
	struct dialogue *d = mem_zalloc(sizeof(*d));
	FILE *f = fopen(path, "r");
	int ret;

	d->path = mem_strdup(path);
	if (!f) {
		perror(path);
		dialogue_free(d);
		return NULL;
	}
	ret = read_lines(d, f);
	fclose(f);
	if (ret < 0) {
		dialogue_free(d);
		return NULL;
	}
	return d;
}

void
dialogue_free(struct dialogue *d)
{
	for (size_t i = 0; i < d->n; i++) {
		for (size_t w = 0; w < d->statements[i].n_words; w++)
			free(d->statements[i].words[w]);
		free(d->statements[i].body);
	}
	free(d->statements);
	free(d->title);
	free(d->path);
	free(d);
}
