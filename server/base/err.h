/*
 * err.h - why something failed, in words for an administrator.
 *
 * The caller owns a struct err; whoever detects a failure sets it and returns
 * -1; callers on the way up put their context in front.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

struct err {
	char text[512];
};

/* Both return -1, so that a function can end with `return err_set(...)`.
 * err may be NULL. */
int err_set(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* "context: what was there" */
int err_wrap(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* err_set with the system's words for errno behind it. */
int err_sys(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
