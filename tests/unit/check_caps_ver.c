/* check_caps_ver.c - verification strings (XEP-0115 section 5). */

#include "modules/caps/ver.h"

#include "base/arena.h"
#include "unit.h"
#include "xmpp/xml.h"
#include "xmpp/xml_parser.h"
#include "xmpp/xml_text.h"

#include <string.h>

#define INFO(text)                                                        \
	"<query xmlns='http://jabber.org/protocol/disco#info'>" text "</" \
	"query>"
#define FORM(text) "<x xmlns='jabber:x:data' type='result'>" text "</x>"
#define TYPE(text) \
	"<field var='FORM_TYPE' type='hidden'><value>" text "</value></field>"

#define PC "<identity category='client' type='pc'/>"

/* Section 5.2 */
#define EXODUS                                                        \
	"<identity category='client' type='pc' name='Exodus 0.9.1'/>" \
	"<feature var='http://jabber.org/protocol/disco#info'/>"      \
	"<feature var='http://jabber.org/protocol/caps'/>"            \
	"<feature var='http://jabber.org/protocol/muc'/>"             \
	"<feature var='http://jabber.org/protocol/disco#items'/>"
#define EXODUS_SHA1 "QgayPKawpkPSDYmwT/WM94uAlu0="

/* Section 5.3 */
#define PSI                                                               \
	"<identity xml:lang='en' category='client' name='Psi 0.11' "      \
	"type='pc'/>"                                                     \
	"<identity xml:lang='el' category='client' name='\xce\xa8 0.11' " \
	"type='pc'/>"                                                     \
	"<feature var='http://jabber.org/protocol/caps'/>"                \
	"<feature var='http://jabber.org/protocol/disco#info'/>"          \
	"<feature var='http://jabber.org/protocol/disco#items'/>"         \
	"<feature var='http://jabber.org/protocol/muc'/>"
#define PSI_FIELDS                                                  \
	"<field var='os'><value>Mac</value></field>"                \
	"<field var='ip_version' type='text-multi'>"                \
	"<value>ipv6</value><value>ipv4</value></field>"            \
	"<field var='os_version'><value>10.5.1</value></field>"     \
	"<field var='software_version'><value>0.11</value></field>" \
	"<field var='software'><value>Psi</value></field>"
#define PSI_FORM FORM(TYPE("urn:xmpp:dataforms:softwareinfo") PSI_FIELDS)
#define PSI_SHA1 "q07IKJEyjvHSyhy//CH0CxmKi8w="

/* Of "client/pc//<"; this and the others by openssl dgst. */
#define PC_SHA1 "5rmn0FzA5p88QvLQoLSAYUehLJQ="

static const struct {
	const char *query, *hash, *want;
} cases[] = {
	{ INFO(EXODUS), "sha-1", EXODUS_SHA1 },
	{ INFO(PSI PSI_FORM), "sha-1", PSI_SHA1 },
	{ INFO(PSI_FORM PSI), "sha-1", PSI_SHA1 },
	{ INFO(EXODUS), "sha-256",
	  "Wr6IGEKhx6b9627gBmi/cCmpxXBc/GYq5zWuYfWGWoc=" },
	{ INFO(EXODUS), "sha-512",
	  "fRSVSbrOODMrPDQyHoSWoR+RemysUcEeGGhMh+kl/hGp9UrJxyDnrh9BymsL57Am/"
	  "eToRZ/T4s6QBqeC6LVmoQ==" },
	{ INFO(EXODUS), "md5", NULL },
	{ INFO(EXODUS), "SHA-1", NULL },
	{ INFO(PC), "sha-1", PC_SHA1 },
	/* Sorted by category, type and language, not by the joined text. */
	{ INFO("<identity category='a' type='b-c'/>"
	       "<identity category='a' type='b'/>"),
	  "sha-1", "zIl6qooYqsb9lAbfGs2hUM2npD8=" },
	/* Two forms, sorted by FORM_TYPE; a field without a value. */
	{ INFO(PC FORM(TYPE("urn:b") "<field var='x'/>") FORM(TYPE("urn:a"))),
	  "sha-1", "9Cfx1stede9nzFkmApQ4/RVTGY8=" },
	/* 5.4, 3.6: a form that is none of ours does not count. */
	{ INFO(PC FORM("<field var='FORM_TYPE'><value>urn:a</value></field>"
		       "<field var='x'><value>y</value></field>")),
	  "sha-1", PC_SHA1 },
	{ INFO(PC FORM("<field var='x'><value>y</value></field>")), "sha-1",
	  PC_SHA1 },
	/* 5.4, 3.3 to 3.5: ill-formed. */
	{ INFO(PC PC), "sha-1", NULL },
	{ INFO(PC "<feature var='a'/><feature var='b'/><feature var='a'/>"),
	  "sha-1", NULL },
	{ INFO(PC FORM(TYPE("urn:a")) FORM(TYPE("urn:a"))), "sha-1", NULL },
	{ INFO(PC FORM(
		  "<field var='FORM_TYPE' type='hidden'><value>urn:a</value>"
		  "<value>urn:b</value></field>")),
	  "sha-1", NULL },
	/* The same FORM_TYPE twice in one form is one. */
	{ INFO(PC FORM(
		  "<field var='FORM_TYPE' type='hidden'><value>urn:a</value>"
		  "<value>urn:a</value></field>")),
	  "sha-1", "uNEeMpTg9tk/GGpYGPkhWr1GUIs=" },
	/* Other answers with the hash of section 5.2. */
	{ INFO("<identity category='client' type='pc' name='Exodus "
	       "0.9.1&lt;http://jabber.org/protocol/caps'/>"
	       "<feature var='http://jabber.org/protocol/disco#info'/>"
	       "<feature var='http://jabber.org/protocol/disco#items'/>"
	       "<feature var='http://jabber.org/protocol/muc'/>"),
	  "sha-1", NULL },
	{ INFO(PC "<feature var='a&lt;b'/>"), "sha-1", NULL },
	{ INFO(PC FORM(TYPE("a&lt;b"))), "sha-1", NULL },
	{ INFO(PC FORM(TYPE("a") "<field var='b&lt;c'/>")), "sha-1", NULL },
	{ INFO(PC FORM(TYPE("a") "<field var='b'><value>c&lt;d</value>"
				 "</field>")),
	  "sha-1", NULL },
	/* "&lt;" as such stays as it is. */
	{ INFO(PC "<feature var='a&amp;lt;b'/>"), "sha-1",
	  "cXuHWtoIJ7ItpBOoO0NJM/Sywrc=" },
};

START_TEST(generates)
{
	struct xml_pool *pool = xml_pool_new();
	struct arena *a = arena_new();
	const char *text = cases[_i].query;
	struct xml *query = xml_from_text(pool, a, text, strlen(text));

	ck_assert_ptr_nonnull(query);
	ck_assert_pstr_eq(caps_ver(a, query, cases[_i].hash), cases[_i].want);
	arena_unref(&a);
	xml_pool_free(pool);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("caps_ver");

	tcase_add_loop_test(tc, generates, 0, N_ELEMENTS(cases));
	return unit_run(tc);
}
