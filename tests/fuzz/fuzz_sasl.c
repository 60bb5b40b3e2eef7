/*
 * fuzz_sasl.c - what a client sends to log in.
 *
 * The first line of an input is the mechanism, the others are the client's
 * messages; with `*` before the mechanism they are in base64. The mechanism
 * RFC5802 plays that RFC's example, whose nonce and keys are known, so that a
 * proof can be right; elsewhere none can.
 */

#include "base/base64.h"
#include "base/mem.h"
#include "fuzz.h"
#include "xmpp/jid.h"
#include "xmpp/precis.h"
#include "xmpp/sasl.h"

#include <stdlib.h>

static const uint8_t binding[32] = { 1 };

static const struct scram_mix mix = { .of = { { 1, 1 } }, .n = 1 };

static const struct sasl_env env = {
	.host = "example.org",
	.has_tls = true,
	.allows_plain = true,
	.hashes = 7,
	.bindings = { { .data = binding, .len = 32 },
		      { .data = binding, .len = 16 },
		      { .data = binding, .len = 12 } },
	.identities = "user@example.org\0other@example.org\0",
	.secret = binding,
	.secret_len = sizeof(binding),
	.mix = &mix,
};

struct input {
	const char *at, *end;
};

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* The next line, as memory of its own so that ASan sees a read beyond. */
static char *
next(struct input *in, size_t *len_out)
{
	size_t len = (size_t)(in->end - in->at);
	const char *nl = memchr(in->at, '\n', len);
	char *line;

	if (nl)
		len = (size_t)(nl - in->at);
	line = mem_alloc(len);
	memcpy(line, in->at, len);
	in->at += len + (nl != NULL);
	*len_out = len;
	return line;
}

/* What was read is what was sent: written again it is the same. */
static void
check_first(const struct scram *x, const char *msg, size_t len)
{
	struct buf b = { 0 };

	buf_add(&b, x->gs2.data, x->gs2.len);
	must(b.len >= 3 && (x->flag == 'p') == (x->binding.len > 0));
	buf_adds(&b, "n=");
	for (size_t i = 0; i < x->username.len; i++) {
		char c = x->username.data[i];

		must(c != '\0');
		if (c == ',' || c == '=')
			buf_adds(&b, c == ',' ? "=2C" : "=3D");
		else
			buf_addc(&b, c);
	}
	buf_adds(&b, ",r=");
	buf_add(&b, x->nonce.data, x->nonce.len);
	must(x->username.len && x->nonce.len && b.len <= len);
	must(!memcmp(b.data, msg, b.len));
	buf_fini(&b);
}

/* A proof for this message and these keys is the only one that is right. */
static void
check_final(const struct scram *x, const char *msg, size_t len)
{
	struct buf b = { 0 };

	buf_adds(&b, "c=");
	base64_encode(&b, x->gs2.data, x->gs2.len);
	buf_adds(&b, ",r=");
	buf_add(&b, x->nonce.data, x->nonce.len);
	must(x->flag != 'p' && b.len < len && !memcmp(b.data, msg, b.len));
	buf_fini(&b);
}

static void
play_example(struct input *in)
{
	static const uint8_t salt[] = { 0x41, 0x25, 0xc2, 0x47, 0xe4, 0x3a,
					0xb1, 0xe9, 0x3c, 0x6d, 0xff, 0x76 };
	static struct scram_keys keys;
	struct scram x = { .hash = SCRAM_SHA1 };
	struct buf out = { 0 };
	size_t len;
	char *msg = next(in, &len);

	if (!keys.iterations)
		scram_derive(SCRAM_SHA1, "pencil", 6, salt, sizeof(salt), 4096,
			     &keys);
	if (scram_read_first(&x, msg, len) == SCRAM_OK) {
		check_first(&x, msg, len);
		scram_write_first(&x, &keys, "3rfcNHYJY1ZVvWVs7j", NULL, &out);
		out.len = 0;
		free(msg);
		msg = next(in, &len);
		if (scram_read_final(&x, msg, len, NULL, 0, &out) == SCRAM_OK)
			check_final(&x, msg, len);
		else
			must(!out.len);
	}
	free(msg);
	scram_fini(&x);
	buf_fini(&out);
}

/* What is asked for is prepared: doing it again changes nothing. */
static void
check_user(const struct sasl *s)
{
	const char *name = sasl_username(s);
	struct buf again = { 0 };

	must(!jid_prep_local(name, strlen(name), &again));
	must(!strcmp(again.data, name));
	buf_fini(&again);
}

static enum sasl_step
check_plain(struct sasl *s)
{
	struct buf again = { 0 };
	const char *password;
	size_t len;

	check_user(s);
	password = sasl_password(s, &len);
	must(len && !precis_opaque(password, len, &again));
	must(again.len == len && !memcmp(again.data, password, len));
	buf_fini(&again);
	return sasl_checked(s, len % 2);
}

static void
play(struct sasl *s, struct input *in, bool is_text)
{
	enum sasl_step step = SASL_CONTINUE;

	while (step != SASL_SUCCESS && step != SASL_FAILURE) {
		size_t len;
		char *msg;

		switch (step) {
		case SASL_NEED_KEYS:
			check_user(s);
			step = sasl_keys(s, NULL);
			break;
		case SASL_NEED_CHECK:
			step = check_plain(s);
			break;
		case SASL_NEED_ACCOUNT:
			check_user(s);
			step = sasl_account(s, true);
			break;
		default:
			msg = next(in, &len);
			step = is_text ? sasl_step_text(s, msg, len)
				       : sasl_step(s, msg, len);
			free(msg);
		}
	}
	if (step == SASL_SUCCESS)
		must(strncmp(sasl_mech(s), "SCRAM", 5) != 0);
	else
		must(sasl_cond_name(sasl_cond(s)) && *sasl_text(s));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { (const char *)data, (const char *)data + size };
	size_t len;
	char *line = next(&in, &len);
	char *mech = mem_strndup(line, len);
	bool is_text = mech[0] == '*';
	enum sasl_cond cond = SASL_NONE;
	struct sasl_offer offer;
	struct sasl *s;

	sasl_offer(&env, &offer);
	if (!strcmp(mech, "RFC5802")) {
		play_example(&in);
	} else {
		s = sasl_new(&env, &offer, mech + is_text, &cond);
		must(!s == (cond != SASL_NONE));
		if (s)
			play(s, &in, is_text);
		sasl_free(s);
	}
	free(line);
	free(mech);
	return 0;
}
