/* clock.c - the time. */

#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define FAKE_START_MS INT64_C(1767225600000)

static int64_t
read_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
clock_init(struct clock *c)
{
	c->is_fake = false;
	clock_update(c);
}

void
clock_init_fake(struct clock *c)
{
	c->is_fake = true;
	c->mono_ms = 0;
	c->wall_ms = FAKE_START_MS;
}

void
clock_update(struct clock *c)
{
	if (c->is_fake)
		return;
	c->mono_ms = read_ms(CLOCK_MONOTONIC);
	c->wall_ms = read_ms(CLOCK_REALTIME);
}

void
clock_advance(struct clock *c, int64_t ms)
{
	c->mono_ms += ms;
	c->wall_ms += ms;
}

const char *
clock_stamp(int64_t wall_ms, char out[CLOCK_STAMP_MAX])
{
	time_t sec = (time_t)(wall_ms / 1000);
	int ms = (int)(wall_ms % 1000);
	struct tm tm;
	int len;

	if (ms < 0) {
		ms += 1000;
		sec--;
	}
	gmtime_r(&sec, &tm);
	/* Not strftime's %Y, which leaves out leading zeros. */
	len = snprintf(out, CLOCK_STAMP_MAX, "%04d", tm.tm_year + 1900);
	len += (int)strftime(out + len, CLOCK_STAMP_MAX - (size_t)len,
			     "-%m-%dT%H:%M:%S", &tm);
	if (ms)
		snprintf(out + len, CLOCK_STAMP_MAX - (size_t)len, ".%03dZ",
			 ms);
	else
		snprintf(out + len, CLOCK_STAMP_MAX - (size_t)len, "Z");
	return out;
}

/* Reads exactly n digits into out. */
static int
digits(const char **s, int n, int *out)
{
	int v = 0;

	for (int i = 0; i < n; i++, (*s)++) {
		if (**s < '0' || **s > '9')
			return -1;
		v = v * 10 + (**s - '0');
	}
	*out = v;
	return 0;
}

static int
literal(const char **s, char c)
{
	if (**s != c)
		return -1;
	(*s)++;
	return 0;
}

/* Fractions beyond milliseconds are cut off. */
static int
fraction(const char **s, int *ms_out)
{
	int scale = 100, ms = 0;

	if (**s < '0' || **s > '9')
		return -1;
	for (; **s >= '0' && **s <= '9'; (*s)++, scale /= 10)
		ms += (**s - '0') * scale;
	*ms_out = ms;
	return 0;
}

static int
offset(const char **s, int *minutes_out)
{
	int sign = **s == '-' ? -1 : 1, h, m;

	*minutes_out = 0;
	if (**s == 'Z') {
		(*s)++;
		return 0;
	}
	if (**s != '+' && **s != '-')
		return -1;
	(*s)++;
	if (digits(s, 2, &h) || literal(s, ':') || digits(s, 2, &m) || h > 23 ||
	    m > 59)
		return -1;
	*minutes_out = sign * (h * 60 + m);
	return 0;
}

int
clock_parse_stamp(const char *s, int64_t *wall_ms_out)
{
	int y, mo, d, h, mi, se, ms = 0, off;
	struct tm tm = { 0 };

	if (digits(&s, 4, &y) || literal(&s, '-') || digits(&s, 2, &mo) ||
	    literal(&s, '-') || digits(&s, 2, &d) || literal(&s, 'T') ||
	    digits(&s, 2, &h) || literal(&s, ':') || digits(&s, 2, &mi) ||
	    literal(&s, ':') || digits(&s, 2, &se))
		return -1;
	if (*s == '.' && (s++, fraction(&s, &ms)))
		return -1;
	if (offset(&s, &off) || *s)
		return -1;
	/* XEP-0082 2.1: seconds are 00 through 59, so no leap seconds. */
	if (mo < 1 || mo > 12 || d < 1 || d > 31 || h > 23 || mi > 59 ||
	    se > 59)
		return -1;
	tm.tm_year = y - 1900;
	tm.tm_mon = mo - 1;
	tm.tm_mday = d;
	tm.tm_hour = h;
	tm.tm_min = mi;
	tm.tm_sec = se;
	*wall_ms_out = ((int64_t)timegm(&tm) - off * 60) * 1000 + ms;
	/* timegm turns February 30 into March 2: not what was written. */
	return tm.tm_mon == mo - 1 ? 0 : -1;
}
