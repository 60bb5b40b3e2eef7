/* fuzz.h - the function that each fuzz target defines. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Returns 0; whatever is wrong aborts. Leaves nothing behind: it is called
 * many times in one process. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
