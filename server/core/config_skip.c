/* config_skip.c - finds sections that have no meaning, and takes them out. */

#include "core/config_skip.h"

#include "base/mem.h"
#include "core/config.h"

#include <stdlib.h>
#include <string.h>

struct skip {
	const char *file;
	char *text;
	size_t len, pos;
	int line;
	enum config_kind outer, kind; /* of the text, of where we are */
	struct config_errors *errs;
};

/* Quoted or not; the other tokens are their own character. */
#define WORD 'w'
#define END  '\0'

struct token {
	char type;
	const char *text; /* of a word, with its quotes */
	size_t len;
	int line;
};

/* --- Tokens, cut as libconfuse cuts them */

/* The length of ${NAME}; 0: there is none. */
static size_t
variable(const char *text, size_t len)
{
	const char *end;

	if (len < 2 || text[0] != '$' || text[1] != '{')
		return 0;
	end = memchr(text, '}', len);
	return end ? (size_t)(end - text) + 1 : 0;
}

static size_t
quoted(const char *text, size_t len)
{
	size_t n = 1;

	while (n < len && text[n] != *text) {
		size_t v = *text == '"' ? variable(text + n, len - n) : 0;

		n += v ? v : text[n] == '\\' ? 2 : 1;
	}
	return n < len ? n + 1 : len;
}

static size_t
word(const char *text, size_t len)
{
	size_t n = variable(text, len);

	if (n)
		return n;
	if (*text == '"' || *text == '\'')
		return quoted(text, len);
	while (n < len && !strchr(" \t\r\n\"'={}()+,*", text[n]))
		n++;
	return n;
}

static void
step(struct skip *s, size_t n)
{
	while (n--)
		s->line += s->text[s->pos++] == '\n';
}

static struct token
next(struct skip *s)
{
	struct token t = { END, NULL, 0, 0 };

	/* Of what has no meaning libconfuse says nothing, as "a + b". */
	while (s->pos < s->len && strchr(" \t\r\n+*", s->text[s->pos]))
		step(s, 1);
	t.line = s->line;
	if (s->pos == s->len)
		return t;
	t.text = s->text + s->pos;
	t.type = strchr("={}(),", *t.text) ? *t.text : WORD;
	t.len = t.type == WORD ? word(t.text, s->len - s->pos) : 1;
	step(s, t.len);
	return t;
}

/* Behind a "{"; config_scan has seen its "}". */
static void
skip_braces(struct skip *s)
{
	unsigned depth = 1;

	while (depth) {
		char type = next(s).type;

		if (type == END)
			return;
		depth += type == '{';
		depth -= type == '}';
	}
}

/* --- Sections */

/* To be freed; NULL: it follows from something else, or is not quite plain. */
static char *
name_of(const struct token *t)
{
	bool is_quoted = *t->text == '"' || *t->text == '\'';

	if (memchr(t->text, '\\', t->len) || memchr(t->text, '$', t->len))
		return NULL;
	return is_quoted ? mem_strndup(t->text + 1, t->len - 2)
			 : mem_strndup(t->text, t->len);
}

static void
report(struct skip *s, const char *name, int line)
{
	if (s->kind == CONFIG_TOP)
		config_errors_add(s->errs, s->file, line,
				  "%s: found an unknown section, expected "
				  "host, component or remote",
				  name);
	else if (config_kind_named(name) != CONFIG_TOP)
		config_errors_add(s->errs, s->file, line,
				  "%s: found in a %s, expected at the top of "
				  "the file, outside of all sections",
				  name, config_kind_name(s->kind));
	else
		config_errors_add(s->errs, s->file, line,
				  "%s: found a section in a %s, expected "
				  "nothing but settings there",
				  name, config_kind_name(s->kind));
}

static void
blank(char *from, const char *to)
{
	for (; from < to; from++) {
		if (*from != '\n')
			*from = ' ';
	}
}

/* Behind the "{". False: libconfuse has something to say. */
static bool
section(struct skip *s, const struct token *first, const char *name)
{
	if (config_option(s->kind, name) || !strcmp(name, "include"))
		return false;
	if (s->kind == CONFIG_TOP && config_kind_named(name) != CONFIG_TOP) {
		s->kind = config_kind_named(name);
		return true;
	}
	report(s, name, first->line);
	skip_braces(s);
	blank(s->text + (first->text - s->text), s->text + s->pos);
	return true;
}

static bool
value(struct skip *s)
{
	char type = next(s).type;

	if (type == '{')
		skip_braces(s);
	return type == '{' || type == WORD;
}

static bool
arguments(struct skip *s)
{
	char type;

	do
		type = next(s).type;
	while (type == WORD || type == ',');
	return type == ')';
}

/* A setting, include(…), or the head of a section. */
static bool
statement(struct skip *s, const struct token *first)
{
	struct token t = next(s);
	char *name;
	bool ok;

	if (t.type == '=')
		return value(s);
	if (t.type == '(')
		return arguments(s);
	if (t.type == WORD)
		t = next(s);
	name = t.type == '{' ? name_of(first) : NULL;
	ok = name && section(s, first, name);
	free(name);
	return ok;
}

void
config_skip(const char *file, char *text, size_t len, enum config_kind kind,
	    struct config_errors *errs)
{
	struct skip s = { file,		 text,	       len,	    .line = 1,
			  .outer = kind, .kind = kind, .errs = errs };
	bool ok = true;

	while (ok) {
		struct token t = next(&s);

		if (t.type == '}' && s.kind != s.outer)
			s.kind = s.outer;
		else
			ok = t.type == WORD && statement(&s, &t);
	}
}
