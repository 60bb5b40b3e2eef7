/* control_client.c - asking a server that runs. */

#include "admin/control.h"
#include "admin/control_address.h"
#include "base/buf.h"
#include "base/err.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* struct sockaddr_un holds 107 bytes; a folder that is open has a short name.
 */
int
control_address(const char *data_dir, struct sockaddr_un *out, int *dir_out,
		struct err *err)
{
	int fd = open(data_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "%s", data_dir);
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(out->sun_path, sizeof(out->sun_path),
		 "/proc/self/fd/%d/control", fd);
	*dir_out = fd;
	return 0;
}

static int
connect_to(const char *data_dir, struct err *err)
{
	struct sockaddr_un address;
	int dir, fd, ret;

	if (access(data_dir, F_OK) < 0 && errno == ENOENT)
		return -2;
	if (control_address(data_dir, &address, &dir, err) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ret = fd < 0 ? -1
		     : connect(fd, (struct sockaddr *)&address,
			       sizeof(address));
	close(dir);
	if (!ret)
		return fd;
	if (errno == ENOENT || errno == ECONNREFUSED)
		ret = -2;
	else
		err_sys(err, "%s/control", data_dir);
	if (fd >= 0)
		close(fd);
	return ret;
}

static int
send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
receive_all(int fd, char *to, size_t len)
{
	while (len) {
		ssize_t n = recv(fd, to, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		to += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
receive_text(int fd, struct buf *out)
{
	uint32_t len;

	if (receive_all(fd, (char *)&len, sizeof(len)) < 0)
		return -1;
	len = ntohl(len);
	if (len > CONTROL_ANSWER_MAX ||
	    receive_all(fd, buf_reserve(out, len), len) < 0)
		return -1;
	out->len += len;
	out->data[out->len] = '\0';
	return 0;
}

static void
add_request(struct buf *b, int argc, char *const *argv, bool json,
	    const char *input)
{
	uint32_t len = 0;

	buf_add(b, &len, sizeof(len));
	buf_add(b, json ? "json" : "text", 5);
	for (int i = 0; i < argc; i++)
		buf_add(b, argv[i], strlen(argv[i]) + 1);
	buf_addc(b, '\0');
	if (input)
		buf_adds(b, input);
	len = htonl((uint32_t)(b->len - sizeof(len)));
	memcpy(b->data, &len, sizeof(len));
}

int
control_call(const char *data_dir, int argc, char *const *argv, bool json,
	     const char *input, struct buf *out, struct buf *err_out,
	     struct err *err)
{
	int fd = connect_to(data_dir, err);
	struct buf request = { 0 };
	unsigned char code = 0;
	int ret;

	if (fd < 0)
		return fd;
	add_request(&request, argc, argv, json, input);
	if (send_all(fd, request.data, request.len) < 0 ||
	    receive_all(fd, (char *)&code, 1) < 0 ||
	    receive_text(fd, out) < 0 || receive_text(fd, err_out) < 0)
		ret = err_set(err, "the server broke off; see its log");
	else
		ret = code;
	explicit_bzero(request.data, request.len);
	buf_fini(&request);
	close(fd);
	return ret;
}
