/*
 * dialogue.h - a scripted dialogue: a file of statements.
 *
 * A line that is not indented is a statement, the indented lines behind it are
 * its body. `#` starts a comment line. tests/script/README describes it for
 * those who write dialogues.
 */
#ifndef SCRIPT_DIALOGUE_H
#define SCRIPT_DIALOGUE_H

#include <stddef.h>

#define STATEMENT_WORDS 12

struct statement {
	int line;		      /* in the file */
	char *words[STATEMENT_WORDS]; /* NULL behind the last */
	size_t n_words;
	char *body; /* "" where there is none */
};

struct dialogue {
	char *path;
	char *title; /* the first comment */
	struct statement *statements;
	size_t n;
};

/* NULL with a message on standard error. */
struct dialogue *dialogue_read(const char *path);
void dialogue_free(struct dialogue *d);

#endif
