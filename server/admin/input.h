/* input.h - what a command is given besides its words. */
#ifndef ADMIN_INPUT_H
#define ADMIN_INPUT_H

#include <stddef.h>

struct err;

/* A password, without the line's end; NULL with err. To be released with
 * input_free. */
char *input_password_asked(const char *who, struct err *err);
char *input_password_stdin(struct err *err);
/* A whole file; "-" is standard input. */
char *input_file(const char *path, struct err *err);
/* Wipes it. NULL is fine. */
void input_free(char *input);

#endif
