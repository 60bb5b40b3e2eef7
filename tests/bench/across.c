/* across.c - load between two servers: users of one write to users of the
 * other, in the clear, and each message has to arrive once and in order.
 *
 *   across chat ADDRESS DOMAIN ADDRESS DOMAIN [OPTION=NUMBER...] [pid=P...]
 *   across ping ADDRESS DOMAIN -       FORMAT [OPTION=NUMBER...] [pid=P...]
 *
 * chat: user2i of one server and user2i of the other are a pair; every second
 * pair writes in the other direction. window messages of each pair are under
 * way; the next one goes when one has arrived.
 * ping: user0 pings the domains that FORMAT names ("d%d.many.test"), one after
 * the other; window pings are under way in all.
 *
 * pairs=N (or domains), window=W, warmup=S, seconds=S (0: once around only).
 * The password is "secret". One line of key=value goes to standard output;
 * the status is 1 where something was lost, came twice, or out of order.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT	     5222
#define PASSWORD     "secret"
#define STALL_S	     20 /* without an arrival: something is lost */
#define READ_MAX     65536
#define TOKEN_MAX    32 /* ~FLOW~NUMBER~ */
#define PRIME_WINDOW 20
#define EVENTS	     256
#define PIDS_MAX     8
#define PADDING	     "12345678901234567890123456789012345678901234567890"

struct conn {
	int fd;
	char *out; /* waits to be written */
	size_t out_len, out_size;
	char carry[TOKEN_MAX]; /* the begin of a token */
	size_t carry_len;
	struct conn *next_dirty;
	bool dirty;
};

struct flow {
	struct conn *from, *to;
	char *jid;
	unsigned sent, arrived;
};

static struct {
	bool ping;
	const char *address[2], *domain[2];
	int pairs, window, warmup, seconds;
	int pids[PIDS_MAX], n_pids;
} opt = { .pairs = 200, .window = 20, .warmup = 2, .seconds = 6 };

static struct flow *flows;
static struct conn *dirty;
static int epoll, next_domain;
static uint64_t sent, arrived, wrong;
static bool sending;

_Noreturn static void
die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("across: ", stderr);
	vfprintf(stderr, format, ap);
	fputs("\n", stderr);
	va_end(ap);
	exit(1);
}

static double
now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* What the threads of a process have used of the CPU. */
static double
cpu_s(int pid)
{
	char path[64], line[1024], *p;
	unsigned long user, system;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f || !fgets(line, sizeof(line), f))
		die("no process %d", pid);
	fclose(f);
	p = strrchr(line, ')');
	if (!p ||
	    sscanf(p, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
		   &user, &system) != 2)
		die("%s is not as expected", path);
	return (double)(user + system) / sysconf(_SC_CLK_TCK);
}

static double
own_cpu_s(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return ru.ru_utime.tv_sec + ru.ru_stime.tv_sec +
	       (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
}

/* --- log-in: one after the other, with a blocking socket --- */

static void
say(struct conn *c, const char *format, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (write(c->fd, text, n) != n)
		die("write: %s", strerror(errno));
}

/* Returns all that has come since; until the next call. */
static const char *
expect(struct conn *c, const char *what)
{
	static char text[READ_MAX];
	size_t len = 0;
	ssize_t n;

	do {
		n = read(c->fd, text + len, sizeof(text) - 1 - len);
		if (n <= 0)
			die("no %s, but: %.*s", what, (int)len, text);
		len += n;
		text[len] = '\0';
	} while (!strstr(text, what));
	return text;
}

static void
connect_to(struct conn *c, const char *address)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = htons(PORT) };
	struct timeval patience = { .tv_sec = STALL_S };
	int on = 1;

	inet_pton(AF_INET, address, &sin.sin_addr);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(c->fd, (struct sockaddr *)&sin, sizeof(sin)) < 0)
		die("connect to %s: %s", address, strerror(errno));
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* One step of the log-in: text as base64 in an element. */
static void
say_encoded(struct conn *c, const char *open, const char *close,
	    const char *text)
{
	unsigned char encoded[512];

	EVP_EncodeBlock(encoded, (const unsigned char *)text, strlen(text));
	say(c, "<%s xmlns='urn:ietf:params:xml:ns:xmpp-sasl'%s>%s</%s>", open,
	    close, encoded, open);
}

