/* SPDX-License-Identifier: GPL-2.0-only */
/* nft_private.h - what nft.c keeps, nft_find.c plays a packet through, and iptables.c has in common with both. */
#ifndef SOCKWATCH_NFT_PRIVATE_H
#define SOCKWATCH_NFT_PRIVATE_H

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netlink.h>

#include "hash.h"
#include "nft.h"
#include "redirect_list.h"

/* NFT_NAME_MAXLEN, include/uapi/linux/netfilter/nf_tables.h */
#define NFT_NAME 256

struct nft_bytes {
	const uint8_t *data;
	size_t length;
};

struct nft_attribute {
	unsigned int type;
	struct nft_bytes in;
};

/* The attributes of a message, kept. */
struct nft_copy {
	struct nft_copy *next;
	size_t length;
	uint8_t data[];
};

struct nft_name {
	uint8_t family; /* NFPROTO_ */
	char table[NFT_NAME], name[NFT_NAME];
};

struct nft_chain {
	struct nft_name is;
	bool is_base;
	uint32_t hook;		       /* NF_INET_ */
	struct nft_copy *first, *last; /* its rules */
};

struct nft_elements {
	struct nft_name is;
	struct nft_copy *first, *last; /* messages, each with a list */
};

HASH_TYPE(nft_chains, struct nft_chain *);
HASH_TYPE(nft_sets, struct nft_elements *);

struct nft {
	struct nft_chains chains;
	struct nft_sets sets;
	struct nft_elements **set; /* by number */
	size_t set_count;
	size_t bytes;	/* kept */
	bool redirects; /* a rule sends packets elsewhere */
};

bool nft_next(struct nft_bytes *b, struct nft_attribute *ret);
/* Empty where there is none. */
struct nft_bytes nft_find_attribute(struct nft_bytes b, unsigned int type);
uint32_t nft_number(struct nft_bytes b);
const char *nft_text(struct nft_bytes b);

struct nft_chain *nft_find_chain(const struct nft *n, uint8_t family, const char *table,
				 const char *name);
struct nft_elements *nft_find_set(const struct nft *n, uint8_t family, const char *table,
				  const char *name);
/* The first for NULL; NULL behind the last. */
struct nft_chain *const *nft_each_chain(const struct nft *n, struct nft_chain *const *before);

/* "nftables ip nat, chain DOCKER, handle 12" */
void nft_format_rule(char *ret, size_t size, const struct nft_chain *chain,
		     const struct nft_copy *rule);

/* ---- what is known of the packet ---- */

#define NFT_REGISTERS 80 /* bytes */

struct nft_values {
	uint8_t byte[NFT_REGISTERS];
	bool known[NFT_REGISTERS];
	bool is_to[NFT_REGISTERS]; /* of the address that the packet goes to, unknown */
};

static inline bool nft_has_room(size_t at, size_t length)
{
	return at < NFT_REGISTERS && length <= NFT_REGISTERS - at;
}

static inline bool nft_all_set(const bool *flags, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (!flags[i])
			return false;
	}
	return true;
}

enum nft_verdict { NFT_NO, NFT_YES, NFT_PERHAPS };

/* The steps of one search. */
struct nft_budget {
	unsigned int steps;
	bool spent;
};
bool nft_take_step(struct nft_budget *budget);

/* ---- nft_set.c ---- */

struct nft_element {
	struct nft_bytes key, end, data; /* end: of a range in a set of several fields */
	bool is_end;			 /* the first value behind an interval */
	bool is_rest;			 /* of whatever is in no other element */
};

/* Walks over all elements; begins with zeroed steps. */
struct nft_element_steps {
	const struct nft_copy *copy;
	struct nft_bytes list;
	bool begun;
};
bool nft_next_element(struct nft_budget *budget, const struct nft_elements *set,
		      struct nft_element_steps *at, struct nft_element *ret);
/* Compares field by field: each has whole words. */
enum nft_verdict nft_compare_key(const struct nft_values *r, size_t at,
				 const struct nft_element *e);
/* The interval that a known key lies in; false when it lies in none, or the set has no intervals (`ret_has` says so). */
bool nft_find_interval(struct nft_budget *budget, const struct nft_values *r, size_t at,
		       const struct nft_elements *set, struct nft_element *ret, bool *ret_has);

/* nft_xt.c: the matches and targets of iptables, blobs that nftables hands through. */
enum nft_verdict nft_xt_match(const char *name, uint32_t revision, struct nft_bytes info,
			      const struct nft_packet *packet);
/* False where the target sends nothing elsewhere.  Fills kind and target. */
bool nft_xt_target(const char *name, uint32_t revision, struct nft_bytes info, uint8_t family,
		   struct redirect *ret);

#endif
