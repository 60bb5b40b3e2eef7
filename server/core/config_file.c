/*
 * config_file.c - reading a configuration with libconfuse.
 *
 * Every option is a list of words to libconfuse, and judged elsewhere. It ends
 * at the first unknown name; so that all are found in one run, such a name is
 * declared and the text is read again, and an unknown section is blanked.
 */

#include "core/config_file.h"

#include "base/arena.h"
#include "base/mem.h"
#include "core/config.h"
#include "core/config_scan.h"
#include "core/config_skip.h"
#include "core/host.h"
#include "core/module.h"
#include "core/remote.h"
#include "core/server.h"

#include <confuse.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX      (1 << 20)
#define INCLUDE_DEPTH 8
#define UNKNOWN_MAX   64

/* An option that libconfuse sets itself when a section begins: that is how we
 * learn its line. Nobody else writes a name of one blank. */
#define BEGIN_NAME " "

struct reader {
	struct config_file *out;
	struct config_section *current;
	struct config_errors errs; /* of this pass */
	struct {
		const char *names[UNKNOWN_MAX];
		size_t n;
	} unknown[CONFIG_KINDS];
	cfg_opt_t *opts[CONFIG_KINDS]; /* owned */
	unsigned depth;
	bool may_include, again;
};

/* libconfuse hands nothing of ours to its callbacks, and its lexer is global
 * as well. */
static struct reader *reader;

static const char *const kind_names[CONFIG_KINDS] = {
	[CONFIG_HOST] = "host",
	[CONFIG_COMPONENT] = "component",
	[CONFIG_REMOTE] = "remote",
};

const char *
config_kind_name(enum config_kind kind)
{
	return kind_names[kind];
}

bool
config_table(enum config_kind kind, size_t i, const struct option **table_out)
{
	if (kind == CONFIG_COMPONENT || kind == CONFIG_REMOTE) {
		*table_out = kind == CONFIG_REMOTE ? remote_options
						   : component_options;
		return i == 0;
	}
	if (kind == CONFIG_TOP && i-- == 0) {
		*table_out = server_options;
		return true;
	}
	if (i-- == 0) {
		*table_out = host_options;
		return true;
	}
	if (!all_modules[i])
		return false;
	*table_out = all_modules[i]->options;
	return true;
}

const struct option *
config_option(enum config_kind kind, const char *name)
{
	const struct option *table, *o = NULL;

	for (size_t i = 0; !o && config_table(kind, i, &table); i++)
		o = option_find(table, name);
	return o;
}

enum config_kind
config_kind_named(const char *name)
{
	for (enum config_kind k = CONFIG_TOP + 1; k < CONFIG_KINDS; k++) {
		if (!strcmp(name, kind_names[k]))
			return k;
	}
	return CONFIG_TOP;
}

static enum config_kind
kind_of(const cfg_t *cfg)
{
	return config_kind_named(cfg->name);
}

static bool
is_unknown(enum config_kind kind, const char *name)
{
	for (size_t i = 0; i < reader->unknown[kind].n; i++) {
		if (!strcmp(reader->unknown[kind].names[i], name))
			return true;
	}
	return false;
}

/* --- What was read */

static struct config_section *
add_section(enum config_kind kind, const cfg_t *cfg)
{
	struct config_file *f = reader->out;
	struct config_section *s = mem_zalloc(sizeof(*s));

	s->kind = kind;
	s->title = cfg->title ? arena_strdup(f->arena, cfg->title) : NULL;
	s->file = arena_strdup(f->arena, cfg->filename);
	s->line = cfg->line;
	f->sections = mem_realloc(f->sections,
				  (f->n + 1) * sizeof(struct config_section *));
	f->sections[f->n++] = s;
	return s;
}

static struct config_setting *
add_setting(struct config_section *s, const char *name, const char *file,
	    int line)
{
	struct config_setting *set;

	s->settings =
		mem_realloc(s->settings, (s->n + 1) * sizeof(*s->settings));
	set = &s->settings[s->n++];
	*set = (struct config_setting){
		.name = arena_strdup(reader->out->arena, name),
		.option = config_option(s->kind, name),
		.file = arena_strdup(reader->out->arena, file),
		.line = line,
	};
	return set;
}

