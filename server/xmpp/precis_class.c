/* precis_class.c - which code points may stand where. */

#include "xmpp/precis_class.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <uninorm.h>

/* The derived property, RFC 8264 8. */
enum prop {
	PROP_VALID,    /* PVALID */
	PROP_FREE,     /* ID_DIS or FREE_PVAL */
	PROP_CONTEXT,  /* CONTEXTJ or CONTEXTO */
	PROP_FORBIDDEN /* DISALLOWED or UNASSIGNED */
};

struct range {
	uint32_t first, last;
	enum prop prop;
};

/* RFC 5892 2.6, which RFC 8264 9.6 takes over; sorted. */
static const struct range exceptions[] = {
	{ 0x00b7, 0x00b7, PROP_CONTEXT },   { 0x00df, 0x00df, PROP_VALID },
	{ 0x0375, 0x0375, PROP_CONTEXT },   { 0x03c2, 0x03c2, PROP_VALID },
	{ 0x05f3, 0x05f4, PROP_CONTEXT },   { 0x0640, 0x0640, PROP_FORBIDDEN },
	{ 0x0660, 0x0669, PROP_CONTEXT },   { 0x06f0, 0x06f9, PROP_CONTEXT },
	{ 0x06fd, 0x06fe, PROP_VALID },	    { 0x07fa, 0x07fa, PROP_FORBIDDEN },
	{ 0x0f0b, 0x0f0b, PROP_VALID },	    { 0x3007, 0x3007, PROP_VALID },
	{ 0x302e, 0x302f, PROP_FORBIDDEN }, { 0x3031, 0x3035, PROP_FORBIDDEN },
	{ 0x303b, 0x303b, PROP_FORBIDDEN }, { 0x30fb, 0x30fb, PROP_CONTEXT },
};

/* RFC 5892 2.9: Hangul_Syllable_Type L, V or T. */
static const struct range old_hangul[] = {
	{ 0x1100, 0x11ff, PROP_FORBIDDEN },
	{ 0xa960, 0xa97c, PROP_FORBIDDEN },
	{ 0xd7b0, 0xd7c6, PROP_FORBIDDEN },
	{ 0xd7cb, 0xd7fb, PROP_FORBIDDEN },
};

static const struct range *
find_range(const struct range *r, size_t n, uint32_t c)
{
	for (; n > 0 && r->first <= c; r++, n--) {
		if (c <= r->last)
			return r;
	}
	return NULL;
}

/* RFC 8264 9.17 */
static bool
has_compat(uint32_t c)
{
	uint32_t room[32], *got;
	size_t n = N_ELEMENTS(room);
	bool differs;

	got = u32_normalize(UNINORM_NFKC, &c, 1, room, &n);
	differs = !got || n != 1 || got[0] != c;
	if (got != room)
		free(got);
	return differs;
}

static enum prop
category_prop(uint32_t c)
{
	if (uc_is_general_category_withtable(
		    c, UC_CATEGORY_MASK_Ll | UC_CATEGORY_MASK_Lu |
			       UC_CATEGORY_MASK_Lo | UC_CATEGORY_MASK_Nd |
			       UC_CATEGORY_MASK_Lm | UC_CATEGORY_MASK_Mn |
			       UC_CATEGORY_MASK_Mc))
		return PROP_VALID;
	if (uc_is_general_category_withtable(
		    c, UC_CATEGORY_MASK_Lt | UC_CATEGORY_MASK_Nl |
			       UC_CATEGORY_MASK_No | UC_CATEGORY_MASK_Me |
			       UC_CATEGORY_MASK_Zs | UC_CATEGORY_MASK_S |
			       UC_CATEGORY_MASK_P))
		return PROP_FREE;
	return PROP_FORBIDDEN;
}

/* The order is that of RFC 8264 8. */
static enum prop
derived_prop(uint32_t c)
{
	const struct range *r;

	if (c >= 0x21 && c <= 0x7e)
		return PROP_VALID;
	r = find_range(exceptions, N_ELEMENTS(exceptions), c);
	if (r)
		return r->prop;
	if (uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Cn))
		return PROP_FORBIDDEN;
	if (c == 0x200c || c == 0x200d)
		return PROP_CONTEXT;
	if (find_range(old_hangul, N_ELEMENTS(old_hangul), c))
		return PROP_FORBIDDEN;
	if (uc_is_property(c, UC_PROPERTY_DEFAULT_IGNORABLE_CODE_POINT) ||
	    uc_is_property(c, UC_PROPERTY_NOT_A_CHARACTER) ||
	    uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Cc))
		return PROP_FORBIDDEN;
	if (has_compat(c))
		return PROP_FREE;
	return category_prop(c);
}

