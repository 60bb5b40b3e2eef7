/* config.c - judging what a configuration says, and handing it out. */

#include "core/config.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/config_file.h"
#include "core/remote.h"
#include "core/server.h"
#include "xmpp/jid.h"

#include <stdlib.h>
#include <string.h>

struct host_section {
	const char *name;		      /* prepared */
	const struct config_section *section; /* borrowed */
};

struct remote_section {
	struct config_remote remote;
	const struct config_section *section; /* borrowed */
};

struct config {
	struct config_file file;
	const char *path; /* as it was given */
	const char *dir;  /* of it; NULL: the working directory */
	struct host_section *hosts;
	size_t n_hosts;
	struct config_component *components;
	size_t n_components;
	struct remote_section *remotes;
	size_t n_remotes;
};

static int
check_secret(const char *value, struct err *err)
{
	return *value ? 0 : err_set(err, "found nothing, expected a secret");
}

const struct option component_options[] = {
	{ "secret", OPT_STRING, offsetof(struct config_component, secret),
	  .check = check_secret,
	  .doc = "The secret that the component has to prove (XEP-0114)." },
	{ 0 }
};

/* --- Suggestions */

#define NAME_MAX_COMPARED 48

/* How many characters have to be changed, added or left out. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_COMPARED + 1], n = strlen(b);

	if (n > NAME_MAX_COMPARED || strlen(a) > NAME_MAX_COMPARED)
		return NAME_MAX_COMPARED;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			size_t change = diagonal + (a[i] != b[j]);
			size_t less = row[j] < row[j + 1] ? row[j] : row[j + 1];

			diagonal = row[j + 1];
			row[j + 1] = change < less + 1 ? change : less + 1;
		}
	}
	return row[n];
}

static const char *
nearest(enum config_kind kind, const char *name)
{
	size_t best_distance = 1 + strlen(name) / 3;
	const struct option *table;
	const char *best = NULL;

	for (size_t i = 0; config_table(kind, i, &table); i++) {
		for (const struct option *o = table; o && o->name; o++) {
			size_t d = distance(name, o->name);

			if (d <= best_distance) {
				best_distance = d;
				best = o->name;
				if (!d)
					return best;
				best_distance--;
			}
		}
	}
	return best;
}

/* --- Judging */

static void
unknown(const struct config_section *s, const struct config_setting *set,
	struct config_errors *errs)
{
	const char *name = set->name, *best = nearest(s->kind, name);

	if (s->kind != CONFIG_TOP && option_find(server_options, name))
		config_errors_add(errs, set->file, set->line,
				  "%s: found in a %s, expected at the top of "
				  "the file, outside of all sections",
				  name, config_kind_name(s->kind));
	else if (best)
		config_errors_add(errs, set->file, set->line,
				  "%s: found an unknown option, expected "
				  "perhaps %s",
				  name, best);
	else
		config_errors_add(errs, set->file, set->line,
				  "%s: found an unknown option, expected one "
				  "of banyan.conf(5)",
				  name);
}

/* The one that was set before it in the same section. */
static const struct config_setting *
earlier(const struct config_section *s, const struct config_setting *set)
{
	for (const struct config_setting *e = s->settings; e < set; e++) {
		if (!strcmp(e->name, set->name))
			return e;
	}
	return NULL;
}

static void
judge_value(const struct config_setting *set, struct config_errors *errs)
{
	union {
		int64_t number;
		char *text;
		struct option_list list;
	} value = { 0 };
	/* A table of this one option, for a struct of this one value. */
	struct option alone[] = { *set->option, { 0 } };
	struct err err;

	memset(&value, 0, sizeof(value));
	alone[0].offset = 0;
	if (option_set(alone, &value, set->values, set->n, &err) < 0)
		config_errors_add(errs, set->file, set->line, "%s: %s",
				  set->name, err.text);
	option_fini(alone, &value);
}

