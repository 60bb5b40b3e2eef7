/* login.c - how a scripted client logs in. */

#include "login.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "client.h"
#include "unit/scram_client.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static void
send_text(struct client *c, const char *text)
{
	client_send(c, text, strlen(text));
}

static const char *
all_that_came(const struct client *c)
{
	return c->log ? c->log : "nothing came";
}

/* What came is an element of this name, and no error; its text goes to text_out
 * (NULL: it does not matter) and is freed by the caller. */
static bool
comes(struct client *c, struct server *srv, const char *name, char **text_out)
{
	struct incoming *in;
	bool ok;

	client_pump(c, srv);
	in = client_next(c);
	ok = in && in->xml && !strcmp(in->xml->name, name) &&
	     (!xml_get(in->xml, "type") ||
	      strcmp(xml_get(in->xml, "type"), "error") != 0);
	if (ok && text_out)
		*text_out = mem_strdup(xml_get_text(in->arena, in->xml));
	if (in)
		incoming_free(in);
	return ok;
}

static void
send_header(struct client *c, const char *domain, const char *from,
	    const char *id)
{
	struct buf b = { 0 };

	buf_printf(&b,
		   "<?xml version='1.0'?><stream:stream xmlns='%s' "
		   "xmlns:stream='" NS_STREAM "' to='%s' version='1.0'",
		   c->is_component ? NS_COMPONENT
		   : c->is_server  ? NS_SERVER
				   : NS_CLIENT,
		   domain);
	if (from)
		buf_printf(&b, " from='%s'", from);
	if (id)
		buf_printf(&b, " id='%s'", id);
	if (c->is_server)
		buf_adds(&b, " xmlns:db='jabber:server:dialback'");
	buf_addc(&b, '>');
	client_send(c, b.data, b.len);
	buf_fini(&b);
}

const char *
login_open(struct client *c, struct server *srv, const char *domain,
	   const char *from)
{
	send_header(c, domain, from, NULL);
	if (comes(c, srv, "stream", NULL) && comes(c, srv, "features", NULL))
		return NULL;
	return all_that_came(c);
}

static void
send_sasl(struct client *c, const char *tag, const char *end, const char *data,
	  size_t len)
{
	struct buf b = { 0 };

	buf_adds(&b, tag);
	base64_encode(&b, data, len);
	buf_adds(&b, end);
	client_send(c, b.data, b.len);
	buf_fini(&b);
}

static void
send_auth(struct client *c, const char *mech, const char *data, size_t len)
{
	char *tag =
		mem_printf("<auth xmlns='" NS_SASL "' mechanism='%s'>", mech);

	send_sasl(c, tag, "</auth>", data, len);
	free(tag);
}

const char *
login_plain(struct client *c, struct server *srv, const char *user,
	    const char *domain, const char *password)
{
	struct buf plain = { 0 };

	buf_addc(&plain, '\0');
	buf_adds(&plain, user);
	buf_addc(&plain, '\0');
	buf_adds(&plain, password);
	send_auth(c, "PLAIN", plain.data, plain.len);
	buf_fini(&plain);
	if (!comes(c, srv, "success", NULL))
		return all_that_came(c);
	return login_open(c, srv, domain, NULL);
}

static enum scram_hash
hash_of(const char *mech)
{
	return !strcmp(mech, "SCRAM-SHA-1")	? SCRAM_SHA1
	       : !strcmp(mech, "SCRAM-SHA-256") ? SCRAM_SHA256
						: SCRAM_SHA512;
}

/* base64 in, text out; to be freed. */
static char *
decoded(char *text)
{
	struct buf b = { 0 };

	base64_decode(&b, text, strlen(text));
	free(text);
	return buf_take(&b);
}

/* proof_out: what the server has to prove, to be freed. */
static const char *
begin(struct client *c, struct server *srv, const char *mech, const char *user,
      const char *password, char **proof_out)
{
	char *first = mem_printf("n,,n=%s,r=%s", user, "rOprNGfwEbeRWgbNEkqO");
	struct buf final = { 0 }, proof = { 0 };
	char *challenge;

	send_auth(c, mech, first, strlen(first));
	if (!comes(c, srv, "challenge", &challenge)) {
		free(first);
		return all_that_came(c);
	}
	challenge = decoded(challenge);
	scram_answer(hash_of(mech), password, first, challenge, NULL, 0, &final,
		     &proof);
	free(c->response);
	c->response = buf_take(&final);
	*proof_out = buf_take(&proof);
	free(first);
	free(challenge);
	return NULL;
}

const char *
login_begin(struct client *c, struct server *srv, const char *mech,
	    const char *user, const char *password)
{
	char *proof = NULL;
	const char *wrong = begin(c, srv, mech, user, password, &proof);

	free(proof);
	return wrong;
}

