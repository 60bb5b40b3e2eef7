/* machine.c - what the machine itself does to latency, without any server.
 *
 *   machine wake  [seconds=5] [period=1000] [fifo=1]
 *   machine stall [seconds=5]
 *   machine relay [seconds=5] [rate=40000] [conns=100] [work=0]
 *   machine login [seconds=5] [conns=100]
 *
 * wake: a thread on each core sleeps until a given time, every period
 * microseconds, and records how late it woke (as cyclictest does). fifo=1 gives
 * it real-time priority (root): what still delays it are interrupts or the
 * hypervisor, not the scheduler's choice. So it can run beside a benchmark.
 *
 * stall: a thread on each core looks at the clock without end and records the
 * gaps in which it did not run; on a line of their own (seized) those in which
 * no other thread of this machine ran in its place: interrupts, the hypervisor.
 *
 * relay: what comes over TLS by connection 2i goes to 2i+1, on core 0; a client
 * on core 1 sends rate messages of 250 bytes a second in all, whether answers
 * come or not (open loop), and counts latency from when each was due, as xload
 * does. work: microseconds of computing for each message on top, so that it can
 * be made as slow as a server that is measured beside it.
 *
 * login: the sockets and records of a log-in by STARTTLS and SCRAM, about byte
 * for byte, without its meaning: accept, two exchanges in the clear, the
 * handshake, six over TLS, the end; conns at a time, by a client on core 1. CPU
 * of the server's end.
 *
 * awake=1 keeps the cores from sleeping, by threads of SCHED_IDLE that spin.
 * One line of key=value for each core, or for the relay or the log-ins.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE	  250
#define EVENTS	  128
#define CORES_MAX 256
#define WARM_NS	  500000000
/* Shorter gaps are the loop itself. */
#define GAP_NS 20000
#define SUB    16 /* buckets of a histogram for each power of two */

struct histogram {
	uint64_t buckets[64 * SUB];
	uint64_t n, max, sum;
};

struct end {
	int fd;
	SSL *ssl;
	/* of a client's end: what was sent by its partner and when it was due
	 */
	uint64_t *due;
	size_t head, tail, part;
};

static long seconds, period_us = 1000, rate = 40000, n_conns = 100, work_us,
		     awake, is_fifo;
static struct end *servers, *clients;
static atomic_bool over;
static double relay_cpu;
static uint64_t n_relayed;
/* Messages of a connection that may be under way. */
#define RING 65536

static void
die(const char *what)
{
	fprintf(stderr, "machine: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static double
thread_cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
pin(int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		die("pinning a thread");
	prctl(PR_SET_TIMERSLACK, 1);
}

static void
be_first(void)
{
	if (is_fifo &&
	    sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ 50 }) < 0)
		die("real-time priority");
}

/* ---- histograms ---- */

static size_t
bucket_of(uint64_t v)
{
	int log = 63 - __builtin_clzll(v | SUB);

	return (size_t)(log - 3) * SUB + (v >> (log - 4)) % SUB;
}

static void
record(struct histogram *h, uint64_t ns)
{
	h->buckets[bucket_of(ns)]++;
	h->n++;
	h->sum += ns;
	if (ns > h->max)
		h->max = ns;
}

/* In microseconds. */
static double
quantile(const struct histogram *h, double q)
{
	uint64_t left = (uint64_t)((double)h->n * q);
	size_t i = 0;

	while (i < 64 * SUB - 1 && h->buckets[i] <= left)
		left -= h->buckets[i++];
	if (i < SUB)
		return (double)i / 1e3;
	return (double)((SUB + i % SUB) << (i / SUB - 1)) / 1e3;
}

static void
show(const struct histogram *h)
{
	printf(" n=%lu p50_us=%.1f p99_us=%.1f p999_us=%.1f max_us=%.1f", h->n,
	       quantile(h, .5), quantile(h, .99), quantile(h, .999),
	       (double)h->max / 1e3);
}

/* ---- wake, stall ---- */

static struct probe {
	int core;
	struct histogram h, seized;
} probes[CORES_MAX];

