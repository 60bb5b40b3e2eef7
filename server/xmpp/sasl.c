/* sasl.c - SASL mechanisms as one state machine (RFC 6120 section 6). */

#include "xmpp/sasl.h"

#include "base/base64.h"
#include "base/mem.h"
#include "xmpp/jid.h"
#include "xmpp/precis.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <unistr.h>

enum kind { EXTERNAL, SCRAM, PLAIN };

struct mech {
	const char *name;
	enum kind kind;
	enum scram_hash hash;
	bool has_binding;
};

/* The preferred first: nothing to guess, then bound to the channel, then
 * without the password, then with it. */
static const struct mech mechs[SASL_MECHS] = {
	{ "EXTERNAL", EXTERNAL, 0, false },
	{ "SCRAM-SHA-512-PLUS", SCRAM, SCRAM_SHA512, true },
	{ "SCRAM-SHA-256-PLUS", SCRAM, SCRAM_SHA256, true },
	{ "SCRAM-SHA-1-PLUS", SCRAM, SCRAM_SHA1, true },
	{ "SCRAM-SHA-512", SCRAM, SCRAM_SHA512, false },
	{ "SCRAM-SHA-256", SCRAM, SCRAM_SHA256, false },
	{ "SCRAM-SHA-1", SCRAM, SCRAM_SHA1, false },
	{ "PLAIN", PLAIN, 0, false },
};

static const char *const binding_names[SASL_BINDINGS] = {
	[SASL_TLS_EXPORTER] = "tls-exporter",
	[SASL_TLS_SERVER_END_POINT] = "tls-server-end-point",
	[SASL_TLS_UNIQUE] = "tls-unique",
};

static const char *const cond_names[SASL_CONDS] = {
	[SASL_ABORTED] = "aborted",
	[SASL_ACCOUNT_DISABLED] = "account-disabled",
	[SASL_CREDENTIALS_EXPIRED] = "credentials-expired",
	[SASL_ENCRYPTION_REQUIRED] = "encryption-required",
	[SASL_INCORRECT_ENCODING] = "incorrect-encoding",
	[SASL_INVALID_AUTHZID] = "invalid-authzid",
	[SASL_INVALID_MECHANISM] = "invalid-mechanism",
	[SASL_MALFORMED_REQUEST] = "malformed-request",
	[SASL_MECHANISM_TOO_WEAK] = "mechanism-too-weak",
	[SASL_NOT_AUTHORIZED] = "not-authorized",
	[SASL_TEMPORARY_AUTH_FAILURE] = "temporary-auth-failure",
};

/* What comes next. */
enum state { FIRST, KEYS, FINAL, CHECK, ACCOUNT, DONE };

struct sasl {
	const struct sasl_env *env; /* borrowed */
	struct sasl_offer offer;
	const struct mech *mech;
	enum state state;
	bool is_asked; /* for the first message, with an empty challenge */
	struct scram scram;
	struct sasl_binding binding; /* that the client chose; may be none */
	struct buf username, password, reply;
	enum sasl_cond cond;
	const char *text;
};

const char *
sasl_cond_name(enum sasl_cond cond)
{
	return cond_names[cond];
}

/* --- The offer */

/* The next of NUL-separated strings behind s (NULL: the first); NULL at the
 * end. */
static const char *
next_name(const char *names, const char *s)
{
	if (!names)
		return NULL;
	s = s ? s + strlen(s) + 1 : names;
	return *s ? s : NULL;
}

/* The account on this host that an identity names, or NULL. */
static struct jid *
account_of(const struct sasl_env *env, const char *text, size_t len)
{
	struct jid *jid = jid_parse_len(text, len);

	if (jid && (jid_is_domain(jid) || !jid_is_bare(jid) ||
		    strcmp(jid_domain(jid), env->host) != 0))
		jid_unref(&jid);
	return jid;
}

static bool
has_identity(const struct sasl_env *env)
{
	const char *name = NULL;
	bool found = false;

	while (!found && (name = next_name(env->identities, name))) {
		struct jid *jid = account_of(env, name, strlen(name));

		found = jid;
		jid_unref(&jid);
	}
	return found;
}

static bool
is_possible(const struct sasl_env *env, const struct mech *m, bool can_bind)
{
	switch (m->kind) {
	case EXTERNAL:
		return env->has_tls && has_identity(env);
	case SCRAM:
		return env->hashes & 1u << m->hash &&
		       (can_bind || !m->has_binding);
	case PLAIN:
		/* RFC 6120 13.8.3 */
		return env->has_tls && env->allows_plain;
	}
	return false;
}