static void
judge_settings(const struct config_section *s, struct config_errors *errs)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct config_setting *set = &s->settings[i];
		const struct config_setting *before = earlier(s, set);

		if (before)
			config_errors_add(errs, set->file, set->line,
					  "%s: found a second time, expected "
					  "once; it is in line %d already",
					  set->name, before->line);
		else if (!set->option)
			unknown(s, set, errs);
		else
			judge_value(set, errs);
	}
}

static const struct config_section *
section_of(const struct config *c, const char *domain)
{
	for (size_t i = 0; domain && i < c->n_hosts; i++) {
		if (!strcmp(c->hosts[i].name, domain))
			return c->hosts[i].section;
	}
	return NULL;
}

/* Only a remote may be "*.example.org". */
static const char *
judge_name(struct config *c, const struct config_section *s,
	   struct config_errors *errs)
{
	bool is_remote = s->kind == CONFIG_REMOTE;
	bool is_wildcard = is_remote && !strncmp(s->title, "*.", 2);
	struct jid *jid = jid_parse(s->title + (is_wildcard ? 2 : 0));
	const char *name = NULL;

	if (jid && jid_is_domain(jid))
		name = arena_printf(c->file.arena, "%s%s",
				    is_wildcard ? "*." : "", jid_domain(jid));
	else
		config_errors_add(errs, s->file, s->line,
				  "%s: found \"%s\", expected a domain like "
				  "\"example.org\"%s",
				  config_kind_name(s->kind), s->title,
				  is_remote ? " or \"*.example.org\"" : "");
	jid_unref(&jid);
	return name;
}

static int
judge_twice(const char *name, const struct config_section *s,
	    const struct config_section *before, struct config_errors *errs)
{
	if (!before)
		return 0;
	config_errors_add(errs, s->file, s->line,
			  "%s: found a second section for \"%s\", expected "
			  "one; it is in line %d already",
			  config_kind_name(s->kind), name, before->line);
	return -1;
}

static const struct config_section *
component_section(const struct config *c, const char *domain)
{
	const struct config_section *found = NULL;

	for (size_t i = 0, at = 0; at < c->n_components; i++) {
		if (c->file.sections[i]->kind != CONFIG_COMPONENT)
			continue;
		if (!strcmp(c->components[at++].domain, domain))
			found = c->file.sections[i];
	}
	return found;
}

static void
add_host(struct config *c, const char *name, const struct config_section *s)
{
	c->hosts = mem_realloc(c->hosts, (c->n_hosts + 1) * sizeof(*c->hosts));
	c->hosts[c->n_hosts++] = (struct host_section){ name, s };
}

static const struct config_setting *
find_setting(const struct config_section *s, const char *name)
{
	for (size_t i = 0; s && i < s->n; i++) {
		if (!strcmp(s->settings[i].name, name))
			return &s->settings[i];
	}
	return NULL;
}

static void
add_component(struct config *c, const char *name,
	      const struct config_section *s, struct config_errors *errs)
{
	const struct config_setting *secret = find_setting(s, "secret");

	if (!secret || !secret->n) {
		config_errors_add(errs, s->file, s->line,
				  "component: found no secret for \"%s\", "
				  "expected secret = \"…\"",
				  name);
		return;
	}
	c->components = mem_realloc(
		c->components, (c->n_components + 1) * sizeof(*c->components));
	c->components[c->n_components++] =
		(struct config_component){ name, secret->values[0] };
}

static const struct config_section *
remote_section(const struct config *c, const char *domain)
{
	for (size_t i = 0; i < c->n_remotes; i++) {
		if (!strcmp(c->remotes[i].remote.domain, domain))
			return c->remotes[i].section;
	}
	return NULL;
}

static void
add_remote(struct config *c, const char *name, const struct config_section *s,
	   struct config_errors *errs)
{
	if (judge_twice(name, s, remote_section(c, name), errs) < 0)
		return;
	c->remotes = mem_realloc(c->remotes,
				 (c->n_remotes + 1) * sizeof(*c->remotes));
	c->remotes[c->n_remotes++] = (struct remote_section){ { name }, s };
}

static void
judge_section(struct config *c, const struct config_section *s,
	      struct config_errors *errs)
{
	const char *name;