static void
hmac(const unsigned char key[SHA_DIGEST_LENGTH], const char *text,
     unsigned char out[SHA_DIGEST_LENGTH])
{
	HMAC(EVP_sha1(), key, SHA_DIGEST_LENGTH, (const unsigned char *)text,
	     strlen(text), out, NULL);
}

/* The proof of SCRAM-SHA-1 (RFC 5802) that we know the password. */
static void
prove(const char *auth_message, const unsigned char *salt, int salt_len,
      int iterations, unsigned char proof[SHA_DIGEST_LENGTH])
{
	unsigned char salted[SHA_DIGEST_LENGTH], key[SHA_DIGEST_LENGTH];
	unsigned char stored[SHA_DIGEST_LENGTH];

	PKCS5_PBKDF2_HMAC_SHA1(PASSWORD, strlen(PASSWORD), salt, salt_len,
			       iterations, sizeof(salted), salted);
	hmac(salted, "Client Key", key);
	SHA1(key, sizeof(key), stored);
	hmac(stored, auth_message, proof);
	for (int i = 0; i < SHA_DIGEST_LENGTH; i++)
		proof[i] ^= key[i];
}

/* The text of <challenge/>, decoded. */
static void
challenge(const char *xml, char text[512])
{
	const char *begin = strstr(xml, "<challenge");
	size_t len;
	int n;

	begin = strchr(begin, '>') + 1;
	len = strcspn(begin, "<");
	n = len < 512 ? EVP_DecodeBlock((unsigned char *)text,
					(const unsigned char *)begin, len)
		      : -1;
	if (n < 0)
		die("not understood: %s", xml);
	text[n] = '\0';
}

static void
authenticate(struct conn *c, int user)
{
	char first[64], server[512], message[1024], last[512];
	unsigned char salt[256], proof[SHA_DIGEST_LENGTH], encoded[64];
	char nonce[128], salt64[128];
	int iterations, n;

	snprintf(first, sizeof(first), "n,,n=user%d,r=across%d", user, user);
	say_encoded(c, "auth", " mechanism='SCRAM-SHA-1'", first);
	challenge(expect(c, "</challenge>"), server);
	if (sscanf(server, "r=%127[^,],s=%127[^,],i=%d", nonce, salt64,
		   &iterations) != 3)
		die("not understood: %s", server);
	n = EVP_DecodeBlock(salt, (unsigned char *)salt64, strlen(salt64));
	for (size_t i = strlen(salt64); i && salt64[i - 1] == '='; i--)
		n--;
	snprintf(message, sizeof(message), "%s,%s,c=biws,r=%s", first + 3,
		 server, nonce);
	prove(message, salt, n, iterations, proof);
	EVP_EncodeBlock(encoded, proof, sizeof(proof));
	snprintf(last, sizeof(last), "c=biws,r=%s,p=%s", nonce, encoded);
	say_encoded(c, "response", "", last);
	expect(c, "<success");
}

static struct conn *
login(int side, int user)
{
	struct conn *c = calloc(1, sizeof(*c));
	const char *header =
		"<?xml version='1.0'?><stream:stream"
		" xmlns='jabber:client' version='1.0' to='%s'"
		" xmlns:stream='http://etherx.jabber.org/streams'>";
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };

	connect_to(c, opt.address[side]);
	say(c, header, opt.domain[side]);
	expect(c, "</stream:features>");
	authenticate(c, user);
	say(c, header, opt.domain[side]);
	expect(c, "</stream:features>");
	say(c, "<iq type='set' id='bind'>"
	       "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
	expect(c, "</iq>");
	say(c, "<presence/>");
	expect(c, "<presence");
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &ev);
	return c;
}

/* --- the load --- */

