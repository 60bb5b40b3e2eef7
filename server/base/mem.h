/* mem.h - allocation that cannot fail: out of memory ends the process. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

/* Each returns memory from malloc, released with free(). */
void *mem_alloc(size_t size);
void *mem_zalloc(size_t size);
void *mem_realloc(void *p, size_t size);
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t len);

/* printf into fresh memory. */
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