static void *
wake_main(void *data)
{
	struct probe *p = data;
	uint64_t end = now_ns() + (uint64_t)seconds * 1000000000, at = now_ns();

	pin(p->core);
	be_first();
	while (at < end) {
		struct timespec t;

		at += (uint64_t)period_us * 1000;
		t = (struct timespec){ (time_t)(at / 1000000000),
				       (long)(at % 1000000000) };
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
		record(&p->h, now_ns() - at);
	}
	return NULL;
}

/* How often others have run in this thread's place. */
static long
switches(void)
{
	struct rusage u;

	getrusage(RUSAGE_THREAD, &u);
	return u.ru_nivcsw + u.ru_nvcsw;
}

static void *
stall_main(void *data)
{
	struct probe *p = data;
	uint64_t end = now_ns() + (uint64_t)seconds * 1000000000, t, before;
	long n, n_before;

	pin(p->core);
	n_before = switches();
	for (before = now_ns(); before < end; before = t) {
		t = now_ns();
		if (t - before <= GAP_NS)
			continue;
		record(&p->h, t - before);
		n = switches();
		if (n == n_before)
			record(&p->seized, t - before);
		n_before = n;
		t = now_ns();
	}
	return NULL;
}

static void
show_probe(const char *name, int core, const struct histogram *h)
{
	printf("machine=%s core=%d secs=%ld", name, core, seconds);
	show(h);
	printf(" lost_pct=%.2f\n", (double)h->sum / 1e7 / (double)seconds);
}

static void
run_probes(const char *name, void *(*fn)(void *), int n)
{
	pthread_t t[CORES_MAX];

	for (int i = 0; i < n; i++) {
		probes[i].core = i;
		pthread_create(&t[i], NULL, fn, &probes[i]);
	}
	for (int i = 0; i < n; i++) {
		pthread_join(t[i], NULL);
		show_probe(name, i, &probes[i].h);
		if (probes[i].seized.n)
			show_probe("seized", i, &probes[i].seized);
	}
}

static void *
spin_main(void *data)
{
	pin(*(int *)data);
	sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){ 0 });
	while (!over)
		;
	return NULL;
}

static void
keep_awake(int n)
{
	static int cores[CORES_MAX];
	pthread_t t;

	for (int i = 0; i < n; i++) {
		cores[i] = i;
		pthread_create(&t, NULL, spin_main, &cores[i]);
	}
}

/* ---- the relay ---- */

static SSL_CTX *
server_ctx(void)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	SSL_CTX *c = SSL_CTX_new(TLS_server_method());

	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, k);
	X509_sign(x, k, EVP_sha256());
	SSL_CTX_use_certificate(c, x);
	SSL_CTX_use_PrivateKey(c, k);
	SSL_CTX_set_read_ahead(c, 1);
	SSL_CTX_set_num_tickets(c, 0);
	return c;
}

static void *
shake_clients(void *data)
{
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());

	(void)data;
	SSL_CTX_set_ciphersuites(c, "TLS_AES_128_GCM_SHA256");
	SSL_CTX_set_read_ahead(c, 1);
	for (long i = 0; i < n_conns; i++) {
		clients[i].ssl = SSL_new(c);
		SSL_set_fd(clients[i].ssl, clients[i].fd);
		if (SSL_connect(clients[i].ssl) != 1)
			die("handshake");
	}
	return NULL;
}