	judge_settings(s, errs);
	if (s->kind == CONFIG_TOP)
		return;
	name = judge_name(c, s, errs);
	if (name && s->kind == CONFIG_REMOTE) {
		add_remote(c, name, s, errs);
		return;
	}
	if (!name || judge_twice(name, s, section_of(c, name), errs) < 0)
		return;
	if (s->kind == CONFIG_HOST)
		add_host(c, name, s);
	else if (!judge_twice(name, s, component_section(c, name), errs))
		add_component(c, name, s, errs);
}

/* A component that stands before the host of the same name. */
static void
judge_overlap(struct config *c, struct config_errors *errs)
{
	for (size_t i = 0; i < c->n_hosts; i++) {
		const struct host_section *h = &c->hosts[i];

		judge_twice(h->name, h->section, component_section(c, h->name),
			    errs);
	}
}

/* What is here is not remote. */
static void
judge_remotes(struct config *c, struct config_errors *errs)
{
	for (size_t i = 0; i < c->n_remotes; i++) {
		const struct config_section *s = c->remotes[i].section;
		const char *name = c->remotes[i].remote.domain;
		const struct config_section *ours = section_of(c, name);

		if (!ours)
			ours = component_section(c, name);
		if (ours)
			config_errors_add(errs, s->file, s->line,
					  "remote: found \"%s\", which is the "
					  "%s of line %d, expected a domain of "
					  "another server",
					  name, config_kind_name(ours->kind),
					  ours->line);
	}
}

static struct config *
judge(struct config *c, struct config_errors *errs)
{
	size_t before = config_errors_count(errs);

	for (size_t i = 0; i < c->file.n; i++)
		judge_section(c, c->file.sections[i], errs);
	judge_overlap(c, errs);
	judge_remotes(c, errs);
	if (!c->n_hosts && !before && config_errors_count(errs) == before)
		config_errors_add(errs, c->path, 0,
				  "found no host, expected at least one like "
				  "host \"example.org\" {}");
	if (!config_errors_count(errs))
		return c;
	config_free(c);
	return NULL;
}

/* --- The way in */

static struct config *
parse(const char *name, char *text, size_t len, bool is_file,
      struct config_errors *errs)
{
	struct config *c = mem_zalloc(sizeof(*c));
	const char *slash = strrchr(name, '/');

	config_file_parse(&c->file, name, text, len, is_file, errs);
	if (!c->file.arena) {
		config_free(c);
		return NULL;
	}
	c->path = arena_strdup(c->file.arena, name);
	if (is_file && slash)
		c->dir = arena_strndup(c->file.arena, name,
				       (size_t)(slash - name));
	return judge(c, errs);
}

struct config *
config_load(const char *path, struct config_errors *errs)
{
	struct config *c;
	size_t len;
	char *text = config_file_read(path, path, 0, &len, errs);

	if (!text)
		return NULL;
	c = parse(path, text, len, true, errs);
	free(text);
	return c;
}

struct config *
config_parse(const char *name, const char *text, size_t len,
	     struct config_errors *errs)
{
	char *copy = mem_strndup(text, len);
	struct config *c = parse(name, copy, len, false, errs);

	free(copy);
	return c;
}

void
config_free(struct config *c)
{
	if (!c)
		return;
	config_file_fini(&c->file);
	free(c->hosts);
	free(c->components);
	free(c->remotes);
	free(c);
}

/* --- The way out */

static const struct config_setting *
lookup(const struct config *c, const char *host, const char *name)
{
	const struct config_setting *set =
		find_setting(section_of(c, host), name);

	return set ? set : find_setting(c->file.sections[0], name);
}

static void
fill_one(const struct config *c, const struct option *o,
	 const struct config_setting *set, void *into)
{
	const char *const *values = set->values;
	char *whole = NULL;
	const char *path;

	if (o->type == OPT_PATH && c->dir && *values[0] && *values[0] != '/') {
		whole = mem_printf("%s/%s", c->dir, values[0]);
		path = whole;
		values = &path;
	}
	/* It was judged by the same table when the file was read. */
	if (option_set(o, into, values, set->n, NULL) < 0)
		abort();
	free(whole);
}

