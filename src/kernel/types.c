// SPDX-License-Identifier: GPL-2.0-only
#include "types.h"

#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define KERNEL_BTF  "/sys/kernel/btf/vmlinux"
#define MAX_BYTES   (256u << 20)
#define MAX_RESOLVE 32
#define MAX_DEPTH   16
#define MAX_WANTED  1024

/* A few types are walked over to find one: an offset of each would be half a megabyte to fill. */
#define STRIDE 16
#define SLOTS  (2 * MAX_WANTED)

struct names {
	const char *const *list;  /* ends with NULL */
	size_t at;		  /* which bytes of a name `bits` is about */
	uint64_t bits[1024 / 64]; /* see bit_of() */
	uint16_t slot[SLOTS];	  /* by hash: place in the list + 1, 0 free */
};

struct reader {
	char *data;
	size_t size;
	bool mapped_file; /* `data` is a mapping, else from malloc() */
	const char *types, *types_end, *strings;
	size_t strings_len;
	uint32_t *offset; /* of each STRIDE-th type id; id 0 is void */
	uint32_t *mapped; /* of each type id: its id in `out`, 0 not there */
	uint32_t count;
	struct names named, functions;
	uint32_t wanted[MAX_WANTED]; /* ids */
	size_t wanted_count;
	struct btf *out;
};

