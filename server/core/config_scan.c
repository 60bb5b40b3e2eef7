/* config_scan.c - comments, quotes and braces of a configuration. */

#include "core/config_scan.h"

#include "base/mem.h"
#include "core/config.h"

#include <string.h>

/* Braces in braces; two are enough for anything that has a meaning. */
#define DEPTH_MAX 16

struct scan {
	const char *file;
	char *text;
	size_t len, pos;
	int line;
	int open[DEPTH_MAX]; /* lines of the braces that are open */
	unsigned depth;
	struct config_errors *errs;
};

static char
peek(const struct scan *s, size_t ahead)
{
	return s->pos + ahead < s->len ? s->text[s->pos + ahead] : '\0';
}

static void
step(struct scan *s, bool blank)
{
	char *c = &s->text[s->pos++];

	if (*c == '\n')
		s->line++;
	else if (blank)
		*c = ' ';
}

static void
skip_line_comment(struct scan *s)
{
	while (s->pos < s->len && s->text[s->pos] != '\n')
		step(s, true);
}

static int
skip_comment(struct scan *s)
{
	int begin = s->line;

	step(s, true);
	step(s, true);
	while (s->pos < s->len) {
		if (peek(s, 0) == '*' && peek(s, 1) == '/') {
			step(s, true);
			step(s, true);
			return 0;
		}
		step(s, true);
	}
	config_errors_add(s->errs, s->file, begin,
			  "found a comment without an end, expected */");
	return -1;
}

/* ${NAME} is one word, whatever is in it. */
static bool
skip_variable(struct scan *s)
{
	const char *end;

	if (peek(s, 0) != '$' || peek(s, 1) != '{')
		return false;
	end = memchr(s->text + s->pos, '}', s->len - s->pos);
	if (!end)
		return false;
	while (s->text + s->pos <= end)
		step(s, false);
	return true;
}

static int
skip_string(struct scan *s)
{
	char quote = s->text[s->pos];
	int begin = s->line;

	step(s, false);
	while (s->pos < s->len) {
		char c = s->text[s->pos];

		if (quote == '"' && skip_variable(s))
			continue;
		step(s, false);
		if (c == quote)
			return 0;
		if (c == '\\' && s->pos < s->len)
			step(s, false);
	}
	config_errors_add(s->errs, s->file, begin,
			  "found a text without an end, expected %c", quote);
	return -1;
}

static int
brace(struct scan *s)
{
	char c = s->text[s->pos];

	step(s, false);
	if (c == '{') {
		if (s->depth == DEPTH_MAX) {
			config_errors_add(s->errs, s->file, s->line,
					  "found %d open \"{\", expected fewer",
					  DEPTH_MAX + 1);
			return -1;
		}
		s->open[s->depth++] = s->line;
		return 0;
	}
	if (!s->depth) {
		config_errors_add(s->errs, s->file, s->line,
				  "found \"}\", expected a \"{\" before it");
		return -1;
	}
	s->depth--;
	return 0;
}

static bool
is_word_start(const struct scan *s)
{
	return s->pos == 0 || strchr(" \t\r\n={}(),", s->text[s->pos - 1]);
}

static int
token(struct scan *s)
{
	char c = s->text[s->pos];

	switch (c) {
	case '#':
		skip_line_comment(s);
		return 0;
	case '/':
		if (peek(s, 1) == '*')
			return skip_comment(s);
		if (peek(s, 1) == '/' && is_word_start(s)) {
			skip_line_comment(s);
			return 0;
		}
		break;
	case '"':
	case '\'':
		return skip_string(s);
	case '{':
	case '}':
		return brace(s);
	case '$':
		if (skip_variable(s))
			return 0;
		break;
	default:
		break;
	}
	step(s, false);
	return 0;
}

int
config_scan(const char *file, char *text, size_t len,
	    struct config_errors *errs)
{
	struct scan s = { file, text, len, .line = 1, .errs = errs };

	if (len && memchr(text, '\0', len)) {
		config_errors_add(errs, file, 0,
				  "found a NUL byte, expected a text file");
		return -1;
	}
	while (s.pos < len) {
		if (token(&s) < 0)
			return -1;
	}
	if (s.depth) {
		config_errors_add(errs, file, s.open[s.depth - 1],
				  "found the end of the file, expected \"}\" "
				  "for the \"{\" of this line");
		return -1;
	}
	return 0;
}
