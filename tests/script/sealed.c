/* sealed.c - what goes by a relay and is not for it, as dialogues write it. */

#include "sealed.h"

#include "base/mem.h"
#include "xmpp/jid.h"

#include <stdlib.h>
#include <string.h>

static const char begin[] = "{sealed ";

bool
sealed_is(const char *text, const char **words_out, size_t *len_out)
{
	size_t len = strlen(text), n = sizeof(begin) - 1;

	if (len <= n || strncmp(text, begin, n) != 0 || text[len - 1] != '}')
		return false;
	*words_out = text + n;
	*len_out = len - n - 1;
	return true;
}

bool
sealed_read(struct sealed *s, const char *words, size_t len)
{
	const char *word[6];
	char *at;

	*s = (struct sealed){ .words = mem_strndup(words, len) };
	at = s->words;
	for (size_t i = 0; i < N_ELEMENTS(word); i++) {
		char *end = i + 1 < N_ELEMENTS(word) ? strchr(at, ' ') : NULL;

		word[i] = at;
		at = end ? end + 1 : at + strlen(at);
		if (end)
			*end = '\0';
	}
	s->room = jid_parse(word[1]);
	s->domain = jid_parse(word[2]);
	s->about = word[3];
	s->number = word[4];
	s->text = word[5];
	return s->room && s->domain && seal_read_key(&s->key, word[0]);
}

void
sealed_fini(struct sealed *s)
{
	jid_unref(&s->room);
	jid_unref(&s->domain);
	free(s->words);
}