static int read_file(struct reader *r, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (st.st_size < (off_t)sizeof(struct btf_header) || st.st_size > MAX_BYTES)
		err = -EBADMSG;
	/* Linux 6.16 maps its BTF: a copy of five megabytes less. */
	if (!err) {
		r->data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		r->mapped_file = r->data != MAP_FAILED;
		if (r->mapped_file)
			r->size = (size_t)st.st_size;
		else
			r->data = malloc((size_t)st.st_size);
		err = r->data ? 0 : -ENOMEM;
	}
	while (!err && r->size < (size_t)st.st_size) {
		ssize_t n = read(fd, r->data + r->size, (size_t)st.st_size - r->size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			err = n < 0 ? -errno : -EBADMSG;
		else
			r->size += (size_t)n;
	}
	close(fd);
	return err;
}

static int read_header(struct reader *r)
{
	const struct btf_header *h = (const struct btf_header *)r->data;
	uint64_t types, strings;

	if (!h)
		return -EBADMSG;
	types = (uint64_t)h->hdr_len + h->type_off;
	strings = (uint64_t)h->hdr_len + h->str_off;
	if (h->magic != BTF_MAGIC || types + h->type_len > r->size ||
	    strings + h->str_len > r->size || h->str_len == 0 || types % 4 != 0 ||
	    r->data[strings + h->str_len - 1])
		return -EBADMSG;
	r->types = r->data + types;
	r->types_end = r->types + h->type_len;
	r->strings = r->data + strings;
	r->strings_len = h->str_len;
	return 0;
}

static const char *name_of(const struct reader *r, uint32_t offset)
{
	return offset < r->strings_len ? r->strings + offset : "";
}

/* Bytes of a type; 0 for a kind that is not known. */
static size_t size_of(const struct btf_type *t)
{
	enum { HEAD = sizeof(struct btf_type) };
	/* `each` for each member of the type */
	static const struct {
		uint8_t fixed, each;
	} bytes[32] = {
		[BTF_KIND_INT] = {HEAD + 4, 0},
		[BTF_KIND_PTR] = {HEAD, 0},
		[BTF_KIND_ARRAY] = {HEAD + sizeof(struct btf_array), 0},
		[BTF_KIND_STRUCT] = {HEAD, sizeof(struct btf_member)},
		[BTF_KIND_UNION] = {HEAD, sizeof(struct btf_member)},
		[BTF_KIND_ENUM] = {HEAD, sizeof(struct btf_enum)},
		[BTF_KIND_FWD] = {HEAD, 0},
		[BTF_KIND_TYPEDEF] = {HEAD, 0},
		[BTF_KIND_VOLATILE] = {HEAD, 0},
		[BTF_KIND_CONST] = {HEAD, 0},
		[BTF_KIND_RESTRICT] = {HEAD, 0},
		[BTF_KIND_FUNC] = {HEAD, 0},
		[BTF_KIND_FUNC_PROTO] = {HEAD, sizeof(struct btf_param)},
		[BTF_KIND_VAR] = {HEAD + 4, 0},
		[BTF_KIND_DATASEC] = {HEAD, sizeof(struct btf_var_secinfo)},
		[BTF_KIND_FLOAT] = {HEAD, 0},
		[BTF_KIND_DECL_TAG] = {HEAD + 4, 0},
		[BTF_KIND_TYPE_TAG] = {HEAD, 0},
		[BTF_KIND_ENUM64] = {HEAD, 12},
	};
	unsigned int kind = btf_kind(t);

	return bytes[kind].fixed + (size_t)bytes[kind].each * btf_vlen(t);
}

/* ---- names ---- */

/* One of 1,024 by four bytes: most names are none of those asked for, and are told by these alone. */
static uint32_t bit_of(const char *bytes)
{
	uint32_t four;

	memcpy(&four, bytes, sizeof(four));
	return four * UINT32_C(2654435761) >> 22;
}

static uint32_t hash_of(const char *name)
{
	uint32_t hash = 0;

	for (; *name; name++)
		hash = hash * 31 + (unsigned char)*name;
	return hash;
}

/* `list` ends with NULL; a name has at least three characters. */
static int names_init(struct names *names, const char *const *list)
{
	size_t shortest = SIZE_MAX;
	uint32_t i;

	*names = (struct names){.list = list};
	for (i = 0; list[i]; i++)
		shortest = strlen(list[i]) < shortest ? strlen(list[i]) : shortest;
	if (i > MAX_WANTED)
		return -E2BIG;
	/* The last four bytes that all have: the first ones are those that many names begin with.  Without names, beyond all. */
	names->at = i ? shortest + 1 - 4 : UINT32_MAX;
	for (i = 0; list[i]; i++) {
		uint32_t bit = bit_of(list[i] + names->at), slot = hash_of(list[i]);

		names->bits[bit / 64] |= UINT64_C(1) << (bit % 64);
		while (names->slot[slot % SLOTS])
			slot++;
		names->slot[slot % SLOTS] = (uint16_t)(i + 1);
	}
	return 0;
}

static int index_of(const struct reader *r, const struct names *names, uint32_t offset)
{
	const char *name = r->strings + offset;
	uint32_t bit;

	if ((uint64_t)offset + names->at + 4 > r->strings_len)
		return -1;
	bit = bit_of(name + names->at);
	if (!(names->bits[bit / 64] >> (bit % 64) & 1))
		return -1;
	for (uint32_t slot = hash_of(name); names->slot[slot % SLOTS]; slot++) {
		int i = names->slot[slot % SLOTS] - 1;

		if (strcmp(names->list[i], name) == 0)
			return i;
	}
	return -1;
}

/* ---- all types, once ---- */

static void note_type(struct reader *r, const struct btf_type *t, uint32_t id,
		      struct types_function *functions)
{
	unsigned int kind = btf_kind(t);
	int i;

	if ((kind == BTF_KIND_STRUCT || kind == BTF_KIND_ENUM) && r->wanted_count < MAX_WANTED &&
	    index_of(r, &r->named, t->name_off) >= 0)
		r->wanted[r->wanted_count++] = id;
	if (kind != BTF_KIND_FUNC && kind != BTF_KIND_TYPEDEF)
		return;
	i = index_of(r, &r->functions, t->name_off);
	if (i >= 0 && i < TYPES_FUNCTIONS && !functions[i].id)
		functions[i].id = id;
}

static int scan(struct reader *r, struct types_function *functions)
{
	const size_t len = (size_t)(r->types_end - r->types);
	const char *p = r->types;
	uint32_t id;

	/* No type is smaller. */
	r->offset = malloc((len / sizeof(struct btf_type) / STRIDE + 1) * sizeof(*r->offset));
	if (!r->offset)
		return -ENOMEM;
	for (id = 1; p + sizeof(struct btf_type) <= r->types_end; id++) {
		const struct btf_type *t = (const struct btf_type *)p;
		size_t size = size_of(t);

		if (!size || (size_t)(r->types_end - p) < size)
			return -EBADMSG;
		if (id % STRIDE == 0)
			r->offset[id / STRIDE] = (uint32_t)(p - r->types);
		note_type(r, t, id, functions);
		p += size;
	}
	r->offset[0] = 0;
	r->count = id;
	r->mapped = calloc(r->count, sizeof(*r->mapped));
	return r->mapped ? 0 : -ENOMEM;
}

/* `id` is there, and not 0. */
static const struct btf_type *type_of(const struct reader *r, uint32_t id)
{
	const char *p = r->types + r->offset[id / STRIDE];

	/* There is none with id 0: the first to be noted is 1. */
	for (uint32_t at = id < STRIDE ? 1 : id / STRIDE * STRIDE; at < id; at++)
		p += size_of((const struct btf_type *)p);
	return (const struct btf_type *)p;
}

static void count_parameters(const struct reader *r, struct types_function *f)
{
	const struct btf_type *t = type_of(r, f->id);

	if (!btf_is_func(t) || !t->type || t->type >= r->count)
		return;
	t = type_of(r, t->type);
	if (btf_is_func_proto(t))
		f->parameters = btf_vlen(t);
}

/* Behind typedefs and qualifiers; NULL for void and for what is broken. */
static const struct btf_type *resolve(const struct reader *r, uint32_t *id)
{
	for (int i = 0; i<MAX_RESOLVE && * id> 0 && *id < r->count; i++) {
		const struct btf_type *t = type_of(r, *id);

		if (!btf_is_mod(t) && !btf_is_typedef(t))
			return t;
		*id = t->type;
	}
	return NULL;
}

static bool is_wanted(const struct reader *r, uint32_t id)
{
	for (size_t i = 0; i < r->wanted_count; i++) {
		if (r->wanted[i] == id)
			return true;
	}
	return false;
}

static int copy_type(struct reader *r, uint32_t id, int depth);

/* Types of members come first: a struct is open for members only while it is the last. */
static int copy_composite(struct reader *r, const struct btf_type *t, bool whole, int depth)
{
	const struct btf_member *m = btf_members(t);
	unsigned int count = whole ? btf_vlen(t) : 0;
	const char *name = name_of(r, t->name_off);
	int id, err = 0;

	for (unsigned int i = 0; i < count; i++) {
		id = copy_type(r, m[i].type, depth + 1);
		if (id < 0)
			return id;
	}
	id = btf_is_union(t) ? btf__add_union(r->out, name, t->size)
			     : btf__add_struct(r->out, name, t->size);
	for (unsigned int i = 0; i < count && id > 0 && !err; i++)
		err = btf__add_field(r->out, name_of(r, m[i].name_off),
				     copy_type(r, m[i].type, depth + 1),
				     btf_member_bit_offset(t, i), btf_member_bitfield_size(t, i));
	return err < 0 ? err : id;
}

/* Values are asked for by name, of an enumeration that has one. */
static int copy_enum(struct reader *r, const struct btf_type *t, bool whole)
{
	const struct btf_enum *e = btf_enum(t);
	int id = btf__add_enum(r->out, whole ? name_of(r, t->name_off) : NULL, t->size);
	int err = 0;

	for (unsigned int i = 0; i < btf_vlen(t) && whole && id > 0 && !err; i++)
		err = btf__add_enum_value(r->out, name_of(r, e[i].name_off), e[i].val);
	return err < 0 ? err : id;
}

static int copy_array(struct reader *r, const struct btf_type *t, int depth)
{
	const struct btf_array *a = btf_array(t);
	int index = copy_type(r, a->index_type, depth + 1);
	int element = copy_type(r, a->type, depth + 1);

	if (index < 0 || element < 0)
		return index < 0 ? index : element;
	return btf__add_array(r->out, index, element, a->nelems);
}

/*
 * The id of a type's copy; 0 for void, -errno.  Named structs that nobody asked for become empty ones: no relocation reaches
 * into them, and what a pointer points to does not matter.
 */
static int copy_type(struct reader *r, uint32_t id, int depth)
{
	const struct btf_type *t = resolve(r, &id);
	int copy;

	if (!t)
		return 0;
	if (r->mapped[id])
		return (int)r->mapped[id];
	if (depth > MAX_DEPTH)
		return -EBADMSG;
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		copy = btf__add_int(r->out, name_of(r, t->name_off), t->size, btf_int_encoding(t));
		break;
	case BTF_KIND_PTR: copy = btf__add_ptr(r->out, 0); break;
	case BTF_KIND_ENUM: copy = copy_enum(r, t, is_wanted(r, id)); break;
	case BTF_KIND_ENUM64: copy = btf__add_enum64(r->out, NULL, t->size, false); break;
	case BTF_KIND_FLOAT: copy = btf__add_float(r->out, name_of(r, t->name_off), t->size); break;
	case BTF_KIND_ARRAY: copy = copy_array(r, t, depth); break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		copy = copy_composite(r, t, !t->name_off || is_wanted(r, id), depth);
		break;
	default: return 0;
	}
	if (copy > 0)
		r->mapped[id] = (uint32_t)copy;
	return copy;
}