void
sasl_offer(const struct sasl_env *env, struct sasl_offer *out)
{
	size_t n = 0;

	*out = (struct sasl_offer){ 0 };
	for (int i = 0; i < SASL_BINDINGS && env->hashes; i++) {
		if (env->bindings[i].len && !env->bindings[i].is_unoffered)
			out->bindings[n++] = binding_names[i];
	}
	n = 0;
	for (int i = 0; i < SASL_MECHS; i++) {
		if (is_possible(env, &mechs[i], out->bindings[0]))
			out->mechs[n++] = mechs[i].name;
	}
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* XEP-0474 "Server Sends Downgrade Protection Hash": sorted by i;octet. */
static void
add_sorted(struct buf *out, const char *const *names, size_t max)
{
	const char *sorted[SASL_MECHS];
	size_t n = 0;

	for (; n < max && names[n]; n++)
		sorted[n] = names[n];
	qsort(sorted, n, sizeof(sorted[0]), compare);
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_addc(out, '\x1e');
		buf_adds(out, sorted[i]);
	}
}

void
sasl_offer_digest(const struct sasl_offer *offer, enum scram_hash hash,
		  struct buf *out)
{
	uint8_t md[SCRAM_KEY_MAX];
	struct buf b = { 0 };

	add_sorted(&b, offer->mechs, SASL_MECHS);
	if (offer->bindings[0]) {
		buf_addc(&b, '\x1f');
		add_sorted(&b, offer->bindings, SASL_BINDINGS);
	}
	scram_digest(hash, b.data ? b.data : "", b.len, md);
	base64_encode(out, md, scram_key_len(hash));
	buf_fini(&b);
}

/* --- One attempt */

static enum sasl_step
fail(struct sasl *s, enum sasl_cond cond, const char *text)
{
	s->state = DONE;
	s->cond = cond;
	s->text = text;
	return SASL_FAILURE;
}

static enum sasl_step
succeed(struct sasl *s)
{
	s->state = DONE;
	return SASL_SUCCESS;
}

static const struct mech *
find_mech(const struct sasl_offer *offer, const char *name)
{
	bool is_offered = false;

	for (int i = 0; i < SASL_MECHS && offer->mechs[i]; i++)
		is_offered |= !strcmp(offer->mechs[i], name);
	for (int i = 0; i < SASL_MECHS && is_offered; i++) {
		if (!strcmp(mechs[i].name, name))
			return &mechs[i];
	}
	return NULL;
}

struct sasl *
sasl_new(const struct sasl_env *env, const struct sasl_offer *offer,
	 const char *mech, enum sasl_cond *cond_out)
{
	const struct mech *m = find_mech(offer, mech);
	struct sasl *s;

	if (!m) {
		*cond_out = !env->has_tls && env->allows_plain &&
					    !strcmp(mech, "PLAIN")
				    ? SASL_ENCRYPTION_REQUIRED
				    : SASL_INVALID_MECHANISM;
		return NULL;
	}
	s = mem_zalloc(sizeof(*s));
	s->env = env;
	s->offer = *offer;
	s->mech = m;
	s->scram.hash = m->hash;
	s->text = "";
	return s;
}

static void
wipe(struct buf *b)
{
	if (b->data)
		OPENSSL_cleanse(b->data, b->cap);
	buf_fini(b);
}

void
sasl_free(struct sasl *s)
{
	if (!s)
		return;
	scram_fini(&s->scram);
	wipe(&s->password);
	buf_fini(&s->username);
	buf_fini(&s->reply);
	free(s);
}

/* RFC 6120 6.3.8: a bare JID; ours are allowed to act for themselves only. */
static bool
is_own(const struct sasl *s, const char *authzid, size_t len)
{
	struct jid *jid = account_of(s->env, authzid, len);
	bool ok = jid && !strcmp(jid_local(jid), s->username.data);

	jid_unref(&jid);
	return ok;
}

/* Who it is, for SCRAM and PLAIN; then what is needed to find out if it is
 * true. */
