/* dns_server.c - answers from a list of records. */

#include "dns_server.h"

#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "net/loop.h"
#include "unit.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define UDP_MAX 1232

struct record {
	struct list node;
	char *name;
	unsigned type;
	uint32_t ttl_s;
	struct buf data;
};

struct rule {
	struct list node;
	char *name;
	unsigned type; /* 0: any */
	enum dns_server_mood mood;
};

struct asked {
	struct list node;
	char name[256];
	unsigned type;
};

/* A TCP connection. */
struct client {
	struct list node;
	struct dns_server *server;
	struct event ev;
	int fd;
	struct buf in;
};

struct dns_server {
	struct loop *loop;
	struct event udp_ev, tcp_ev;
	int udp_fd, tcp_fd;
	char address[32];
	uint32_t negative_ttl_s;
	bool has_lone_aliases;
	struct list records, rules, questions, clients;
};

struct question {
	uint8_t id[2];
	char name[256];
	unsigned type;
	const uint8_t *bytes; /* as it came */
	size_t len;
};

static unsigned
type_number(const char *type)
{
	static const struct {
		const char *name;
		unsigned number;
	} types[] = {
		{ "A", 1 }, { "CNAME", 5 }, { "AAAA", 28 }, { "SRV", 33 }
	};

	for (size_t i = 0; i < N_ELEMENTS(types); i++)
		if (strcmp(types[i].name, type) == 0)
			return types[i].number;
	ck_abort_msg("type %s", type);
}

static void
add16(struct buf *b, unsigned n)
{
	buf_addc(b, (char)(n >> 8));
	buf_addc(b, (char)n);
}

static void
add32(struct buf *b, uint32_t n)
{
	add16(b, n >> 16);
	add16(b, n & 0xffff);
}

static void
add_name(struct buf *b, const char *name)
{
	while (*name && strcmp(name, ".") != 0) {
		size_t len = strcspn(name, ".");

		buf_addc(b, (char)len);
		buf_add(b, name, len);
		name += len + (name[len] == '.');
	}
	buf_addc(b, '\0');
}

static void
add_record(struct buf *b, const char *name, unsigned type, uint32_t ttl_s,
	   const struct buf *data)
{
	add_name(b, name);
	add16(b, type);
	add16(b, 1);
	add32(b, ttl_s);
	add16(b, (unsigned)data->len);
	buf_add(b, data->data, data->len);
}

static const struct record *
find(const struct dns_server *s, const char *name, unsigned type)
{
	list_each (n, &s->records) {
		const struct record *r = container_of(n, struct record, node);

		if ((!type || r->type == type) &&
		    strcasecmp(r->name, name) == 0)
			return r;
	}
	return NULL;
}

static enum dns_server_mood
mood_for(const struct dns_server *s, const struct question *q)
{
	list_each (n, &s->rules) {
		const struct rule *r = container_of(n, struct rule, node);

		if ((!r->type || r->type == q->type) &&
		    strcasecmp(r->name, q->name) == 0)
			return r->mood;
	}
	return DNS_SERVER_HONEST;
}

static void
add_soa(struct buf *b, uint32_t ttl_s)
{
	struct buf soa = { 0 };

	add_name(&soa, "ns.example");
	add_name(&soa, "root.example");
	for (int i = 0; i < 4; i++)
		add32(&soa, 1);
	add32(&soa, ttl_s);
	/* Only one of them counts. */
	add_record(b, "example", 6, 100000, &soa);
	buf_fini(&soa);
}

/* The answer section; returns the number of its records. */
static unsigned
add_answers(struct dns_server *s, const struct question *q, struct buf *b,
	    bool *is_known_out)
{
	const struct record *alias;
	const char *name = q->name;
	unsigned n_answers = 0;
	char to[256];

	*is_known_out = find(s, name, 0) != NULL;
	for (int i = 0; i < 20 && (alias = find(s, name, 5)); i++) {
		size_t at = 0, len = 0;

		add_record(b, name, 5, alias->ttl_s, &alias->data);
		n_answers++;
		if (s->has_lone_aliases)
			return n_answers;
		while (alias->data.data[at]) {
			size_t n = (size_t)alias->data.data[at];

			memcpy(to + len, alias->data.data + at + 1, n);
			to[len + n] = '.';
			len += n + 1;
			at += n + 1;
		}
		to[len - 1] = '\0';
		name = to;
	}
	list_each (n, &s->records) {
		const struct record *r = container_of(n, struct record, node);

		if (r->type != q->type || strcasecmp(r->name, name) != 0)
			continue;
		add_record(b, name, r->type, r->ttl_s, &r->data);
		n_answers++;
	}
	return n_answers;
}

static void
write_answer(struct dns_server *s, const struct question *q,
	     enum dns_server_mood mood, bool is_udp, struct buf *out)
{
	struct buf answers = { 0 };
	bool is_known = true, has_soa;
	unsigned n = 0, code = 0;