const char *
login_sees(struct client *c, struct server *srv, const char *user,
	   const char *iterations)
{
	char *first = mem_printf("n,,n=%s,r=abc", user);
	char *challenge, *got;
	bool ok;

	send_auth(c, "SCRAM-SHA-256", first, strlen(first));
	free(first);
	if (!comes(c, srv, "challenge", &challenge))
		return all_that_came(c);
	challenge = decoded(challenge);
	got = scram_attr(challenge, 'i');
	ok = !strcmp(got, iterations);
	free(got);
	free(challenge);
	send_text(c, "<abort xmlns='" NS_SASL "'/>");
	if (!comes(c, srv, "failure", NULL))
		return all_that_came(c);
	return ok ? NULL : "another number";
}

void
login_respond(struct client *c)
{
	send_sasl(c, "<response xmlns='" NS_SASL "'>", "</response>",
		  c->response, strlen(c->response));
}

const char *
login_scram(struct client *c, struct server *srv, const char *mech,
	    const char *user, const char *domain, const char *password)
{
	char *proof = NULL, *success = NULL;
	const char *wrong = begin(c, srv, mech, user, password, &proof);

	if (!wrong) {
		login_respond(c);
		if (comes(c, srv, "success", &success))
			success = decoded(success);
		if (!success || strcmp(success, proof) != 0)
			wrong = all_that_came(c);
	}
	free(proof);
	free(success);
	return wrong ? wrong : login_open(c, srv, domain, NULL);
}

static const char *
bind(struct client *c, struct server *srv, const char *resource)
{
	char *iq = mem_printf("<iq type='set' id='bind'><bind xmlns='" NS_BIND
			      "'><resource>%s</resource></bind></iq>",
			      resource);

	send_text(c, iq);
	free(iq);
	return comes(c, srv, "iq", NULL) ? NULL : all_that_came(c);
}

const char *
login(struct client *c, struct server *srv, const char *full_jid,
      const char *password)
{
	struct jid *jid = jid_parse(full_jid);
	const char *wrong;

	if (!jid || !jid_resource(jid))
		return "not a full JID";
	wrong = login_open(c, srv, jid_domain(jid), NULL);
	if (!wrong)
		wrong = login_plain(c, srv, jid_local(jid), jid_domain(jid),
				    password);
	if (!wrong)
		wrong = bind(c, srv, jid_resource(jid));
	c->jid = mem_strdup(jid_str(jid));
	jid_unref(&jid);
	return wrong;
}

/* SHA1 of the stream's id and the secret. */
static void
send_handshake(struct client *c, const char *id, const char *secret)
{
	char *both = mem_printf("%s%s", id, secret);
	unsigned char sum[EVP_MAX_MD_SIZE];
	struct buf text = { 0 };
	unsigned len = 0;

	EVP_Digest(both, strlen(both), sum, &len, EVP_sha1(), NULL);
	buf_adds(&text, "<handshake>");
	for (unsigned i = 0; i < len; i++)
		buf_printf(&text, "%02x", sum[i]);
	buf_adds(&text, "</handshake>");
	client_send(c, text.data, text.len);
	buf_fini(&text);
	free(both);
}

const char *
login_component(struct client *c, struct server *srv, const char *domain,
		const char *secret)
{
	struct incoming *in;
	const char *id;

	send_header(c, domain, NULL, NULL);
	client_pump(c, srv);
	in = client_next(c);
	id = in && in->is_header ? xml_get(in->xml, "id") : NULL;
	if (id)
		send_handshake(c, id, secret);
	if (in)
		incoming_free(in);
	return comes(c, srv, "handshake", NULL) ? NULL : all_that_came(c);
}

const char *
login_external(struct client *c, struct server *srv, const char *domain,
	       const char *from)
{
	send_sasl(c, "<auth xmlns='" NS_SASL "' mechanism='EXTERNAL'>",
		  "</auth>", from, strlen(from));
	if (!comes(c, srv, "success", NULL))
		return all_that_came(c);
	return login_open(c, srv, domain, from);
}

const char *
login_accept(struct client *c, struct server *srv, const char *domain,
	     const char *from, const char *features)
{
	struct incoming *in;
	char *valid;
	bool is_key;

	if (!comes(c, srv, "stream", NULL))
		return all_that_came(c);
	send_header(c, domain, from, c->name);
	send_text(c, features ? features : "<stream:features/>");
	client_pump(c, srv);
	while ((in = client_next(c)) && in->xml &&
	       strcmp(in->xml->name, "bidi") == 0)
		incoming_free(in);
	is_key = in && in->xml && !strcmp(in->xml->name, "result");
	if (in)
		incoming_free(in);
	if (!is_key)
		return all_that_came(c);
	valid = mem_printf("<db:result from='%s' to='%s' type='valid'/>", from,
			   domain);
	send_text(c, valid);
	free(valid);
	client_pump(c, srv);
	return NULL;
}