static void
clear(struct config_file *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct config_section *s = f->sections[i];

		for (size_t j = 0; j < s->n; j++)
			free(s->settings[j].values);
		free(s->settings);
		free(s);
	}
	free(f->sections);
	f->sections = NULL;
	f->n = 0;
	arena_unref(&f->arena);
}

void
config_file_fini(struct config_file *f)
{
	clear(f);
}

/* --- libconfuse's callbacks */

static int
on_begin(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	(void)opt;
	*(const char **)result = value;
	/* Somebody did write it. */
	if (reader->current != reader->out->sections[0])
		return 0;
	reader->current = add_section(kind_of(cfg), cfg);
	return 0;
}

static int
on_end(cfg_t *cfg, cfg_opt_t *opt)
{
	(void)cfg, (void)opt;
	reader->current = reader->out->sections[0];
	return 0;
}

/* Called for each value of a list, which is in opt by now. */
static int
on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct config_section *s = reader->current;
	struct config_setting *set = s->n ? &s->settings[s->n - 1] : NULL;

	*(const char **)result = value;
	if (!set || cfg_opt_size(opt) == 1 || strcmp(set->name, opt->name))
		set = add_setting(s, opt->name, cfg->filename, cfg->line);
	set->values =
		mem_realloc(set->values, (set->n + 1) * sizeof(const char *));
	set->values[set->n++] = arena_strdup(reader->out->arena, value);
	return 0;
}

/* The line is where reading stopped: at the word after the mistake or its end.
 */
static __attribute__((format(printf, 2, 0))) void
on_syntax(cfg_t *cfg, const char *fmt, va_list ap)
{
	struct config_errors *errs = &reader->errs;
	const char *file = cfg->filename, *word;
	char *text;

	if (!strcmp(fmt, "unexpected token '%s'")) {
		word = va_arg(ap, const char *);
		config_errors_add(errs, file, cfg->line,
				  "found \"%s\", expected a setting, a value "
				  "or \"}\"",
				  word);
	} else if (!strcmp(fmt, "missing equal sign after option '%s'")) {
		word = va_arg(ap, const char *);
		config_errors_add(
			errs, file, cfg->line,
			is_unknown(kind_of(cfg), word)
				? "%s: found an unknown section, expected "
				  "host, component or remote"
				: "%s: found no \"=\" behind it, expected a "
				  "value",
			word);
	} else if (!strcmp(fmt, "missing opening brace for section '%s'")) {
		config_errors_add(errs, file, cfg->line,
				  "%s: found no \"{\" behind its name, "
				  "expected { … }",
				  va_arg(ap, const char *));
	} else if (!strcmp(fmt, "missing title for section '%s'")) {
		word = va_arg(ap, const char *);
		config_errors_add(errs, file, cfg->line,
				  "%s: found no name, expected "
				  "%s \"example.org\" { … }",
				  word, word);
	} else if (!strcmp(fmt, "premature end of file")) {
		config_errors_add(errs, file, cfg->line,
				  "found the end of the file, expected the "
				  "rest of a setting");
	} else if (strstr(fmt, "function '%s'")) {
		config_errors_add(errs, file, cfg->line,
				  "%s: expected include(\"FILE\")",
				  va_arg(ap, const char *));
	} else {
		if (vasprintf(&text, fmt, ap) < 0)
			abort();
		config_errors_add(errs, file, cfg->line, "%s", text);
		free(text);
	}
}

static __attribute__((format(printf, 2, 0))) void
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	enum config_kind kind = kind_of(cfg);
	const char *name;
	size_t n = reader->unknown[kind].n;
	va_list copy;

	if (strcmp(fmt, "no such option '%s'")) {
		on_syntax(cfg, fmt, ap);
		return;
	}
	va_copy(copy, ap);
	name = va_arg(copy, const char *);
	if (n < UNKNOWN_MAX && !is_unknown(kind, name)) {
		reader->unknown[kind].names[n] = mem_strdup(name);
		reader->unknown[kind].n++;
		reader->again = true;
	} else {
		config_errors_add(&reader->errs, cfg->filename, cfg->line,
				  "found the unknown option \"%s\"", name);
	}
	va_end(copy);
}

