/* config_option.h - the table of options: what config.c and config_form.c
 * share. */
#ifndef MUC_CONFIG_OPTION_H
#define MUC_CONFIG_OPTION_H

#include "modules/muc/config.h"
#include "xmpp/form.h"

#include <stdbool.h>
#include <stddef.h>

/* In the form: the preset is none, and what it sets stays. */
#define OPTION_NO_PRESET "none"

enum option_kind {
	/* char *: one line; kept as it is; bare JIDs, one a line. */
	OPTION_TEXT,
	OPTION_SECRET,
	OPTION_JIDS,
	OPTION_FLAG,   /* bool */
	OPTION_CHOICE, /* an enum: which of the options */
	OPTION_ROLES,  /* unsigned: 1u << enum role */
	OPTION_NUMBER, /* int */
	OPTION_USERS,  /* int; 0 is "none" */
	OPTION_HASHES, /* char *: words; in no form */
	/* Of the form only: is there a password; sets others. */
	OPTION_PROTECTED,
	OPTION_PRESET,
};

struct muc_option {
	const char *name; /* in storage; NULL: of the form only */
	enum option_kind kind;
	size_t at; /* in struct muc_config */
	/* The field of the form, and what others call it. */
	const char *var, *label;
	const char *aliases[2];
	const struct form_option *options;
	int max;		 /* of a number; bytes of a text */
	int preset[N_PRESETS];	 /* its values; texts have none */
	const char *info[2];	 /* fields of muc#roominfo */
	const char *features[2]; /* by value */
	bool is_logging;	 /* its codes are 170 and 171 */
};

/* The table ends with an option without var. */
extern const struct muc_option muc_options[];

#define muc_option_each(o) \
	for (const struct muc_option *o = muc_options; o->var; o++)

/* Whether owners can set it. limits may be NULL. */
bool
muc_option_is_for(const struct muc_option *o, const struct muc_limits *limits);
bool muc_option_is_text(const struct muc_option *o);
/* Does it depend on the preset what it is at first? */
bool muc_option_has_presets(const struct muc_option *o);
/* Of flags, choices and what is like them: an index into features. */
int muc_option_number(const struct muc_option *o, const struct muc_config *c);
/* Of those that have one of their own: not texts, nor what is of the form
 * only. */
void muc_option_set_number(const struct muc_option *o, struct muc_config *c,
			   int number);
/* Frees a text. */
void muc_option_clear(const struct muc_option *o, struct muc_config *c);
bool muc_option_eq(const struct muc_option *o, const struct muc_config *a,
		   const struct muc_config *b);
void muc_option_copy(const struct muc_option *o, struct muc_config *to,
		     const struct muc_config *from);

/* Of a number. limits may be NULL. */
int
muc_option_limit(const struct muc_option *o, const struct muc_limits *limits);

/* Its value as in forms, NULL-terminated, in the arena; none where there is no
 * text. limits may be NULL. */
const char **
muc_option_values(struct arena *a, const struct muc_option *o,
		  const struct muc_config *c, const struct muc_limits *limits);
/* Sets it to what a form or storage holds. Empty values are none, and none
 * leaves flags, choices and numbers as they were. limits may be NULL. -1: err
 * names the field, and c is as it was. */
int muc_option_set(const struct muc_option *o, struct muc_config *c,
		   const char **values, const struct muc_limits *limits,
		   struct err *err);

/* The parts of text between those characters. */
const char **muc_option_split(struct arena *a, const char *text, char at);

#endif