int types_open(struct types *types)
{
	*types = (struct types){.fd = memfd_create("btf", MFD_CLOEXEC)};
	snprintf(types->path, sizeof(types->path), "/proc/self/fd/%d", types->fd);
	return types->fd < 0 ? -errno : 0;
}

int types_give(struct types *types, const void *btf, size_t size)
{
	return write(types->fd, btf, size) == (ssize_t)size ? 0 : -EIO;
}

static int write_out(const struct reader *r, struct types *types)
{
	uint32_t size;
	const void *raw = btf__raw_data(r->out, &size);

	return raw ? types_give(types, raw, size) : -ENOMEM;
}

int types_load(struct types *types, const char *path, const char *const *named,
	       const char *const *functions)
{
	struct reader r = {0};
	int err = read_file(&r, path ? path : KERNEL_BTF);

	types->functions = functions;
	if (!err)
		err = names_init(&r.named, named);
	if (!err)
		err = names_init(&r.functions, functions);
	if (!err)
		err = read_header(&r);
	if (!err)
		err = scan(&r, types->function);
	for (int i = 0; i < TYPES_FUNCTIONS && !err; i++) {
		if (types->function[i].id)
			count_parameters(&r, &types->function[i]);
	}
	if (!err) {
		r.out = btf__new_empty();
		err = r.out ? 0 : -ENOMEM;
	}
	for (size_t i = 0; i < r.wanted_count && !err; i++) {
		int id = copy_type(&r, r.wanted[i], 0);

		err = id < 0 ? id : 0;
	}
	if (!err)
		err = write_out(&r, types);
	btf__free(r.out);
	free(r.mapped);
	free(r.offset);
	if (r.mapped_file)
		munmap(r.data, r.size);
	else
		free(r.data);
	return err;
}