static void
make_quick(struct end *e)
{
	int one = 1;

	fcntl(e->fd, F_SETFL, fcntl(e->fd, F_GETFL) | O_NONBLOCK);
	setsockopt(e->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void
connect_all(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int l = socket(AF_INET, SOCK_STREAM, 0);
	SSL_CTX *ctx = server_ctx();
	pthread_t t;

	servers = calloc((size_t)n_conns, sizeof(*servers));
	clients = calloc((size_t)n_conns, sizeof(*clients));
	if (bind(l, (struct sockaddr *)&a, len) || listen(l, 128) ||
	    getsockname(l, (struct sockaddr *)&a, &len))
		die("listening");
	for (long i = 0; i < n_conns; i++) {
		clients[i].fd = socket(AF_INET, SOCK_STREAM, 0);
		clients[i].due = calloc(RING, sizeof(uint64_t));
		if (connect(clients[i].fd, (struct sockaddr *)&a, sizeof(a)) ||
		    (servers[i].fd = accept(l, NULL, NULL)) < 0)
			die("connecting");
	}
	pthread_create(&t, NULL, shake_clients, NULL);
	for (long i = 0; i < n_conns; i++) {
		servers[i].ssl = SSL_new(ctx);
		SSL_set_fd(servers[i].ssl, servers[i].fd);
		if (SSL_accept(servers[i].ssl) != 1)
			die("handshake");
	}
	pthread_join(t, NULL);
	for (long i = 0; i < n_conns; i++) {
		make_quick(&servers[i]);
		make_quick(&clients[i]);
	}
}

static void
put(struct end *e, const char *p, int n)
{
	while (n > 0 && !over) {
		int w = SSL_write(e->ssl, p, n);

		if (w > 0) {
			p += w;
			n -= w;
		} else {
			poll(&(struct pollfd){ e->fd, POLLOUT, 0 }, 1, 10);
		}
	}
}

/* All that is there, with one read(). */
static int
get(struct end *e, char *p, int size)
{
	int n = 0, r;

	do {
		r = SSL_read(e->ssl, p + n, size - n);
		n += r > 0 ? r : 0;
	} while (r > 0 && SSL_has_pending(e->ssl) && n < size);
	return n;
}

static int
watch(struct end *ends)
{
	int ep = epoll_create1(0);

	for (long i = 0; i < n_conns; i++) {
		struct epoll_event ev = { .events = EPOLLIN,
					  .data.u32 = (uint32_t)i };

		epoll_ctl(ep, EPOLL_CTL_ADD, ends[i].fd, &ev);
	}
	return ep;
}

static void
compute(uint64_t ns)
{
	for (uint64_t end = now_ns() + ns; ns && now_ns() < end;)
		;
}

static void *
relay_main(void *data)
{
	static char buf[1 << 17];
	struct epoll_event ev[EVENTS];
	int ep = watch(servers);

	(void)data;
	pin(0);
	while (!over) {
		int n = epoll_wait(ep, ev, EVENTS, 100);

		for (int i = 0; i < n; i++) {
			uint32_t k = ev[i].data.u32;
			int r = get(&servers[k], buf, sizeof(buf));

			compute((uint64_t)(r * work_us * 1000 / MESSAGE));
			put(&servers[k ^ 1], buf, r);
			n_relayed += (uint64_t)(r / MESSAGE);
		}
	}
	relay_cpu = thread_cpu();
	return NULL;
}

static void
take(struct end *e, struct histogram *h, bool counts)
{
	static char buf[1 << 17];
	uint64_t now;

	e->part += (size_t)get(e, buf, sizeof(buf));
	now = now_ns();
	for (; e->part >= MESSAGE; e->part -= MESSAGE) {
		if (counts)
			record(h, now - e->due[e->tail]);
		e->tail = (e->tail + 1) % RING;
	}
}

/* Those that are due by now; like xload, one write for each connection. */
static uint64_t
send_due(uint64_t t0, uint64_t *k, uint64_t now)
{
	static char message[MESSAGE];
	uint64_t due;

	while ((due = t0 + *k * 1000000000 / (uint64_t)rate) <= now) {
		long i = (long)((*k)++ % (uint64_t)(n_conns / 2)) * 2;
		struct end *to = &clients[i + 1];

		to->due[to->head] = due;
		to->head = (to->head + 1) % RING;
		if (to->head == to->tail)
			die("the relay is too slow");
		put(&clients[i], message, MESSAGE);
	}
	return due;
}

static void
run_relay(void)
{
	static struct histogram h;
	struct epoll_event ev[EVENTS];
	uint64_t t0, t1, t2, now, k = 0;
	pthread_t t;
	double cpu;
	int ep;

	connect_all();
	ep = watch(clients);
	pthread_create(&t, NULL, relay_main, NULL);
	pin(1);
	t0 = now_ns() + 1000000;
	t1 = t0 + WARM_NS;
	t2 = t1 + (uint64_t)seconds * 1000000000;
	cpu = thread_cpu();
	while ((now = now_ns()) < t2) {
		uint64_t due = send_due(t0, &k, now);
		struct timespec wait = { 0, (long)(due - now) };
		int n = epoll_pwait2(ep, ev, EVENTS, &wait, NULL);

		for (int i = 0; i < n; i++)
			take(&clients[ev[i].data.u32], &h, now >= t1);
	}
	cpu = thread_cpu() - cpu;
	over = true;
	pthread_join(t, NULL);
	printf("machine=relay rate=%ld conns=%ld work_us=%ld awake=%ld "
	       "secs=%ld",
	       rate, n_conns, work_us, awake, seconds);
	show(&h);
	printf(" cpu_us=%.2f cpu_pct=%.0f client_pct=%.0f\n",
	       relay_cpu * 1e6 / (double)n_relayed,
	       relay_cpu * 1e11 / (double)(t2 - t0),
	       cpu * 1e11 / (double)(t2 - t0));
}

/* ---- log-ins ---- */

/* The client's part and the answer to it; then TLS. */
static const struct {
	int asks, answers;
} exchanges[] = { { 150, 367 }, { 51, 50 },   { 130, 750 }, { 130, 220 },
		  { 182, 100 }, { 150, 656 }, { 107, 117 }, { 11, 74 } };
#define N_PLAIN	    2
#define N_EXCHANGES ((int)(sizeof(exchanges) / sizeof(exchanges[0])))

struct login {
	int fd, step, part; /* bytes of this step so far */
	SSL *ssl;
	bool is_client, is_shaken;
};

static int login_epoll[2]; /* the server's, the client's */
static struct sockaddr_in login_addr;
static SSL_CTX *login_ctx[2];
static unsigned n_logins;

static void
say(struct login *l, int n)
{
	static const char text[1024];

	if ((l->step < N_PLAIN ? (int)write(l->fd, text, (size_t)n)
			       : SSL_write(l->ssl, text, n)) != n)
		die("a log-in's write");
}

static struct login *
login_new(int fd, bool is_client)
{
	struct login *l = calloc(1, sizeof(*l));
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = l };
	struct end e = { .fd = fd };

	l->fd = fd;
	l->is_client = is_client;
	make_quick(&e);
	epoll_ctl(login_epoll[is_client], EPOLL_CTL_ADD, fd, &ev);
	return l;
}

static void
login_connect(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&login_addr, sizeof(login_addr)))
		die("connecting");
	say(login_new(fd, true), exchanges[0].asks);
}