static enum sasl_step
on_user(struct sasl *s, const char *name, size_t len, const char *authzid,
	size_t authzid_len, enum state next)
{
	/* Nobody can have this name: the same as a user who is not there. */
	if (jid_prep_local(name, len, &s->username) < 0)
		return fail(s, SASL_NOT_AUTHORIZED, "not a user name");
	if (authzid_len && !is_own(s, authzid, authzid_len))
		return fail(s, SASL_INVALID_AUTHZID, "may not act for another");
	s->state = next;
	return next == KEYS ? SASL_NEED_KEYS : SASL_NEED_CHECK;
}

/* --- EXTERNAL */

/* XEP-0178 section 2: authzid chooses among the JIDs of the certificate, and
 * may be left out where there is one. */
static enum sasl_step
on_external(struct sasl *s, const char *data, size_t len)
{
	struct jid *want = account_of(s->env, data, len);
	struct jid *found = NULL;
	const char *name = NULL;
	unsigned n = 0;

	while ((name = next_name(s->env->identities, name))) {
		struct jid *jid = account_of(s->env, name, strlen(name));

		if (jid && (!len || jid_eq(jid, want)) &&
		    !(found && jid_eq(found, jid))) {
			jid_unref(&found);
			found = jid_ref(jid);
			n++;
		}
		jid_unref(&jid);
	}
	if (n == 1)
		buf_adds(&s->username, jid_local(found));
	jid_unref(&want);
	jid_unref(&found);

	if (!n && !len)
		return fail(s, SASL_NOT_AUTHORIZED,
			    "no such address in the certificate");
	if (n != 1)
		return fail(s, SASL_INVALID_AUTHZID,
			    n ? "the certificate has several addresses"
			      : "not an address of the certificate");
	s->state = ACCOUNT;
	return SASL_NEED_ACCOUNT;
}

enum sasl_step
sasl_account(struct sasl *s, bool is_there)
{
	assert(s->state == ACCOUNT);
	return is_there ? succeed(s)
			: fail(s, SASL_NOT_AUTHORIZED, "no such account");
}

/* --- PLAIN */

/* RFC 4616: [authzid] NUL authcid NUL passwd. */
static enum sasl_step
on_plain(struct sasl *s, const char *data, size_t len)
{
	const char *end = data + len;
	const char *name = memchr(data, '\0', len);
	const char *password;

	name = name ? name + 1 : end;
	password = memchr(name, '\0', (size_t)(end - name));
	if (!password || password == name || password + 1 == end ||
	    memchr(password + 1, '\0', (size_t)(end - password - 1)) ||
	    u8_check((const uint8_t *)data, len))
		return fail(s, SASL_MALFORMED_REQUEST, "not a PLAIN message");
	password++;

	/* So that no piece of it stays behind where the buffer grew. */
	buf_reserve(&s->password, PRECIS_MAX);
	if (precis_opaque(password, (size_t)(end - password), &s->password) < 0)
		return fail(s, SASL_NOT_AUTHORIZED, "not a password");
	return on_user(s, name, (size_t)(password - 1 - name), data,
		       (size_t)(name - 1 - data), CHECK);
}

enum sasl_step
sasl_checked(struct sasl *s, bool is_right)
{
	assert(s->state == CHECK);
	return is_right ? succeed(s)
			: fail(s, SASL_NOT_AUTHORIZED, "wrong password");
}

/* --- SCRAM */

static enum sasl_step
on_scram_error(struct sasl *s, enum scram_error error)
{
	static const struct {
		enum sasl_cond cond;
		const char *text;
	} map[] = {
		[SCRAM_MALFORMED] = { SASL_MALFORMED_REQUEST,
				      "not a SCRAM message" },
		[SCRAM_EXTENSION] = { SASL_MALFORMED_REQUEST,
				      "unknown mandatory extension" },
		[SCRAM_BAD_NONCE] = { SASL_NOT_AUTHORIZED, "wrong nonce" },
		[SCRAM_BAD_BINDING] = { SASL_NOT_AUTHORIZED,
					"bound to another channel" },
		[SCRAM_BAD_PROOF] = { SASL_NOT_AUTHORIZED, "wrong password" },
	};

	return fail(s, map[error].cond, map[error].text);
}

