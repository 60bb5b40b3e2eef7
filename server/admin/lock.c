/* lock.c - one process at a time works on a data directory. */

#include "admin/lock.h"

#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define POLL_MS 20

static int
open_lock(const char *data_dir, struct err *err)
{
	char *path = mem_printf("%s/lock", data_dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		err_sys(err, "%s", path);
	free(path);
	return fd;
}

static void
write_pid(int fd)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	/* Only for the message below. */
	if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)len, 0) < 0)
		return;
}

static int
held_by_other(int fd, const char *data_dir, struct err *err)
{
	char pid[32] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? n : 0] = '\0';
	pid[strcspn(pid, "\n")] = '\0';
	err_set(err, "%s: process %s is using it already", data_dir,
		*pid ? pid : "another");
	return -2;
}

int
lock_take(const char *data_dir, struct err *err)
{
	int fd, ret;

	if (mkdir(data_dir, 0700) < 0 && errno != EEXIST)
		return err_sys(err, "%s", data_dir);
	fd = open_lock(data_dir, err);
	if (fd < 0)
		return -1;
	if (!flock(fd, LOCK_EX | LOCK_NB)) {
		write_pid(fd);
		return fd;
	}
	ret = errno == EWOULDBLOCK ? held_by_other(fd, data_dir, err)
				   : err_sys(err, "%s/lock", data_dir);
	close(fd);
	return ret;
}

bool
lock_is_held(const char *data_dir)
{
	char *path = mem_printf("%s/lock", data_dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is_held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0;

	free(path);
	if (fd >= 0)
		close(fd);
	return is_held;
}

int
lock_wait(const char *data_dir, int max_ms)
{
	const struct timespec pause = { .tv_nsec = POLL_MS * 1000000 };
	int fd = open_lock(data_dir, NULL);
	int ret = -1;

	if (fd < 0)
		return -1;
	for (int waited = 0; waited <= max_ms; waited += POLL_MS) {
		ret = flock(fd, LOCK_EX | LOCK_NB);
		if (!ret)
			break;
		nanosleep(&pause, NULL);
	}
	close(fd);
	return ret;
}
