/*
 * form.h - data forms (XEP-0004): written from a table of fields, and what
 * comes back judged by the same table.
 */
#ifndef XMPP_FORM_H
#define XMPP_FORM_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;
struct xml;

enum form_field_type {
	FORM_TEXT_SINGLE, /* also what has no type */
	FORM_TEXT_PRIVATE,
	FORM_TEXT_MULTI,
	FORM_BOOLEAN,
	FORM_JID_SINGLE,
	FORM_JID_MULTI,
	FORM_LIST_SINGLE,
	FORM_LIST_MULTI,
	FORM_FIXED, /* words between the fields: the label */
	FORM_HIDDEN,
};

struct form_option {
	const char *value, *label; /* label NULL: the value */
};

/* Tables end with { 0 }. */
struct form_field {
	const char *var; /* FORM_FIXED: NULL */
	enum form_field_type type;
	const char *label;
	bool is_required;
	const struct form_option *options; /* of lists; ends with { 0 } */
};

/* False for the end of a table. */
static inline bool
form_is_field(const struct form_field *f)
{
	return f->var || f->type == FORM_FIXED;
}

/* Writing. The strings of a table are static; others are copied. */

/* A new form in parent, to be filled in. form_type goes into the hidden field
 * FORM_TYPE (XEP-0068); each of the texts may be NULL. */
struct xml *form_add(struct arena *a, struct xml *parent, const char *form_type,
		     const char *title, const char *instructions);
/* One that tells something. */
struct xml *
form_add_results(struct arena *a, struct xml *parent, const char *form_type);
/* Returned for its values. */
struct xml *
form_add_field(struct arena *a, struct xml *form, const struct form_field *f);
void form_add_value(struct arena *a, struct xml *field, const char *value);
/* The values are whole numbers from min to max (XEP-0122). */
void form_add_range(struct arena *a, struct xml *field, int min, int max);
/* All fields of a table, without values. */
void form_add_fields(struct arena *a, struct xml *form,
		     const struct form_field *table);
/* In a result: no type, only name and value; label and value may be NULL. */
struct xml *form_add_result(struct arena *a, struct xml *form, const char *var,
			    const char *label, const char *value);

/* Reading. */

/* The form in parent, or NULL. */
const struct xml *form_find(const struct xml *parent);
bool form_has_type(const struct xml *form, const char *type);
/* Is the filled-in form one for this FORM_TYPE? Without any it may be. */
bool form_is_for(const struct xml *form, const char *form_type);
/* Does the answer hold what the table asks for? What the table does not know
 * is ignored. -1 with err, which names the field. */
int form_check(const struct xml *form, const struct form_field *table,
	       struct err *err);
/* The field, or NULL. */
const struct xml *form_field(const struct xml *form, const char *var);
/* The field's first value; NULL where there is none. */
const char *form_get(struct arena *a, const struct xml *form, const char *var);
/* All of them, NULL-terminated, in the arena. */
const char **
form_get_all(struct arena *a, const struct xml *form, const char *var);
/* A text of several lines, joined; NULL where there is none. */
const char *
form_get_lines(struct arena *a, const struct xml *form, const char *var);
/* The lexical forms of xs:boolean: 1, 0, or -1 for another word. */
int form_parse_bool(const char *word);
/* What is there, or otherwise. */
bool form_get_bool(const struct xml *form, const char *var, bool otherwise);

#endif