static void
append(struct conn *c, const char *format, ...)
{
	va_list ap;

	if (c->out_size - c->out_len < 1024) {
		c->out_size = 2 * c->out_size + 4096;
		c->out = realloc(c->out, c->out_size);
	}
	va_start(ap, format);
	c->out_len += vsnprintf(c->out + c->out_len, c->out_size - c->out_len,
				format, ap);
	va_end(ap);
	if (c->dirty)
		return;
	c->dirty = true;
	c->next_dirty = dirty;
	dirty = c;
}

static void
send_next(struct flow *f)
{
	int i = f - flows;

	if (opt.ping)
		append(f->from,
		       "<iq type='get' to='%s' id='~%d~%u~'>"
		       "<ping xmlns='urn:xmpp:ping'/></iq>",
		       f->jid, i, f->sent);
	else
		append(f->from,
		       "<message type='chat' to='%s' id='m%u'><body>"
		       "~%d~%u~" PADDING "</body></message>",
		       f->jid, f->sent, i, f->sent);
	f->sent++;
	sent++;
}

static void
send_one_more(struct flow *f)
{
	if (opt.ping) {
		f = &flows[next_domain];
		next_domain = (next_domain + 1) % opt.pairs;
	}
	send_next(f);
}

static void
on_token(struct conn *c, int i, unsigned number)
{
	struct flow *f = &flows[i];

	arrived++;
	if (i < 0 || i >= opt.pairs || f->to != c || f->arrived != number) {
		wrong++;
		return;
	}
	f->arrived++;
	if (sending)
		send_one_more(f);
}

/* Finds what has arrived in text; returns how much of it is not looked at. */
static size_t
scan(struct conn *c, char *text, size_t len)
{
	char *end = text + len, *p = text, *last;
	int i;
	unsigned number;

	while ((p = memchr(p, '~', end - p))) {
		last = memchr(p + 1, '~', end - p - 1);
		last = last ? memchr(last + 1, '~', end - last - 1) : NULL;
		if (!last && end - p < TOKEN_MAX)
			return end - p;
		if (!last || sscanf(p, "~%d~%u~", &i, &number) != 2)
			die("not understood: %.*s", TOKEN_MAX, p);
		on_token(c, i, number);
		p = last + 1;
	}
	return 0;
}

static void
on_input(struct conn *c)
{
	static char text[TOKEN_MAX + READ_MAX + 1];
	ssize_t n;
	size_t len = c->carry_len;

	memcpy(text, c->carry, len);
	n = read(c->fd, text + len, READ_MAX);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		die("a connection was closed");
	len += n;
	text[len] = '\0';
	if (memmem(text, len, "<error", 6))
		die("an error came: %.400s", text);
	c->carry_len = scan(c, text, len);
	memcpy(c->carry, text + len - c->carry_len, c->carry_len);
}

/* Little is under way: what does not go at once goes with the next turn. */
static void
flush(void)
{
	struct conn *c, *list = dirty;
	ssize_t n;

	dirty = NULL;
	while ((c = list)) {
		list = c->next_dirty;
		c->dirty = false;
		n = write(c->fd, c->out, c->out_len);
		if (n < 0 && errno != EAGAIN)
			die("write: %s", strerror(errno));
		n = n < 0 ? 0 : n;
		c->out_len -= n;
		memmove(c->out, c->out + n, c->out_len);
		if (c->out_len) {
			c->dirty = true;
			c->next_dirty = dirty;
			dirty = c;
		}
	}
}

static void
turn(void)
{
	struct epoll_event events[EVENTS];
	int n;

	flush();
	n = epoll_wait(epoll, events, EVENTS, dirty ? 1 : 100);
	for (int i = 0; i < n; i++)
		on_input(events[i].data.ptr);
}

static void
run_for(double seconds)
{
	double end = now_s() + seconds;

	while (now_s() < end)
		turn();
}

static void
run_until_all_arrived(void)
{
	uint64_t before = arrived;
	double since = now_s();

	while (arrived < sent) {
		turn();
		if (arrived != before) {
			before = arrived;
			since = now_s();
		}
		if (now_s() - since > STALL_S)
			die("lost: %llu of %llu",
			    (unsigned long long)(sent - arrived),
			    (unsigned long long)sent);
	}
}