	if (mood == DNS_SERVER_HONEST)
		n = add_answers(s, q, &answers, &is_known);
	else
		code = mood == DNS_SERVER_SERVFAIL ? 2 : 5;
	if (!is_known)
		code = 3;
	has_soa = !n && mood == DNS_SERVER_HONEST &&
		  s->negative_ttl_s != UINT32_MAX;
	if (has_soa)
		add_soa(&answers, s->negative_ttl_s);
	buf_add(out, q->id, 2);
	if (is_udp && 12 + q->len + answers.len > UDP_MAX) {
		add16(out, 0x8780); /* truncated: once more by TCP */
		n = 0;
		answers.len = 0;
	} else {
		add16(out, 0x8580 | code);
	}
	add16(out, 1);
	add16(out, n);
	add16(out, has_soa);
	add16(out, 0);
	buf_add(out, q->bytes, q->len);
	buf_add(out, answers.data, answers.len);
	buf_fini(&answers);
}

/* out stays empty where nothing is to be said. */
static void
answer(struct dns_server *s, const uint8_t *msg, size_t len, bool is_udp,
       struct buf *out)
{
	struct question q = { .bytes = msg + 12 };
	struct asked *asked = mem_zalloc(sizeof(*asked));
	enum dns_server_mood mood;
	size_t at = 12, n = 0;

	ck_assert_uint_ge(len, 17);
	memcpy(q.id, msg, 2);
	while (msg[at]) {
		ck_assert_uint_lt(at + msg[at] + 5, len);
		memcpy(q.name + n, msg + at + 1, msg[at]);
		n += msg[at];
		at += msg[at] + 1u;
		q.name[n++] = msg[at] ? '.' : '\0';
	}
	q.type = msg[at + 1] * 256u + msg[at + 2];
	q.len = at + 5 - 12;
	strcpy(asked->name, q.name);
	asked->type = q.type;
	list_append(&s->questions, &asked->node);
	mood = mood_for(s, &q);
	if (mood != DNS_SERVER_SILENT)
		write_answer(s, &q, mood, is_udp, out);
}

static void
on_udp(evutil_socket_t fd, short what, void *data)
{
	struct dns_server *s = data;
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	struct buf out = { 0 };
	uint8_t msg[2048];
	ssize_t len;

	(void)what;
	loop_enter(s->loop);
	len = recvfrom(fd, msg, sizeof(msg), 0, (struct sockaddr *)&from,
		       &from_len);
	if (len < 0)
		return;
	answer(s, msg, (size_t)len, true, &out);
	if (out.len)
		sendto(fd, out.data, out.len, 0, (struct sockaddr *)&from,
		       from_len);
	buf_fini(&out);
}

static void
free_client(struct client *c)
{
	event_del(&c->ev);
	close(c->fd);
	list_remove(&c->node);
	buf_fini(&c->in);
	free(c);
}

/* The first question of what came in; false: it is not all there yet. */
static bool
answer_tcp(struct client *c)
{
	struct buf out = { 0 };
	uint8_t size[2];
	size_t len;

	if (c->in.len < 2)
		return false;
	len = (uint8_t)c->in.data[0] * 256u + (uint8_t)c->in.data[1];
	if (c->in.len < 2 + len)
		return false;
	answer(c->server, (uint8_t *)c->in.data + 2, len, false, &out);
	c->in.len -= 2 + len;
	memmove(c->in.data, c->in.data + 2 + len, c->in.len);
	if (out.len) {
		ck_assert_uint_le(out.len, UINT16_MAX);
		size[0] = (uint8_t)(out.len >> 8);
		size[1] = (uint8_t)out.len;
		ck_assert_int_eq(write(c->fd, size, 2), 2);
		ck_assert_int_eq(write(c->fd, out.data, out.len), (int)out.len);
	}
	buf_fini(&out);
	return true;
}

static void
on_tcp(evutil_socket_t fd, short what, void *data)
{
	struct client *c = data;
	ssize_t n;

	(void)what;
	loop_enter(c->server->loop);
	n = read(fd, buf_reserve(&c->in, 2048), 2048);
	if (n <= 0) {
		free_client(c);
		return;
	}
	c->in.len += (size_t)n;
	while (answer_tcp(c))
		;
}

static void
on_tcp_client(evutil_socket_t fd, short what, void *data)
{
	struct dns_server *s = data;
	struct client *c = mem_zalloc(sizeof(*c));

	(void)what;
	loop_enter(s->loop);
	c->server = s;
	c->fd = accept(fd, NULL, NULL);
	ck_assert_int_ge(c->fd, 0);
	list_append(&s->clients, &c->node);
	event_assign(&c->ev, loop_base(s->loop), c->fd, EV_READ | EV_PERSIST,
		     on_tcp, c);
	event_add(&c->ev, NULL);
}