void
config_fill(const struct config *c, const char *host,
	    const struct option *table, void *into)
{
	option_defaults(table, into);
	for (const struct option *o = table; o && o->name; o++) {
		const struct config_setting *set = lookup(c, host, o->name);

		if (set)
			fill_one(c, o, set, into);
	}
}

void
config_fill_remote(const struct config *c, size_t i,
		   struct remote_options *into)
{
	const struct config_section *s = c->remotes[i].section;

	for (const struct option *o = remote_options; o->name; o++) {
		const struct config_setting *set = find_setting(s, o->name);

		if (set)
			fill_one(c, o, set, into);
	}
}

static void
refill_one(const struct config *c, const char *host, const struct option *o,
	   void *into)
{
	const struct config_setting *set = lookup(c, host, o->name);
	struct option alone[] = { *o, { 0 } };
	void *at = (char *)into + o->offset;
	struct option_list fresh = { 0 }; /* the largest of all types */
	struct log log = { .host = host };
	char *was, *is;

	alone[0].offset = 0;
	if (!o->needs_restart) {
		option_defaults(alone, at);
		if (set)
			fill_one(c, alone, set, at);
		return;
	}
	option_defaults(alone, &fresh);
	if (set)
		fill_one(c, alone, set, &fresh);
	was = option_text(alone, at);
	is = option_text(alone, &fresh);
	if (strcmp(was, is))
		log_warn(&log, "%s stays %s until the next start", o->name,
			 was);
	free(was);
	free(is);
	option_fini(alone, &fresh);
}

void
config_refill(const struct config *c, const char *host,
	      const struct option *table, void *into)
{
	for (const struct option *o = table; o && o->name; o++)
		refill_one(c, host, o, into);
}

void
config_fill_server(const struct config *c, struct server_options *into)
{
	config_fill(c, NULL, server_options, into);
}

char *
config_data_dir(const char *path, struct config_errors *errs)
{
	const struct option *table = option_find(server_options, "data-dir");
	struct option alone[] = { *table, { 0 } };
	struct config_errors ignored = { 0 };
	struct config c = { 0 };
	const char *slash = strrchr(path, '/');
	char *text, *dir, *out = NULL;
	size_t len;

	text = config_file_read(path, path, 0, &len, errs);
	if (!text)
		return NULL;
	dir = slash ? mem_strndup(path, (size_t)(slash - path)) : NULL;
	c.dir = dir;
	config_file_parse(&c.file, path, text, len, true, &ignored);
	alone[0].offset = 0;
	option_defaults(alone, &out);
	if (c.file.n) {
		const struct config_setting *set =
			find_setting(c.file.sections[0], table->name);

		if (set && set->n == 1)
			fill_one(&c, alone, set, &out);
	}
	config_errors_fini(&ignored);
	config_file_fini(&c.file);
	free(dir);
	free(text);
	return out;
}

size_t
config_n_hosts(const struct config *c)
{
	return c->n_hosts;
}

const char *
config_host(const struct config *c, size_t i)
{
	return c->hosts[i].name;
}

bool
config_has_host(const struct config *c, const char *domain)
{
	return section_of(c, domain) != NULL;
}

size_t
config_n_components(const struct config *c)
{
	return c->n_components;
}

const struct config_component *
config_component(const struct config *c, size_t i)
{
	return &c->components[i];
}

size_t
config_n_remotes(const struct config *c)
{
	return c->n_remotes;
}

const struct config_remote *
config_remote(const struct config *c, size_t i)
{
	return &c->remotes[i].remote;
}

const char *
config_where(const struct config *c, const char *host, const char *option,
	     int *line_out)
{
	const struct config_setting *set =
		option ? lookup(c, host, option) : NULL;
	const struct config_section *s = section_of(c, host);

	*line_out = set ? set->line : s ? s->line : 0;
	return set ? set->file : s ? s->file : c->path;
}