static void
login_end(struct login *l)
{
	SSL_free(l->ssl);
	close(l->fd);
	free(l);
}

/* False where it waits for the other side. */
static bool
login_shake(struct login *l)
{
	if (!l->ssl) {
		l->ssl = SSL_new(login_ctx[l->is_client]);
		SSL_set_fd(l->ssl, l->fd);
		if (l->is_client)
			SSL_set_connect_state(l->ssl);
		else
			SSL_set_accept_state(l->ssl);
	}
	if (SSL_do_handshake(l->ssl) != 1)
		return false;
	l->is_shaken = true;
	if (l->is_client)
		say(l, exchanges[l->step].asks);
	return true;
}

/* One read; true when the step is complete, -1 at the end. */
static int
login_read(struct login *l)
{
	static char buf[1 << 15];
	int want = l->is_client ? exchanges[l->step].answers
				: exchanges[l->step].asks;
	int n = l->step < N_PLAIN ? (int)read(l->fd, buf, sizeof(buf))
				  : SSL_read(l->ssl, buf, sizeof(buf));

	if (!n || (n < 0 && l->ssl &&
		   SSL_get_error(l->ssl, n) == SSL_ERROR_ZERO_RETURN))
		return -1;
	l->part += n > 0 ? n : 0;
	if (l->part < want)
		return 0;
	l->part = 0;
	return 1;
}

/* False when it is over. */
static bool
login_step(struct login *l)
{
	int done;

	if (l->step == N_PLAIN && !l->is_shaken && !login_shake(l))
		return true;
	if (l->step == N_EXCHANGES)
		return false; /* the client has gone */
	done = login_read(l);
	if (done <= 0)
		return !done;
	if (!l->is_client) {
		say(l, exchanges[l->step].answers);
		l->step++;
		n_logins += l->step == N_EXCHANGES;
		return true;
	}
	if (++l->step == N_EXCHANGES)
		return false;
	if (l->step == N_PLAIN)
		login_shake(l);
	else
		say(l, exchanges[l->step].asks);
	return true;
}

