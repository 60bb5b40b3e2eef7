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
