/*
 * log.h - one line, one fact, to standard error.
 *
 * A line reads `info example.net c2s-41 romeo@example.net: authenticated`; the
 * context supplies host, stream and JID. Never log bodies, credentials or
 * tokens. Any thread may log.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

/* Who speaks; each may be NULL. Strings are borrowed for the call. */
struct log {
	const char *host, *stream, *jid;
};

/* error: the operator must act. warn: we degraded. info: streams and hosts
 * come and go, peers misbehave. debug: the rest. l may be NULL. */
#define log_error(l, ...) log_write(LOG_ERROR, l, __VA_ARGS__)
#define log_warn(l, ...)  log_write(LOG_WARN, l, __VA_ARGS__)
#define log_info(l, ...)  log_write(LOG_INFO, l, __VA_ARGS__)
#define log_debug(l, ...)                                     \
	do {                                                  \
		if (log_is_on(LOG_DEBUG))                     \
			log_write(LOG_DEBUG, l, __VA_ARGS__); \
	} while (0)

void log_write(enum log_level level, const struct log *l, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool log_is_on(enum log_level level);

/*
 * For lines that peers can cause as often as they like: a burst, then a few a
 * second. Those that are too many are counted, and told about by one line.
 * Zeroed memory is ready; one thread's.
 */
#define LOG_LIMIT_BURST	     100
#define LOG_LIMIT_PER_SECOND 10

struct log_limit {
	int64_t paid_until_ms; /* by the lines that were written */
	uint64_t n_left_out;   /* since it was last told */
};

/* Whether one more may be written now, on a clock that never goes back. */
bool log_limit_allows(struct log_limit *limit, int64_t now_ms);
/* Writes how many were left out, where any were. */
void log_limit_tell(struct log_limit *limit, const struct log *l);

/* Before threads start, or from any thread later. */
void log_set_level(enum log_level level);
void log_set_format(enum log_format format);
/* Under systemd, lines carry a <N> priority instead of a level word's time. */
void log_set_systemd(bool on);
/* "error", "warn", "info", "debug"; -1 for another word. */
int log_parse_level(const char *word, enum log_level *out);

/* For tests: lines go to fn instead; NULL restores standard error. */
void log_capture(void (*fn)(const char *line, void *data), void *data);

#endif