/* RFC 5802 section 6; NULL where all is well. */
static const char *
check_binding(struct sasl *s)
{
	const char *name = s->scram.binding.data;

	/* -PLUS was there to be seen, so somebody took it out on the way. */
	if (s->scram.flag == 'y' && s->offer.bindings[0])
		return "downgraded: client saw no channel binding offered";
	if (s->scram.flag != 'p')
		return NULL;
	for (int i = 0; i < SASL_BINDINGS; i++) {
		if (s->env->bindings[i].len &&
		    !strcmp(binding_names[i], name)) {
			s->binding = s->env->bindings[i];
			return NULL;
		}
	}
	return "channel binding of a type that was not offered";
}

static enum sasl_step
on_scram_first(struct sasl *s, const char *data, size_t len)
{
	struct scram *x = &s->scram;
	enum scram_error error = scram_read_first(x, data, len);
	const char *text;

	if (error != SCRAM_OK)
		return on_scram_error(s, error);
	if ((x->flag == 'p') != s->mech->has_binding)
		return fail(s, SASL_MALFORMED_REQUEST,
			    "channel binding goes with -PLUS only");
	text = check_binding(s);
	if (text)
		return fail(s, SASL_NOT_AUTHORIZED, text);
	return on_user(s, x->username.data, x->username.len, x->authzid.data,
		       x->authzid.len, KEYS);
}

enum sasl_step
sasl_keys(struct sasl *s, const struct scram_keys *keys)
{
	struct buf digest = { 0 };
	struct scram_keys fake;

	assert(s->state == KEYS);
	/* Always, so that it takes as long for users who are there. */
	sasl_fake_keys(s, s->mech->hash, &fake);
	if (!keys || !keys->iterations)
		keys = &fake;
	sasl_offer_digest(&s->offer, s->mech->hash, &digest);
	s->reply.len = 0;
	scram_write_first(&s->scram, keys, NULL, digest.data, &s->reply);
	buf_fini(&digest);
	s->state = FINAL;
	return SASL_CONTINUE;
}

static enum sasl_step
on_scram_final(struct sasl *s, const char *data, size_t len)
{
	enum scram_error error =
		scram_read_final(&s->scram, data, len, s->binding.data,
				 s->binding.len, &s->reply);

	return error == SCRAM_OK ? succeed(s) : on_scram_error(s, error);
}

/* --- All of them */

enum sasl_step
sasl_step(struct sasl *s, const char *data, size_t len)
{
	assert(s->state == FIRST || s->state == FINAL);
	s->reply.len = 0;
	if (!data) {
		/* RFC 4422 section 3: all of ours start with the client. */
		assert(s->state == FIRST && !s->is_asked);
		s->is_asked = true;
		return SASL_CONTINUE;
	}
	if (s->state == FINAL)
		return on_scram_final(s, data, len);
	switch (s->mech->kind) {
	case EXTERNAL:
		return on_external(s, data, len);
	case PLAIN:
		return on_plain(s, data, len);
	default:
		return on_scram_first(s, data, len);
	}
}

enum sasl_step
sasl_step_text(struct sasl *s, const char *text, size_t len)
{
	struct buf data = { 0 };
	enum sasl_step step;

	if (!len && s->state == FIRST && !s->is_asked)
		return sasl_step(s, NULL, 0);
	if (len == 1 && *text == '=')
		len = 0;
	if (base64_decode(&data, text, len) < 0)
		step = fail(s, SASL_INCORRECT_ENCODING, "not base64");
	else
		step = sasl_step(s, data.data, data.len);
	wipe(&data);
	return step;
}

const char *
sasl_mech(const struct sasl *s)
{
	return s->mech->name;
}

const char *
sasl_username(const struct sasl *s)
{
	return s->username.data;
}

enum scram_hash
sasl_hash(const struct sasl *s)
{
	return s->mech->hash;
}

const char *
sasl_password(const struct sasl *s, size_t *len_out)
{
	*len_out = s->password.len;
	return s->password.data;
}

void
sasl_fake_keys(const struct sasl *s, enum scram_hash hash,
	       struct scram_keys *out)
{
	struct buf jid = { 0 };

	buf_printf(&jid, "%s@%s", s->username.data, s->env->host);
	scram_fake_keys(s->env->secret, s->env->secret_len, jid.data, hash,
			s->env->mix, out);
	buf_fini(&jid);
}

void
sasl_reply_text(const struct sasl *s, struct buf *out)
{
	base64_encode(out, s->reply.data, s->reply.len);
}

enum sasl_cond
sasl_cond(const struct sasl *s)
{
	return s->cond;
}

const char *
sasl_text(const struct sasl *s)
{
	return s->text;
}