static void *
login_server(void *data)
{
	struct epoll_event ev[EVENTS], listening = { .events = EPOLLIN };
	int l = *(int *)data;

	pin(0);
	epoll_ctl(login_epoll[0], EPOLL_CTL_ADD, l, &listening);
	while (!over) {
		int n = epoll_wait(login_epoll[0], ev, EVENTS, 100);

		for (int i = 0, fd; i < n; i++) {
			if (ev[i].data.ptr) {
				if (!login_step(ev[i].data.ptr))
					login_end(ev[i].data.ptr);
				continue;
			}
			while ((fd = accept4(l, NULL, NULL, SOCK_NONBLOCK)) >=
			       0)
				login_new(fd, false);
		}
	}
	relay_cpu = thread_cpu();
	return NULL;
}

static void
run_login(void)
{
	socklen_t len = sizeof(login_addr);
	struct epoll_event ev[EVENTS];
	int l = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	uint64_t end;
	pthread_t t;

	login_ctx[0] = server_ctx();
	login_ctx[1] = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_ciphersuites(login_ctx[1], "TLS_AES_128_GCM_SHA256");
	login_addr = (struct sockaddr_in){ .sin_family = AF_INET,
					   .sin_addr.s_addr =
						   htonl(INADDR_LOOPBACK) };
	if (bind(l, (struct sockaddr *)&login_addr, len) || listen(l, 1024) ||
	    getsockname(l, (struct sockaddr *)&login_addr, &len))
		die("listening");
	for (int i = 0; i < 2; i++)
		login_epoll[i] = epoll_create1(0);
	pthread_create(&t, NULL, login_server, &l);
	pin(1);
	for (long i = 0; i < n_conns; i++)
		login_connect();
	end = now_ns() + (uint64_t)seconds * 1000000000;
	while (now_ns() < end) {
		int n = epoll_wait(login_epoll[1], ev, EVENTS, 100);

		for (int i = 0; i < n; i++) {
			if (login_step(ev[i].data.ptr))
				continue;
			login_end(ev[i].data.ptr);
			login_connect();
		}
	}
	over = true;
	pthread_join(t, NULL);
	printf("machine=login conns=%ld secs=%ld logins=%u cpu_us=%.1f "
	       "client_us=%.1f\n",
	       n_conns, seconds, n_logins, relay_cpu * 1e6 / n_logins,
	       thread_cpu() * 1e6 / n_logins);
}

/* ---- */

static const struct {
	const char *name;
	long *value;
} numbers[] = { { "seconds=", &seconds }, { "period=", &period_us },
		{ "rate=", &rate },	  { "conns=", &n_conns },
		{ "work=", &work_us },	  { "awake=", &awake },
		{ "fifo=", &is_fifo } };

static bool
option(const char *arg)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		size_t len = strlen(numbers[i].name);

		if (strncmp(arg, numbers[i].name, len) != 0)
			continue;
		*numbers[i].value = atol(arg + len);
		return *numbers[i].value >= 0;
	}
	return false;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	bool good = true;

	for (int i = 2; i < argc; i++)
		good &= option(argv[i]);
	if (!seconds)
		seconds = 5;
	if (cores > CORES_MAX)
		cores = CORES_MAX;
	if (!good || !rate || !period_us || n_conns < 2 || n_conns % 2) {
		fputs("machine: see the head of machine.c\n", stderr);
		return 2;
	}
	if (awake)
		keep_awake((int)cores);
	if (!strcmp(what, "wake"))
		run_probes("wake", wake_main, (int)cores);
	else if (!strcmp(what, "stall"))
		run_probes("stall", stall_main, (int)cores);
	else if (!strcmp(what, "relay") && cores > 1)
		run_relay();
	else if (!strcmp(what, "login") && cores > 1)
		run_login();
	else
		return fputs("machine: wake, stall or (on two cores) relay or "
			     "login\n",
			     stderr),
		       2;
	return 0;
}
