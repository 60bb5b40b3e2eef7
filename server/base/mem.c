/* mem.c - allocation that cannot fail. */

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
checked(void *p)
{
	if (!p) {
		fputs("error: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *
mem_alloc(size_t size)
{
	return checked(malloc(size ? size : 1));
}

void *
mem_zalloc(size_t size)
{
	return checked(calloc(1, size ? size : 1));
}

void *
mem_realloc(void *p, size_t size)
{
	return checked(realloc(p, size ? size : 1));
}

char *
mem_strdup(const char *s)
{
	return checked(strdup(s));
}

char *
mem_strndup(const char *s, size_t len)
{
	return checked(strndup(s, len));
}

char *
mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	return checked(s);
}