static bool
is_script(uint32_t c, const char *name)
{
	const uc_script_t *script = uc_script(c);

	return script && strcmp(script->name, name) == 0;
}

static bool
is_virama(uint32_t c)
{
	return uc_combining_class(c) == UC_CCC_VR;
}

/* RFC 5892 A.1: between letters that join, marks in between do not count. */
static bool
is_between_joining(const uint32_t *s, size_t n, size_t at)
{
	size_t before = at, after = at + 1;
	int type;

	while (before > 0 &&
	       uc_joining_type(s[before - 1]) == UC_JOINING_TYPE_T)
		before--;
	while (after < n && uc_joining_type(s[after]) == UC_JOINING_TYPE_T)
		after++;
	if (before == 0 || after == n)
		return false;
	type = uc_joining_type(s[before - 1]);
	if (type != UC_JOINING_TYPE_L && type != UC_JOINING_TYPE_D)
		return false;
	type = uc_joining_type(s[after]);
	return type == UC_JOINING_TYPE_R || type == UC_JOINING_TYPE_D;
}

static bool
has_japanese(const uint32_t *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (is_script(s[i], "Hiragana") ||
		    is_script(s[i], "Katakana") || is_script(s[i], "Han"))
			return true;
	}
	return false;
}

static bool
has_in_range(const uint32_t *s, size_t n, uint32_t first, uint32_t last)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] >= first && s[i] <= last)
			return true;
	}
	return false;
}

/* RFC 5892 appendix A, for the code points with PROP_CONTEXT. */
static bool
is_context_ok(const uint32_t *s, size_t n, size_t at)
{
	uint32_t before = at > 0 ? s[at - 1] : 0;
	uint32_t after = at + 1 < n ? s[at + 1] : 0;

	switch (s[at]) {
	case 0x200c: /* ZERO WIDTH NON-JOINER */
		return is_virama(before) || is_between_joining(s, n, at);
	case 0x200d: /* ZERO WIDTH JOINER */
		return is_virama(before);
	case 0x00b7: /* MIDDLE DOT */
		return before == 'l' && after == 'l';
	case 0x0375: /* GREEK LOWER NUMERAL SIGN */
		return is_script(after, "Greek");
	case 0x05f3: /* HEBREW PUNCTUATION GERESH */
	case 0x05f4: /* HEBREW PUNCTUATION GERSHAYIM */
		return is_script(before, "Hebrew");
	case 0x30fb: /* KATAKANA MIDDLE DOT */
		return has_japanese(s, n);
	default: /* Arabic-Indic digits, extended or not */
		return s[at] < 0x06f0 ? !has_in_range(s, n, 0x06f0, 0x06f9)
				      : !has_in_range(s, n, 0x0660, 0x0669);
	}
}

bool
precis_is_allowed(const uint32_t *s, size_t n, enum precis_class allowed)
{
	for (size_t i = 0; i < n; i++) {
		switch (derived_prop(s[i])) {
		case PROP_VALID:
			break;
		case PROP_FREE:
			if (allowed != PRECIS_FREEFORM)
				return false;
			break;
		case PROP_CONTEXT:
			if (!is_context_ok(s, n, i))
				return false;
			break;
		case PROP_FORBIDDEN:
			return false;
		}
	}
	return true;
}

static uint32_t
bidi_bit(uint32_t c)
{
	return UINT32_C(1) << uc_bidi_class(c);
}

#define BIDI(class) (UINT32_C(1) << UC_BIDI_##class)

/* RFC 5893 2: as soon as anything runs from right to left, only a text that
 * starts so can fulfil conditions 1 to 4; 5 and 6 forbid it to the others. */
bool
precis_is_bidi_ok(const uint32_t *s, size_t n)
{
	const uint32_t rtl = BIDI(R) | BIDI(AL);
	const uint32_t numbers = BIDI(EN) | BIDI(AN);
	uint32_t all = 0;
	size_t end = n;

	for (size_t i = 0; i < n; i++)
		all |= bidi_bit(s[i]);
	if (!(all & (rtl | BIDI(AN))))
		return true;
	if (!(bidi_bit(s[0]) & rtl))
		return false;
	if (all & ~(rtl | numbers | BIDI(ES) | BIDI(CS) | BIDI(ET) | BIDI(ON) |
		    BIDI(BN) | BIDI(NSM)))
		return false;
	if ((all & numbers) == numbers)
		return false;
	while (bidi_bit(s[end - 1]) & BIDI(NSM))
		end--;
	return bidi_bit(s[end - 1]) & (rtl | numbers);
}
