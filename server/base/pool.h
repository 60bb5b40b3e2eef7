/*
 * pool.h - blocks of one size that come and go all the time.
 *
 * A stanza is allocated by the thread that parses it and freed by the one that
 * has handled it. malloc would lock for that, and search; here each thread
 * keeps a few free blocks, and those that free more than they need hand them
 * over, many at a time, to those that need more than they free.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

/* Bytes; more than malloc keeps for each thread by itself. */
#define POOL_BLOCK 2048u

/* Aligned as malloc's, and not zeroed. Any thread. */
void *pool_alloc(void);
/* From pool_alloc, by any thread; NULL: nothing. */
void pool_free(void *block);

#endif
