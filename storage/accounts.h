/* accounts.h - who may log in: SCRAM keys, and what is known of an account. */
#ifndef STORAGE_ACCOUNTS_H
#define STORAGE_ACCOUNTS_H

#include "storage/store.h"

#define ACCOUNT_HASHES	 3 /* SHA-1, SHA-256, SHA-512: the order of sasl.h */
#define ACCOUNT_SALT_MAX 32
#define ACCOUNT_KEY_MAX	 64

struct account_keys {
	int iterations; /* 0: no keys for this hash */
	uint8_t salt[ACCOUNT_SALT_MAX];
	size_t salt_len;
	uint8_t stored_key[ACCOUNT_KEY_MAX], server_key[ACCOUNT_KEY_MAX];
};

struct account_record {
	struct account_keys keys[ACCOUNT_HASHES];
	int64_t created_ms;	 /* wall time */
	int64_t last_seen_ms;	 /* end of the last session; 0: never */
	const char *last_status; /* of its last unavailable presence, or NULL */
	bool disabled;
};

struct account_result {
	struct store_result res; /* OK, NOT_FOUND, FAILED */
	const struct account_record *account;
};

typedef void account_done(void *data, const struct account_result *res);

/* jid: bare, prepared, with a local part. */
void
account_get(struct store *s, const char *jid, account_done *done, void *data);
/* EXISTS where there is one. Forgets what stores may still keep from an earlier
 * one of that name. */
void account_create(struct store *s, const char *jid,
		    const struct account_keys keys[ACCOUNT_HASHES],
		    int64_t now_ms, store_done *done, void *data);
/* NOT_FOUND where there is none. */
void account_set_keys(struct store *s, const char *jid,
		      const struct account_keys keys[ACCOUNT_HASHES],
		      store_done *done, void *data);
void account_set_last(struct store *s, const char *jid, int64_t last_seen_ms,
		      const char *status, store_done *done, void *data);
void account_set_disabled(struct store *s, const char *jid, bool disabled,
			  store_done *done, void *data);
/* With all that every store keeps for this owner, in one transaction. */
void
account_delete(struct store *s, const char *jid, store_done *done, void *data);

struct account_list_result {
	struct store_result res;
	const char *const *jids; /* sorted by local part, bytewise */
	size_t n_jids;
};
typedef void
account_list_done(void *data, const struct account_list_result *res);

/* At most max accounts of the domain that sort behind `after` (NULL: from the
 * first). */
void account_list(struct store *s, const char *domain, const char *after,
		  size_t max, account_list_done *done, void *data);
/* Only those that are disabled. */
void
account_list_disabled(struct store *s, const char *domain, const char *after,
		      size_t max, account_list_done *done, void *data);

struct account_mix_result {
	struct store_result res;
	struct account_mix {
		int iterations;
		int64_t accounts;
	} const *of; /* by iterations */
	size_t n;
};
typedef void account_mix_done(void *data, const struct account_mix_result *res);

/* How many accounts of the domain have SHA-256 keys of how many iterations: the
 * max commonest numbers. Reads all accounts of the domain. */
void account_get_mix(struct store *s, const char *domain, size_t max,
		     account_mix_done *done, void *data);

typedef void
account_count_done(void *data, const struct store_result *res, int64_t count);
void account_count(struct store *s, const char *domain,
		   account_count_done *done, void *data);
void account_count_disabled(struct store *s, const char *domain,
			    account_count_done *done, void *data);

#endif