/* --- Reading */

/* Of an include, the error has the file that asks for it. */
static __attribute__((format(printf, 5, 6))) void
cannot_read(struct config_errors *errs, const char *path, const char *where,
	    int line, const char *fmt, ...)
{
	bool is_itself = !strcmp(path, where);
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	config_errors_add(errs, where, line, "%s%s%s", is_itself ? "" : path,
			  is_itself ? "" : ": ", text);
	free(text);
}

char *
config_file_read(const char *path, const char *where, int line, size_t *len_out,
		 struct config_errors *errs)
{
	FILE *in = fopen(path, "re");
	char *text = NULL;
	size_t len = 0;

	if (in) {
		text = mem_alloc(FILE_MAX + 1);
		len = fread(text, 1, FILE_MAX + 1, in);
	}
	if (!in || ferror(in)) {
		cannot_read(errs, path, where, line, "cannot be read: %s",
			    strerror(errno));
	} else if (len > FILE_MAX) {
		cannot_read(errs, path, where, line, "found more than %d bytes",
			    FILE_MAX);
	} else {
		fclose(in);
		text[len] = '\0';
		*len_out = len;
		return text;
	}
	free(text);
	if (in)
		fclose(in);
	return NULL;
}

/* One file, in a section or not. */
static int
parse_text(cfg_t *cfg, char *text, size_t len)
{
	FILE *in;
	int ret;

	if (!len)
		return 0;
	in = fmemopen(text, len, "r");
	if (!in)
		abort();
	ret = cfg_parse_fp(cfg, in);
	fclose(in);
	return ret == CFG_SUCCESS ? 0 : -1;
}

static char *
beside(const char *file, const char *name)
{
	const char *slash = strrchr(file, '/');

	if (*name == '/' || !slash)
		return mem_strdup(name);
	return mem_printf("%.*s/%s", (int)(slash - file), file, name);
}

static const char *
why_not_include(int argc)
{
	if (argc != 1)
		return "expected one file";
	if (!reader->may_include)
		return "not possible here";
	if (reader->depth == INCLUDE_DEPTH)
		return "found files that include each other, expected an end";
	return NULL;
}

/* Not libconfuse's own: that one loses files and its place at an error. */
static int
on_include(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
	char *file = cfg->filename, *text = NULL;
	const char *why_not = why_not_include(argc);
	int line = cfg->line, ret = -1;
	size_t len;

	(void)opt;
	if (why_not) {
		config_errors_add(&reader->errs, file, line, "include: %s",
				  why_not);
		return -1;
	}
	cfg->filename = beside(file, argv[0]);
	reader->depth++;
	text = config_file_read(cfg->filename, file, line, &len, &reader->errs);
	if (!text)
		ret = 0; /* there may be more to find */
	else if (!config_scan(cfg->filename, text, len, &reader->errs)) {
		config_skip(cfg->filename, text, len, kind_of(cfg),
			    &reader->errs);
		ret = parse_text(cfg, text, len);
	}
	reader->depth--;
	free(text);
	free(cfg->filename);
	cfg->filename = file;
	cfg->line = line;
	return ret;
}

static cfg_opt_t
list_opt(const char *name, const char *def, cfg_callback_t cb)
{
	cfg_flag_t flags = def ? CFGF_NONE : CFGF_NODEFAULT;

	return (cfg_opt_t)CFG_STR_LIST_CB((char *)name, (char *)def, flags, cb);
}

