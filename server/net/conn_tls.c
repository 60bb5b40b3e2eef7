/* conn_tls.c - a connection's TLS: handshake and records, of both sides. */

#include "base/mem.h"
#include "net/conn_private.h"
#include "net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

void
conn_tls_begin(struct conn *c)
{
	const char *name = c->rare->tls_name;

	c->is_starting_tls = false;
	c->is_handshaking = true;
	c->is_read_off = false;
	c->ssl = name ? tls_config_ssl_client(c->rare->tls, name,
					      c->rare->tls_is_first)
		      : tls_config_ssl(c->rare->tls);
	SSL_set_fd(c->ssl, c->fd);
	if (!name) {
		SSL_set_accept_state(c->ssl);
		return;
	}
	SSL_set_connect_state(c->ssl);
	conn_read_soon(c); /* it has the first word */
}

void
conn_tls_free(struct conn *c)
{
	SSL_free(c->ssl);
	c->ssl = NULL;
}

bool
conn_tls_has_pending(const struct conn *c)
{
	return SSL_has_pending(c->ssl);
}

/* Before a call whose failure is looked up in the queue: whoever left something
 * there, it is not of this connection. It is nearly always empty, and looking
 * costs a tenth of clearing. */
static void
forget_errors(void)
{
	if (ERR_peek_error())
		ERR_clear_error();
}

/* What the failed call ret means. The error queue belongs to the thread, and
 * so to all its connections: it is left empty. */
static enum conn_io
result(struct conn *c, int ret, struct conn_why *why)
{
	int saved_errno = errno;
	unsigned long e;

	switch (SSL_get_error(c->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return CONN_IO_BLOCKED;
	case SSL_ERROR_ZERO_RETURN:
		*why = (struct conn_why){ CONN_EOF, NULL };
		return CONN_IO_ENDED;
	case SSL_ERROR_SYSCALL:
		ERR_clear_error();
		errno = saved_errno;
		return conn_broken(why);
	default:
		e = ERR_get_error();
		ERR_clear_error();
		/* The peer closed without close_notify. */
		if (ERR_GET_REASON(e) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
			*why = (struct conn_why){ CONN_EOF, NULL };
		else
			*why = (struct conn_why){ CONN_TLS_FAILED,
						  ERR_reason_error_string(e) };
		return CONN_IO_ENDED;
	}
}

static enum conn_io
read_result(struct conn *c, int ret, struct conn_why *why)
{
	enum conn_io io = result(c, ret, why);

	c->read_wants_write = io == CONN_IO_BLOCKED && SSL_want_write(c->ssl);
	return io;
}

/* OpenSSL calls what is not TLS at all a wrong version, or a HTTP request. */
static bool
is_plain(const char *detail)
{
	static const int reasons[] = { SSL_R_WRONG_VERSION_NUMBER,
				       SSL_R_HTTP_REQUEST,
				       SSL_R_HTTPS_PROXY_REQUEST };

	for (size_t i = 0; detail && i < N_ELEMENTS(reasons); i++) {
		const char *words = ERR_reason_error_string(
			ERR_PACK(ERR_LIB_SSL, 0, reasons[i]));

		if (words && !strcmp(detail, words))
			return true;
	}
	return false;
}

enum conn_io
conn_tls_handshake(struct conn *c, struct conn_why *why)
{
	struct tls_info info;
	int ret;

	forget_errors();
	ret = SSL_do_handshake(c->ssl);
	if (ret <= 0) {
		enum conn_io io = read_result(c, ret, why);

		if (io == CONN_IO_ENDED && why->end == CONN_EOF)
			*why = (struct conn_why){
				CONN_TLS_FAILED,
				"the peer closed during the handshake"
			};
		else if (io == CONN_IO_ENDED && is_plain(why->detail))
			why->detail = "the peer does not speak TLS here";
		return io;
	}
	c->is_handshaking = false;
	conn_rare_free(c);
	tls_info_read(c->ssl, &info);
	c->cls->on_secure(c, c->user, &info);
	tls_info_fini(&info);
	return CONN_IO_OK;
}

bool
conn_export(const struct conn *c, uint8_t *out)
{
	return c->ssl && !c->is_handshaking && tls_info_export(c->ssl, out);
}

enum conn_io
conn_tls_read(struct conn *c, char *buf, size_t size, size_t *n_out,
	      struct conn_why *why)
{
	*n_out = 0;
	while (*n_out < size) {
		size_t n;
		int ret;

		forget_errors();
		ret = SSL_read_ex(c->ssl, buf + *n_out, size - *n_out, &n);
		if (ret <= 0)
			return read_result(c, ret, why);
		*n_out += n;
		if (!SSL_has_pending(c->ssl))
			return CONN_IO_BLOCKED;
	}
	return CONN_IO_OK;
}

enum conn_io
conn_tls_write(struct conn *c, const char *data, size_t len, size_t *n_out,
	       struct conn_why *why)
{
	int ret;

	forget_errors();
	ret = SSL_write_ex(c->ssl, data, len, n_out);
	return ret > 0 ? CONN_IO_OK : result(c, ret, why);
}

enum conn_io
conn_tls_shutdown(struct conn *c)
{
	struct conn_why why;
	int ret;

	forget_errors();
	ret = SSL_shutdown(c->ssl);
	/* 0: sent, the peer's is still to come. */
	return ret >= 0 ? CONN_IO_OK : result(c, ret, &why);
}