/* Shorter names are the programs' own. */
static const char *name_for_kernel(const struct btf *programs, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(programs, id);
	const char *name = btf__name_by_offset(programs, t->name_off);

	return (btf_is_struct(t) || btf_is_enum(t)) && name && strlen(name) > 2 ? name : NULL;
}

const char **types_named(const struct btf *programs)
{
	const uint32_t count = btf__type_cnt(programs);
	size_t bytes = 0, n = 0;
	const char **list, *name;
	char *text;

	for (uint32_t id = 1; id < count; id++) {
		name = name_for_kernel(programs, id);
		bytes += name ? strlen(name) + 1 : 0;
	}
	list = malloc(count * sizeof(*list) + bytes);
	if (!list)
		return NULL;
	text = (char *)&list[count];
	for (uint32_t id = 1; id < count; id++) {
		const char *flavor;

		name = name_for_kernel(programs, id);
		if (!name)
			continue;
		/* What is behind "___" tells apart definitions that a program has of one struct. */
		flavor = strstr(name + 1, "___");
		bytes = flavor ? (size_t)(flavor - name) : strlen(name);
		list[n++] = memcpy(text, name, bytes);
		text[bytes] = '\0';
		text += bytes + 1;
	}
	list[n] = NULL;
	return list;
}

const struct types_function *types_function(const struct types *types, const char *name)
{
	for (int i = 0; types->functions && types->functions[i]; i++) {
		if (strcmp(types->functions[i], name) == 0)
			return types->function[i].id ? &types->function[i] : NULL;
	}
	return NULL;
}

void types_done(struct types *types)
{
	if (types->fd >= 0)
		close(types->fd);
	types->fd = -1;
}