/* Everything that has a meaning in such a section. */
static cfg_opt_t *
declare(enum config_kind kind)
{
	const struct option *table;
	cfg_opt_t *opts;
	size_t n = 4 + CONFIG_KINDS + reader->unknown[kind].n;

	for (size_t i = 0; config_table(kind, i, &table); i++) {
		for (const struct option *o = table; o && o->name; o++)
			n++;
	}
	opts = mem_alloc(n * sizeof(*opts));
	n = 0;
	for (size_t i = 0; config_table(kind, i, &table); i++) {
		for (const struct option *o = table; o && o->name; o++)
			opts[n++] = list_opt(o->name, NULL, on_value);
	}
	for (size_t i = 0; i < reader->unknown[kind].n; i++)
		opts[n++] = list_opt(reader->unknown[kind].names[i], NULL,
				     on_value);
	if (kind != CONFIG_TOP)
		opts[n++] = list_opt(BEGIN_NAME, "{begin}", on_begin);
	for (enum config_kind k = CONFIG_TOP + 1;
	     kind == CONFIG_TOP && k < CONFIG_KINDS; k++)
		opts[n++] = (cfg_opt_t)CFG_SEC((char *)kind_names[k],
					       reader->opts[k],
					       CFGF_MULTI | CFGF_TITLE);
	opts[n++] = (cfg_opt_t)CFG_FUNC("include", on_include);
	opts[n] = (cfg_opt_t)CFG_END();
	return opts;
}

/* `name = {}` has no value that would have been called for. */
static void
take_empty_lists(struct config_section *s, const cfg_t *cfg)
{
	for (const cfg_opt_t *o = cfg->opts; o->name; o++) {
		size_t found = s->n;

		if (o->type != CFGT_STR || o->nvalues ||
		    !(o->flags & CFGF_MODIFIED))
			continue;
		for (size_t i = 0; i < s->n; i++) {
			if (!strcmp(s->settings[i].name, o->name))
				found = i;
		}
		if (found < s->n)
			s->settings[found].n = 0;
		else
			add_setting(s, o->name, s->file, s->line);
	}
}

static void
take_all_empty_lists(cfg_t *root)
{
	struct config_file *f = reader->out;

	for (size_t i = 0; i < f->n; i++) {
		struct config_section *s = f->sections[i];
		cfg_t *cfg = root;

		if (s->kind != CONFIG_TOP)
			cfg = cfg_gettsec(root, kind_names[s->kind], s->title);
		if (cfg)
			take_empty_lists(s, cfg);
	}
}

static void
pass(const char *name, char *text, size_t len)
{
	cfg_t *root;

	reader->again = false;
	clear(reader->out);
	config_errors_fini(&reader->errs);
	reader->out->arena = arena_new();
	for (enum config_kind k = CONFIG_KINDS; k-- > 0;)
		reader->opts[k] = declare(k);
	root = cfg_init(reader->opts[CONFIG_TOP], CFGF_NONE);
	if (!root)
		abort();
	cfg_set_error_function(root, on_error);
	for (enum config_kind k = CONFIG_TOP + 1; k < CONFIG_KINDS; k++)
		cfg_set_validate_func(root, kind_names[k], on_end);
	root->filename = mem_strdup(name);
	reader->current = add_section(CONFIG_TOP, root);
	if (!parse_text(root, text, len))
		take_all_empty_lists(root);
	cfg_free(root);
	for (enum config_kind k = CONFIG_KINDS; k-- > 0;)
		free(reader->opts[k]);
}

void
config_file_parse(struct config_file *f, const char *name, char *text,
		  size_t len, bool may_include, struct config_errors *errs)
{
	struct reader r = { .out = f, .may_include = may_include };

	if (config_scan(name, text, len, errs) < 0)
		return;
	config_skip(name, text, len, CONFIG_TOP, errs);
	reader = &r;
	do
		pass(name, text, len);
	while (r.again);
	reader = NULL;
	for (size_t i = 0; i < r.errs.n; i++)
		config_errors_add(errs, r.errs.items[i].file,
				  r.errs.items[i].line, "%s",
				  r.errs.items[i].text);
	config_errors_fini(&r.errs);
	for (size_t k = 0; k < CONFIG_KINDS; k++) {
		for (size_t i = 0; i < r.unknown[k].n; i++)
			free((char *)r.unknown[k].names[i]);
	}
}
