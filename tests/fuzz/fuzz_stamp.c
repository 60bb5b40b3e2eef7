/* fuzz_stamp.c - whatever parses as a DateTime survives being written. */

#include "base/clock.h"
#include "base/mem.h"
#include "fuzz.h"

#include <stdlib.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_strndup((const char *)data, size);
	char stamp[CLOCK_STAMP_MAX];
	int64_t ms, again;

	if (!clock_parse_stamp(text, &ms)) {
		clock_stamp(ms, stamp);
		/* An offset can carry the year out of its four digits. */
		if (clock_parse_stamp(stamp, &again) < 0) {
			if (ms >= INT64_C(-62167219200000) &&
			    ms <= INT64_C(253402300799999))
				abort();
		} else if (again != ms) {
			abort();
		}
	}
	free(text);
	return 0;
}
