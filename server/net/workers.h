/*
 * workers.h - threads for what burns time: password hashing and the like.
 */
#ifndef NET_WORKERS_H
#define NET_WORKERS_H

#include "net/loop.h"

struct workers;

/* Embedded in a typed request. */
struct job {
	struct mail mail; /* private to workers.c */
	struct loop *home;
	/* On a worker thread. */
	void (*work)(struct job *j);
	/* Afterwards on the loop that submitted it; the owner frees it. */
	void (*done)(struct job *j);
};

/* n threads; 0: work runs on the submitting loop in its next turn (tests). At
 * most max_queue jobs wait. */
struct workers *workers_new(unsigned n, size_t max_queue);
/* Finishes what is queued (their done is delivered). */
void workers_free(struct workers *w);

/* On loop home. -1 where the queue is full: nothing will be called. */
int workers_submit(struct workers *w, struct loop *home, struct job *j);

#endif
