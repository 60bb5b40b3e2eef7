/* workers.c - a bounded queue, and threads that take from it. */

#include "net/workers.h"

#include "base/log.h"
#include "base/mem.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct workers {
	unsigned n;
	size_t max_queue;
	pthread_t *threads; /* owned */

	pthread_mutex_t lock;
	pthread_cond_t has_more; /* a job, or the end */
	/* By lock: */
	struct mail *first, *last; /* jobs, through their mail */
	size_t n_queued;
	bool is_ending;
};

static void
done_run(struct mail *m)
{
	struct job *j = container_of(m, struct job, mail);

	j->done(j);
}

static void
work_run(struct mail *m)
{
	struct job *j = container_of(m, struct job, mail);

	j->work(j);
	j->done(j);
}

/* Waits; NULL at the end. */
static struct job *
next_job(struct workers *w)
{
	struct mail *m;

	pthread_mutex_lock(&w->lock);
	while (!w->first && !w->is_ending)
		pthread_cond_wait(&w->has_more, &w->lock);
	m = w->first;
	if (m) {
		w->first = m->next;
		w->n_queued--;
	}
	pthread_mutex_unlock(&w->lock);
	return m ? container_of(m, struct job, mail) : NULL;
}

static void *
thread_main(void *data)
{
	struct workers *w = data;
	struct job *j;

	pthread_setname_np(pthread_self(), "worker");
	while ((j = next_job(w)) != NULL) {
		j->work(j);
		j->mail.run = done_run;
		loop_post(j->home, &j->mail);
	}
	return NULL;
}

struct workers *
workers_new(unsigned n, size_t max_queue)
{
	struct workers *w = mem_zalloc(sizeof(*w));
	sigset_t all, old;

	w->n = n;
	w->max_queue = max_queue;
	w->threads = mem_zalloc((n + 1) * sizeof(*w->threads));
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->has_more, NULL);
	/* Signals are for the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (unsigned i = 0; i < n; i++) {
		int e = pthread_create(&w->threads[i], NULL, thread_main, w);

		if (e) {
			log_error(NULL, "worker: cannot start a thread: %s",
				  strerror(e));
			abort();
		}
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return w;
}

void
workers_free(struct workers *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->is_ending = true;
	pthread_cond_broadcast(&w->has_more);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->n; i++)
		pthread_join(w->threads[i], NULL);
	pthread_cond_destroy(&w->has_more);
	pthread_mutex_destroy(&w->lock);
	free(w->threads);
	free(w);
}

int
workers_submit(struct workers *w, struct loop *home, struct job *j)
{
	bool is_full;

	j->home = home;
	if (!w->n) {
		j->mail.run = work_run;
		loop_send(home, home, &j->mail);
		return 0;
	}
	j->mail.next = NULL;
	pthread_mutex_lock(&w->lock);
	is_full = w->n_queued >= w->max_queue;
	if (!is_full) {
		if (w->first)
			w->last->next = &j->mail;
		else
			w->first = &j->mail;
		w->last = &j->mail;
		w->n_queued++;
		pthread_cond_signal(&w->has_more);
	}
	pthread_mutex_unlock(&w->lock);
	return is_full ? -1 : 0;
}