struct dns_server *
dns_server_new(struct loop *loop)
{
	struct dns_server *s = mem_zalloc(sizeof(*s));
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	int is_bound = -1;

	s->loop = loop;
	list_init(&s->records);
	list_init(&s->rules);
	list_init(&s->questions);
	list_init(&s->clients);
	inet_pton(AF_INET, "127.0.0.1", &in.sin_addr);
	/* A port that is free for both. */
	for (int i = 0; i < 100 && is_bound < 0; i++) {
		if (i) {
			close(s->udp_fd);
			close(s->tcp_fd);
		}
		in.sin_port = 0;
		s->udp_fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		s->tcp_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (bind(s->udp_fd, (struct sockaddr *)&in, sizeof(in)) < 0 ||
		    getsockname(s->udp_fd, (struct sockaddr *)&in, &len) < 0)
			continue;
		is_bound = bind(s->tcp_fd, (struct sockaddr *)&in, sizeof(in));
	}
	ck_assert_int_eq(is_bound, 0);
	ck_assert_int_eq(listen(s->tcp_fd, 10), 0);
	snprintf(s->address, sizeof(s->address), "127.0.0.1:%u",
		 ntohs(in.sin_port));
	event_assign(&s->udp_ev, loop_base(loop), s->udp_fd,
		     EV_READ | EV_PERSIST, on_udp, s);
	event_assign(&s->tcp_ev, loop_base(loop), s->tcp_fd,
		     EV_READ | EV_PERSIST, on_tcp_client, s);
	event_add(&s->udp_ev, NULL);
	event_add(&s->tcp_ev, NULL);
	return s;
}

void
dns_server_free(struct dns_server *s)
{
	struct list *n;

	if (!s)
		return;
	event_del(&s->udp_ev);
	event_del(&s->tcp_ev);
	close(s->udp_fd);
	close(s->tcp_fd);
	list_each_safe (c, &s->clients)
		free_client(container_of(c, struct client, node));
	while ((n = list_pop(&s->records)) != NULL) {
		struct record *r = container_of(n, struct record, node);

		free(r->name);
		buf_fini(&r->data);
		free(r);
	}
	while ((n = list_pop(&s->rules)) != NULL) {
		struct rule *r = container_of(n, struct rule, node);

		free(r->name);
		free(r);
	}
	while ((n = list_pop(&s->questions)) != NULL)
		free(container_of(n, struct asked, node));
	free(s);
}

const char *
dns_server_address(const struct dns_server *s)
{
	return s->address;
}

void
dns_server_add_raw(struct dns_server *s, const char *name, const char *type,
		   uint32_t ttl_s, const void *data, size_t len)
{
	struct record *r = mem_zalloc(sizeof(*r));

	r->name = mem_strdup(name);
	r->type = type_number(type);
	r->ttl_s = ttl_s;
	buf_add(&r->data, data, len);
	list_append(&s->records, &r->node);
}

void
dns_server_add(struct dns_server *s, const char *name, const char *type,
	       uint32_t ttl_s, const char *text)
{
	unsigned priority, weight, port, number = type_number(type);
	struct buf data = { 0 };
	char host[256], bytes[16];

	if (number == 33) {
		ck_assert_int_eq(sscanf(text, "%u %u %u %255s", &priority,
					&weight, &port, host),
				 4);
		add16(&data, priority);
		add16(&data, weight);
		add16(&data, port);
		add_name(&data, host);
	} else if (number == 5) {
		add_name(&data, text);
	} else {
		ck_assert_int_eq(inet_pton(number == 1 ? AF_INET : AF_INET6,
					   text, bytes),
				 1);
		buf_add(&data, bytes, number == 1 ? 4 : 16);
	}
	dns_server_add_raw(s, name, type, ttl_s, data.data, data.len);
	buf_fini(&data);
}

void
dns_server_mood(struct dns_server *s, const char *name, const char *type,
		enum dns_server_mood mood)
{
	struct rule *r = mem_zalloc(sizeof(*r));

	r->name = mem_strdup(name);
	r->type = type ? type_number(type) : 0;
	r->mood = mood;
	list_prepend(&s->rules, &r->node);
}

void
dns_server_negative_ttl(struct dns_server *s, uint32_t ttl_s)
{
	s->negative_ttl_s = ttl_s;
}

void
dns_server_lone_aliases(struct dns_server *s)
{
	s->has_lone_aliases = true;
}

unsigned
dns_server_n_asked(const struct dns_server *s, const char *name,
		   const char *type)
{
	unsigned n_asked = 0;

	list_each (n, &s->questions) {
		const struct asked *a = container_of(n, struct asked, node);

		if ((!type || a->type == type_number(type)) &&
		    strcasecmp(a->name, name) == 0)
			n_asked++;
	}
	return n_asked;
}
