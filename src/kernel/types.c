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
#define MAX_WANTED  256

struct reader {
	char *data;
	size_t size;
	bool mapped_file; /* `data` is a mapping, else from malloc() */
	const char *types, *types_end, *strings;
	size_t strings_len;
	uint32_t *offset; /* of each type id; id 0 is void */
	uint32_t *mapped; /* of each type id: its id in `out`, 0 not there */
	uint32_t count, cap;
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

/* Bytes behind struct btf_type; -1 for a kind that is not known. */
static long extra_of(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG: return 4;
	case BTF_KIND_ARRAY: return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION: return btf_vlen(t) * (long)sizeof(struct btf_member);
	case BTF_KIND_ENUM: return btf_vlen(t) * (long)sizeof(struct btf_enum);
	case BTF_KIND_ENUM64: return btf_vlen(t) * 12L;
	case BTF_KIND_FUNC_PROTO: return btf_vlen(t) * (long)sizeof(struct btf_param);
	case BTF_KIND_DATASEC: return btf_vlen(t) * (long)sizeof(struct btf_var_secinfo);
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG: return 0;
	}
	return -1;
}

static int index_of(const char *const *names, const char *name)
{
	for (int i = 0; names[i]; i++) {
		if (names[i][0] == name[0] && strcmp(names[i], name) == 0)
			return i;
	}
	return -1;
}

static void note_type(struct reader *r, const struct btf_type *t, const char *const *structs,
		      const char *const *functions, uint32_t *ret_ids)
{
	unsigned int kind = btf_kind(t);
	int i;

	if (kind == BTF_KIND_STRUCT && t->name_off && r->wanted_count < MAX_WANTED &&
	    index_of(structs, name_of(r, t->name_off)) >= 0)
		r->wanted[r->wanted_count++] = r->count;
	if (kind != BTF_KIND_FUNC)
		return;
	i = index_of(functions, name_of(r, t->name_off));
	if (i >= 0 && i < TYPES_FUNCTIONS && !ret_ids[i])
		ret_ids[i] = r->count;
}

static bool grow(struct reader *r)
{
	uint32_t *grown;

	if (r->count < r->cap)
		return true;
	r->cap = r->cap ? r->cap * 2 : 1u << 18;
	grown = realloc(r->offset, r->cap * sizeof(*grown));
	if (grown)
		r->offset = grown;
	return grown != NULL;
}

static int scan(struct reader *r, const char *const *structs, const char *const *functions,
		uint32_t *ret_ids)
{
	const char *p = r->types;

	for (r->count = 1; p + sizeof(struct btf_type) <= r->types_end; r->count++) {
		const struct btf_type *t = (const struct btf_type *)p;
		long extra = extra_of(t);

		if (extra < 0 || r->types_end - p - (long)sizeof(*t) < extra)
			return -EBADMSG;
		if (!grow(r))
			return -ENOMEM;
		r->offset[r->count] = (uint32_t)(p - r->types);
		note_type(r, t, structs, functions, ret_ids);
		p += sizeof(*t) + (size_t)extra;
	}
	r->mapped = calloc(r->count, sizeof(*r->mapped));
	return r->mapped ? 0 : -ENOMEM;
}

/* Behind typedefs and qualifiers; NULL for void and for what is broken. */
static const struct btf_type *resolve(const struct reader *r, uint32_t *id)
{
	for (int i = 0; i<MAX_RESOLVE && * id> 0 && *id < r->count; i++) {
		const struct btf_type *t = (const struct btf_type *)(r->types + r->offset[*id]);

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
	case BTF_KIND_ENUM: copy = btf__add_enum(r->out, NULL, t->size); break;
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

static int write_out(const struct reader *r, struct types *types)
{
	uint32_t size;
	const char *raw = btf__raw_data(r->out, &size);

	if (!raw)
		return -ENOMEM;
	types->fd = memfd_create("btf", MFD_CLOEXEC);
	if (types->fd < 0)
		return -errno;
	if (write(types->fd, raw, size) != (ssize_t)size) {
		close(types->fd);
		return -EIO;
	}
	snprintf(types->path, sizeof(types->path), "/proc/self/fd/%d", types->fd);
	return 0;
}

int types_load(struct types *types, const char *path, const char *const *structs,
	       const char *const *functions)
{
	struct reader r = {0};
	int err = read_file(&r, path ? path : KERNEL_BTF);

	*types = (struct types){.fd = -1};
	if (!err)
		err = read_header(&r);
	if (!err)
		err = scan(&r, structs, functions, types->function_id);
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

void types_done(struct types *types)
{
	if (types->fd >= 0)
		close(types->fd);
	types->fd = -1;
}