/* Opens the streams between the servers before there is much to say. */
static void
prime(void)
{
	int n = opt.ping ? opt.pairs : 2;

	for (int i = 0; i < n; i++) {
		send_next(&flows[i]);
		while (sent - arrived >= PRIME_WINDOW)
			turn();
		if (!opt.ping)
			run_until_all_arrived();
	}
	run_until_all_arrived();
}

static void
log_in_all(void)
{
	struct conn *pinger = opt.ping ? login(0, 0) : NULL;
	char jid[256];

	flows = calloc(opt.pairs, sizeof(*flows));
	for (int i = 0; i < opt.pairs; i++) {
		struct flow *f = &flows[i];

		if (opt.ping) {
			/* NOLINTNEXTLINE: whoever calls names the format */
			snprintf(jid, sizeof(jid), opt.domain[1], i);
			f->from = f->to = pinger;
		} else {
			f->from = login(i % 2, i);
			f->to = login(!(i % 2), i);
			snprintf(jid, sizeof(jid), "user%d@%s", i,
				 opt.domain[!(i % 2)]);
		}
		f->jid = strdup(jid);
	}
}

static void
measure(void)
{
	double cpu[PIDS_MAX], own, start, seconds, all = 0;
	uint64_t before;

	sending = true;
	for (int i = 0; i < (opt.ping ? 1 : opt.pairs); i++)
		for (int w = 0; w < opt.window; w++)
			send_one_more(&flows[i]);
	run_for(opt.warmup);
	for (int i = 0; i < opt.n_pids; i++)
		cpu[i] = cpu_s(opt.pids[i]);
	own = own_cpu_s();
	start = now_s();
	before = arrived;
	run_for(opt.seconds);
	seconds = now_s() - start;
	before = arrived - before;
	own = own_cpu_s() - own;
	for (int i = 0; i < opt.n_pids; i++) {
		cpu[i] = cpu_s(opt.pids[i]) - cpu[i];
		all += cpu[i];
	}
	sending = false;
	run_until_all_arrived();
	run_for(0.3); /* whether anything comes twice */
	printf("ok=%d msgs=%llu msgs_per_s=%.0f cpu_us=%.2f "
	       "msgs_per_cpu_s=%.0f gen_cpu_pct=%.0f",
	       !wrong && sent == arrived, (unsigned long long)before,
	       before / seconds, all * 1e6 / before, before / all,
	       100 * own / seconds);
	for (int i = 0; i < opt.n_pids; i++)
		printf(" cpu_us_%d=%.2f", i, cpu[i] * 1e6 / before);
	printf("\n");
}

static void
option(const char *word)
{
	int n = 0;

	if (sscanf(word, "pid=%d", &n) == 1 && opt.n_pids < PIDS_MAX)
		opt.pids[opt.n_pids++] = n;
	else if (sscanf(word, "pairs=%d", &n) == 1)
		opt.pairs = n;
	else if (sscanf(word, "window=%d", &n) == 1)
		opt.window = n;
	else if (sscanf(word, "warmup=%d", &n) == 1)
		opt.warmup = n;
	else if (sscanf(word, "seconds=%d", &n) == 1)
		opt.seconds = n;
	else
		die("what is %s?", word);
}

int
main(int argc, char **argv)
{
	if (argc < 6)
		die("usage: across chat|ping ADDRESS DOMAIN ADDRESS DOMAIN "
		    "[OPTION=N...]");
	opt.ping = !strcmp(argv[1], "ping");
	for (int i = 0; i < 2; i++) {
		opt.address[i] = argv[2 + 2 * i];
		opt.domain[i] = argv[3 + 2 * i];
	}
	for (int i = 6; i < argc; i++)
		option(argv[i]);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	log_in_all();
	prime();
	if (opt.seconds)
		measure();
	else
		printf("ok=%d msgs=%llu\n", !wrong, (unsigned long long)sent);
	return wrong || sent != arrived;
}
