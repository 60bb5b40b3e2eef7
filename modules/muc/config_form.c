/* config_form.c - the options of a room as owners and others see them. */

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "modules/muc/config.h"
#include "modules/muc/config_option.h"
#include "xmpp/form.h"
#include "xmpp/jid.h"
#include "xmpp/xml.h"

#include <stdlib.h>
#include <string.h>

static const struct form_field lists_fields[] = {
	{ "muc#roomconfig_roomadmins", FORM_JID_MULTI,
	  "Full List of Room Admins", .is_required = false },
	{ "muc#roomconfig_roomowners", FORM_JID_MULTI,
	  "Full List of Room Owners", .is_required = false },
};

static const struct form_field *
list_field(enum affiliation affiliation)
{
	return &lists_fields[affiliation == AFFILIATION_OWNER];
}

/* ---- to be filled in ---- */

static const enum form_field_type field_types[] = {
	[OPTION_TEXT] = FORM_TEXT_SINGLE,   [OPTION_SECRET] = FORM_TEXT_PRIVATE,
	[OPTION_JIDS] = FORM_JID_MULTI,	    [OPTION_FLAG] = FORM_BOOLEAN,
	[OPTION_CHOICE] = FORM_LIST_SINGLE, [OPTION_ROLES] = FORM_LIST_MULTI,
	[OPTION_NUMBER] = FORM_TEXT_SINGLE, [OPTION_USERS] = FORM_LIST_SINGLE,
	[OPTION_HASHES] = FORM_TEXT_MULTI,  [OPTION_PROTECTED] = FORM_BOOLEAN,
	[OPTION_PRESET] = FORM_LIST_SINGLE,
};

/* Numbers to choose from, as the standard's example has them, and the one that
 * is set; all within the limit. */
static struct form_option *
user_options(struct arena *a, const char *now, int limit)
{
	static const int usual[] = { 10, 20, 30, 50, 100, 200, 500, 1000 };
	struct form_option *options =
		arena_zalloc(a, (N_ELEMENTS(usual) + 3) * sizeof(*options));
	int number = atoi(now);
	size_t n = 0;

	for (size_t i = 0; i < N_ELEMENTS(usual); i++) {
		if (number && number < usual[i])
			options[n++].value = now;
		if (number <= usual[i])
			number = 0;
		if (usual[i] <= limit)
			options[n++].value = arena_printf(a, "%d", usual[i]);
	}
	if (number)
		options[n++].value = now;
	options[n].value = "none";
	options[n].label = "None";
	return options;
}

