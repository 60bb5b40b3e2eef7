/* log.c - one line, one fact. */

#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <unistr.h>

#define LINE_MAX_LEN 2048

static _Atomic enum log_level max_level = LOG_INFO;
static _Atomic enum log_format line_format = LOG_TEXT;
static atomic_bool for_systemd;
static void (*capture)(const char *line, void *data);
static void *capture_data;

static const char *const words[] = { "error", "warn", "info", "debug" };
/* sd-daemon(3): <3> is an error, <4> a warning, <6> information, <7> debug. */
static const char *const priorities[] = { "<3>", "<4>", "<6>", "<7>" };

bool
log_is_on(enum log_level level)
{
	return level <= atomic_load_explicit(&max_level, memory_order_relaxed);
}

void
log_set_level(enum log_level level)
{
	atomic_store(&max_level, level);
}

void
log_set_format(enum log_format format)
{
	atomic_store(&line_format, format);
}

void
log_set_systemd(bool on)
{
	atomic_store(&for_systemd, on);
}

int
log_parse_level(const char *word, enum log_level *out)
{
	for (size_t i = 0; i < N_ELEMENTS(words); i++) {
		if (!strcmp(word, words[i])) {
			*out = (enum log_level)i;
			return 0;
		}
	}
	return -1;
}

void
log_capture(void (*fn)(const char *line, void *data), void *data)
{
	capture = fn;
	capture_data = data;
}

static void
add_char(struct buf *b, bool is_json, const char *s, size_t n, ucs4_t c)
{
	bool is_control = c < 0x20 || (c >= 0x7f && c < 0xa0);

	if (is_control && is_json)
		buf_printf(b, "\\u%04x", (unsigned)c);
	else if (is_control)
		buf_addc(b, '?');
	else if (is_json && (c == '"' || c == '\\'))
		buf_printf(b, "\\%c", (int)c);
	else
		buf_add(b, s, n);
}

/* What a peer sent must not be able to fake a line, talk to a terminal or
 * break the reader's UTF-8. */
static void
add_clean(struct buf *b, bool is_json, const char *s)
{
	size_t left = strlen(s);

	while (left) {
		ucs4_t c;
		int n = u8_mbtoucr(&c, (const uint8_t *)s, left);

		if (n > 0)
			add_char(b, is_json, s, (size_t)n, c);
		else
			buf_adds(b, "\xef\xbf\xbd"); /* U+FFFD */
		n = n > 0 ? n : 1;
		s += n;
		left -= (size_t)n;
	}
}

static void
add_json_string(struct buf *b, const char *key, const char *s)
{
	buf_printf(b, "%s\"%s\":\"", b->len > 1 ? "," : "", key);
	add_clean(b, true, s);
	buf_addc(b, '"');
}

static void
add_word(struct buf *b, const char *s)
{
	if (!s)
		return;
	buf_addc(b, ' ');
	add_clean(b, false, s);
}

static void
json_line(struct buf *b, enum log_level level, const struct log *l,
	  const char *text)
{
	char stamp[CLOCK_STAMP_MAX];
	struct clock now;

	clock_init(&now);
	buf_addc(b, '{');
	add_json_string(b, "time", clock_stamp(now.wall_ms, stamp));
	add_json_string(b, "level", words[level]);
	if (l && l->host)
		add_json_string(b, "host", l->host);
	if (l && l->stream)
		add_json_string(b, "stream", l->stream);
	if (l && l->jid)
		add_json_string(b, "jid", l->jid);
	add_json_string(b, "message", text);
	buf_adds(b, "}\n");
}

static void
text_line(struct buf *b, enum log_level level, const struct log *l,
	  const char *text)
{
	char stamp[CLOCK_STAMP_MAX];
	struct clock now;

	if (atomic_load_explicit(&for_systemd, memory_order_relaxed)) {
		buf_adds(b, priorities[level]);
	} else {
		clock_init(&now);
		buf_printf(b, "%s ", clock_stamp(now.wall_ms, stamp));
	}
	buf_adds(b, words[level]);
	if (l) {
		add_word(b, l->host);
		add_word(b, l->stream);
		add_word(b, l->jid);
	}
	buf_adds(b, ": ");
	add_clean(b, false, text);
	buf_addc(b, '\n');
}

static void
write_all(const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(STDERR_FILENO, data, len);

		if (n < 0 && errno != EINTR)
			return;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
}

void
log_write(enum log_level level, const struct log *l, const char *fmt, ...)
{
	char text[LINE_MAX_LEN];
	struct buf line = { 0 };
	va_list ap;

	if (!log_is_on(level))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (atomic_load_explicit(&line_format, memory_order_relaxed) ==
	    LOG_JSON)
		json_line(&line, level, l, text);
	else
		text_line(&line, level, l, text);
	if (capture)
		capture(line.data, capture_data);
	else
		write_all(line.data, line.len);
	buf_fini(&line);
}

bool
log_limit_allows(struct log_limit *limit, int64_t now_ms)
{
	const int64_t price_ms = 1000 / LOG_LIMIT_PER_SECOND;
	const int64_t credit_ms = LOG_LIMIT_BURST * price_ms;

	if (limit->paid_until_ms < now_ms)
		limit->paid_until_ms = now_ms;
	if (limit->paid_until_ms + price_ms > now_ms + credit_ms) {
		limit->n_left_out++;
		return false;
	}
	limit->paid_until_ms += price_ms;
	return true;
}

void
log_limit_tell(struct log_limit *limit, const struct log *l)
{
	if (limit->n_left_out)
		log_info(l,
			 "left out: %" PRIu64 " lines about peers that "
			 "misbehave",
			 limit->n_left_out);
	limit->n_left_out = 0;
}
