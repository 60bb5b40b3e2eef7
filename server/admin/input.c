/* input.c - passwords and files for commands. */

#include "admin/input.h"

#include "admin/control.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define READ_CHUNK   65536
#define PASSWORD_MAX 4096

void
input_free(char *input)
{
	if (input)
		explicit_bzero(input, strlen(input));
	free(input);
}

/* A line without its end; NULL at the end of the file. */
static char *
read_line(FILE *in)
{
	char line[PASSWORD_MAX];
	char *copy = NULL;

	if (fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\r\n")] = '\0';
		copy = mem_strdup(line);
	}
	explicit_bzero(line, sizeof(line));
	return copy;
}

static char *
ask(FILE *tty, const char *question)
{
	struct termios old, silent;
	char *answer;

	/* Before the question: what was typed until now is thrown away. */
	tcgetattr(fileno(tty), &old);
	silent = old;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(fileno(tty), TCSAFLUSH, &silent);
	fputs(question, tty);
	answer = read_line(tty);
	tcsetattr(fileno(tty), TCSADRAIN, &old);
	fputc('\n', tty);
	return answer;
}

char *
input_password_asked(const char *who, struct err *err)
{
	FILE *tty = fopen("/dev/tty", "r+e");
	char *once, *again;

	if (!tty) {
		err_set(err, "no terminal to ask for the password; use "
			     "--password-stdin");
		return NULL;
	}
	setvbuf(tty, NULL, _IONBF, 0);
	fprintf(tty, "For %s\n", who);
	once = ask(tty, "Password: ");
	again = once ? ask(tty, "The same again: ") : NULL;
	fclose(tty);
	if (!again) {
		err_set(err, "no password");
	} else if (strcmp(once, again)) {
		err_set(err, "that was not the same");
	} else {
		input_free(again);
		return once;
	}
	input_free(once);
	input_free(again);
	return NULL;
}

char *
input_password_stdin(struct err *err)
{
	char *password = read_line(stdin);

	if (!password)
		err_set(err, "found no password on standard input");
	return password;
}

static int
read_all(int fd, struct buf *b, const char *path, struct err *err)
{
	for (;;) {
		ssize_t n = read(fd, buf_reserve(b, READ_CHUNK), READ_CHUNK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "%s", path);
		b->len += (size_t)n;
		b->data[b->len] = '\0';
		if (!n)
			return 0;
		if (b->len > CONTROL_REQUEST_MAX / 2)
			return err_set(err, "%s: found more than %u bytes",
				       path, CONTROL_REQUEST_MAX / 2);
	}
}

char *
input_file(const char *path, struct err *err)
{
	bool is_stdin = !strcmp(path, "-");
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	struct buf b = { 0 };
	int ret;

	if (fd < 0) {
		err_sys(err, "%s", path);
		return NULL;
	}
	ret = read_all(fd, &b, path, err);
	if (!ret && memchr(b.data, '\0', b.len))
		ret = err_set(err, "%s: found a NUL byte, expected text", path);
	if (!is_stdin)
		close(fd);
	if (!ret)
		return buf_take(&b);
	buf_fini(&b);
	return NULL;
}