static void
add_option(struct arena *a, struct xml *form, const struct muc_option *o,
	   const struct muc_config *c, const struct muc_limits *limits)
{
	const char **values = muc_option_values(a, o, c, limits);
	struct form_field field = {
		.var = o->var,
		.type = field_types[o->kind],
		.label = o->label,
		.options = o->options,
	};
	struct xml *x;
	int limit = muc_option_limit(o, limits);

	if (o->kind == OPTION_USERS)
		field.options = user_options(a, values[0], limit);
	x = form_add_field(a, form, &field);
	if (o->kind == OPTION_NUMBER)
		form_add_range(a, x, 0, limit);
	for (; *values; values++)
		form_add_value(a, x, *values);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
add_list(struct arena *a, struct xml *form, const struct affiliations *lists,
	 enum affiliation affiliation)
{
	struct xml *x = form_add_field(a, form, list_field(affiliation));
	size_t n = 0, count = affiliations_count(lists, affiliation);
	const char **jids = arena_alloc(a, (count + 1) * sizeof(*jids));

	affiliations_each (item, lists) {
		if (item->affiliation == affiliation)
			jids[n++] = jid_str(item->jid);
	}
	qsort(jids, n, sizeof(*jids), compare);
	for (size_t i = 0; i < n; i++)
		form_add_value(a, x, jids[i]);
}

struct xml *
muc_config_to_form(struct arena *a, struct xml *parent,
		   const struct muc_config *c, const struct muc_limits *limits,
		   const struct affiliations *lists)
{
	struct xml *form =
		form_add(a, parent, NS_MUC_ROOMCONFIG, "Room Configuration",
			 "Complete this form to modify the "
			 "configuration of your room.");

	muc_option_each (o) {
		if (o->kind != OPTION_HASHES && muc_option_is_for(o, limits))
			add_option(a, form, o, c, limits);
	}
	if (lists) {
		add_list(a, form, lists, AFFILIATION_ADMIN);
		add_list(a, form, lists, AFFILIATION_OWNER);
	}
	return form;
}

/* ---- filled in ---- */

/* Its field's values, or NULL where the form does not have it. */
static const char **
form_values(struct arena *a, const struct xml *form, const struct muc_option *o)
{
	if (o->kind == OPTION_HASHES)
		return NULL;
	if (form_field(form, o->var))
		return form_get_all(a, form, o->var);
	for (size_t i = 0; i < N_ELEMENTS(o->aliases); i++) {
		if (o->aliases[i] && form_field(form, o->aliases[i]))
			return form_get_all(a, form, o->aliases[i]);
	}
	return NULL;
}

static int
read_preset(const struct muc_option *o, const char **values,
	    struct muc_config *c, bool *is_chosen, struct err *err)
{
	enum muc_preset preset;

	if (!values[0] || !*values[0] || !strcmp(values[0], OPTION_NO_PRESET))
		return 0;
	if (values[1])
		return err_set(err, "field %s has more than one value", o->var);
	if (muc_preset_parse(values[0], &preset) < 0)
		return err_set(err, "field %s: not one of the options: %.100s",
			       o->var, values[0]);
	muc_config_apply_preset(c, preset);
	*is_chosen = true;
	return 0;
}

/* *protect_out stays as it is where the field tells nothing. */
static int
read_protected(const struct muc_option *o, const char **values,
	       int *protect_out, struct err *err)
{
	if (!values[0] || !*values[0])
		return 0;
	if (values[1])
		return err_set(err, "field %s has more than one value", o->var);
	*protect_out = form_parse_bool(values[0]);
	if (*protect_out < 0)
		return err_set(err, "field %s is neither true nor false",
			       o->var);
	return 0;
}

/* A field as it was in the form that was sent does not undo a preset. */
static int
read_option(const struct muc_option *o, const char **values,
	    const struct muc_config *old, const struct muc_limits *limits,
	    bool is_preset, struct muc_config *c, struct err *err)
{
	struct muc_config before = { 0 };
	int ret;

	if (!is_preset || !muc_option_has_presets(o))
		return muc_option_set(o, c, values, limits, err);
	muc_option_copy(o, &before, c);
	ret = muc_option_set(o, c, values, limits, err);
	if (ret == 0 && muc_option_eq(o, c, old))
		muc_option_copy(o, c, &before);
	return ret;
}

/* Section 10.1.3: a room that needs a password has one. A password alone means
 * that it is needed. */
static int
settle_password(const struct muc_option *o, const struct muc_config *old,
		int protect, struct muc_config *c, struct err *err)
{
	if (protect == 0) {
		muc_option_clear(o, c);
		return 0;
	}
	if (!c->password && (protect > 0 || old->password))
		return err_set(err, "field %s: a password is required", o->var);
	return 0;
}

static int
read_form(struct arena *a, const struct xml *form, const struct muc_config *old,
	  const struct muc_limits *limits, struct muc_config *c,
	  struct err *err)
{
	const struct muc_option *password = NULL;
	bool is_preset = false;
	int protect = -1, ret = 0;

	/* The preset comes first in the table. */
	muc_option_each (o) {
		const char **values = form_values(a, form, o);

		if (o->kind == OPTION_SECRET)
			password = o;
		if (!values || !muc_option_is_for(o, limits))
			continue;
		if (o->kind == OPTION_PRESET)
			ret = read_preset(o, values, c, &is_preset, err);
		else if (o->kind == OPTION_PROTECTED)
			ret = read_protected(o, values, &protect, err);
		else
			ret = read_option(o, values, old, limits, is_preset, c,
					  err);
		if (ret < 0)
			return ret;
	}
	return settle_password(password, old, protect, c, err);
}

int
muc_config_from_form(const struct xml *form, const struct muc_config *old,
		     const struct muc_limits *limits, struct muc_config *out,
		     struct err *err)
{
	struct arena *a;
	int ret;

	if (!form_is_for(form, NS_MUC_ROOMCONFIG)) {
		*out = (struct muc_config){ 0 };
		return err_set(err, "field FORM_TYPE: not " NS_MUC_ROOMCONFIG);
	}
	a = arena_new();
	muc_config_copy(out, old);
	ret = read_form(a, form, old, limits, out, err);
	if (ret < 0) {
		muc_config_fini(out);
		*out = (struct muc_config){ 0 };
	}
	arena_unref(&a);
	return ret;
}

static void
drop_jid(void *obj)
{
	struct jid *jid = obj;

	jid_unref(&jid);
}

static struct jid *
parse_bare(struct arena *a, const char *text)
{
	struct jid *jid = jid_parse(text), *bare = jid_bare(jid);

	jid_unref(&jid);
	if (bare)
		arena_own(a, bare, drop_jid);
	return bare;
}

static int
compare_jids(const void *a, const void *b)
{
	return strcmp(jid_str(*(struct jid *const *)a),
		      jid_str(*(struct jid *const *)b));
}

int
muc_config_form_list(struct arena *a, const struct xml *form,
		     enum affiliation affiliation, struct jid ***jids_out,
		     struct err *err)
{
	const char *var = list_field(affiliation)->var;
	const char **values;
	struct jid **jids;
	size_t n = 0, n_unique = 0;

	*jids_out = NULL;
	if (!form_field(form, var))
		return 0;
	values = form_get_all(a, form, var);
	while (values[n])
		n++;
	jids = arena_zalloc(a, (n + 1) * sizeof(*jids));
	for (n = 0; *values; values++) {
		if (!**values)
			continue;
		jids[n] = parse_bare(a, *values);
		if (!jids[n++])
			return err_set(err, "field %s: not an address: %.100s",
				       var, *values);
	}
	qsort(jids, n, sizeof(struct jid *), compare_jids);
	for (size_t i = 0; i < n; i++) {
		if (!n_unique || !jid_eq(jids[i], jids[n_unique - 1]))
			jids[n_unique++] = jids[i];
	}
	jids[n_unique] = NULL;
	*jids_out = jids;
	return 0;
}

/* ---- what others are told ---- */

void
muc_config_add_features(struct arena *a, struct xml *query,
			const struct muc_config *c)
{
	muc_option_each (o) {
		const char *feature = NULL;

		if (o->features[1])
			feature = o->features[muc_option_number(o, c)];
		if (feature)
			xml_set(a, xml_add(a, query, "feature", NULL), "var",
				feature);
	}
}

struct xml *
muc_config_add_info(struct arena *a, struct xml *query,
		    const struct muc_config *c, const struct muc_limits *limits,
		    const struct muc_roominfo *info)
{
	struct xml *form = form_add_results(a, query, NS_MUC_ROOMINFO);

	muc_option_each (o) {
		const char **values = muc_option_values(a, o, c, limits);

		for (size_t i = 0; *values && i < N_ELEMENTS(o->info); i++) {
			struct xml *x;

			if (!o->info[i])
				continue;
			x = form_add_result(a, form, o->info[i], o->label,
					    NULL);
			for (size_t v = 0; values[v]; v++)
				form_add_value(a, x, values[v]);
		}
	}
	form_add_result(a, form, MUC_ROOMINFO_OCCUPANTS,
			"Current Number of Occupants in Room",
			arena_printf(a, "%zu", info->n_occupants));
	if (info->subject)
		form_add_result(a, form, "muc#roominfo_subject",
				"Current Discussion Topic", info->subject);
	return form;
}
