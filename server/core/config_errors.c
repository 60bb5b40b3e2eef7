/* config_errors.c - what is wrong with a configuration, and where. */

#include "base/buf.h"
#include "base/mem.h"
#include "core/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
config_errors_fini(struct config_errors *errs)
{
	for (size_t i = 0; i < errs->n; i++) {
		free(errs->items[i].file);
		free(errs->items[i].text);
	}
	free(errs->items);
	*errs = (struct config_errors){ 0 };
}

/* Behind those of the same file and of lines before it. */
static size_t
place(const struct config_errors *errs, const struct config_error *e)
{
	size_t at = errs->n;

	for (size_t i = 0; i < errs->n; i++) {
		if (strcmp(errs->items[i].file, e->file))
			continue;
		if (errs->items[i].line > e->line)
			return at < i ? at : i;
		at = i + 1;
	}
	return at;
}

/* Keeps the errors of one file together, in the order of its lines. */
static void
insert(struct config_errors *errs, const struct config_error *e)
{
	struct config_error *items;
	size_t at = place(errs, e);

	items = mem_realloc(errs->items, (errs->n + 1) * sizeof(*items));
	errs->items = items;
	memmove(&items[at + 1], &items[at], (errs->n - at) * sizeof(*items));
	items[at] = *e;
	errs->n++;
}

static __attribute__((format(printf, 5, 0))) void
add(struct config_errors *errs, const char *file, int line, bool is_warning,
    const char *fmt, va_list ap)
{
	struct config_error e = { mem_strdup(file), line, is_warning, NULL };

	if (vasprintf(&e.text, fmt, ap) < 0)
		abort();
	insert(errs, &e);
}

void
config_errors_add(struct config_errors *errs, const char *file, int line,
		  const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(errs, file, line, false, fmt, ap);
	va_end(ap);
}

void
config_errors_warn(struct config_errors *errs, const char *file, int line,
		   const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(errs, file, line, true, fmt, ap);
	va_end(ap);
}

size_t
config_errors_count(const struct config_errors *errs)
{
	size_t n = 0;

	for (size_t i = 0; i < errs->n; i++)
		n += !errs->items[i].is_warning;
	return n;
}

void
config_errors_write(const struct config_errors *errs, struct buf *out)
{
	for (size_t i = 0; i < errs->n; i++) {
		const struct config_error *e = &errs->items[i];

		buf_adds(out, e->file);
		if (e->line)
			buf_printf(out, ":%d", e->line);
		buf_printf(out, ": %s%s\n", e->is_warning ? "warning: " : "",
			   e->text);
	}
}
