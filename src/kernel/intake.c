// SPDX-License-Identifier: GPL-2.0-only
#include "intake.h"

#include <errno.h>
#include <linux/bpf.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "units.h"
#include "wire_process.h"

/* Between two turns of the thread, by what the last one moved; after so many that moved nothing it sleeps. */
#define TURN_NS	     2000000
#define SLOW_TURN_NS 8000000
#define BUSY_BYTES   (64u << 10)
#define IDLE_TURNS   3
#define NICEST	     (-20)

/* Records in a turn, so that a ring which is filled as fast as it is read keeps nobody. */
#define MOVE_MAX 16384

#define CHUNK_BYTES (128u << 10)
#define SPARES	    2 /* chunks that a lane keeps for the next records */

struct record {
	uint64_t size; /* of what follows, in bytes; the next record begins at a multiple of 8 */
	uint8_t data[];
};
struct chunk {
	struct chunk *next;
	size_t end, read; /* in `room` */
	_Alignas(8) uint8_t room[];
};
#define CHUNK_ROOM (CHUNK_BYTES - sizeof(struct chunk))
_Static_assert(sizeof(struct record) + WIRE_PROCESS_MAX <= CHUNK_ROOM, "fits into any chunk");

struct list {
	struct chunk *first, *last;
};

/*
 * As the kernel lays it out (kernel/bpf/ringbuf.c): a page with the position of the reader, one with that of the writers, the
 * records, each behind a head of 8 bytes.  libbpf maps the records twice, so that none is cut by the end; all of it is resident.
 */
struct ring {
	volatile uint64_t *read;
	const volatile uint64_t *written;
	const uint8_t *data;
	size_t bytes, page;
};

struct lane {
	struct intake *in;
	struct intake_source source;
	struct ring ring;
	struct list moved; /* under the lock */
	struct list taken; /* the caller's */
	struct list
		spare; /* never empty where both others are: what waits is read without more memory */
	size_t spares;
	size_t waiting; /* bytes of both, with the heads */
};

struct intake {
	struct lane lane[INTAKE_LANES];
	volatile uint32_t *asleep;
	pthread_mutex_t lock;
	int wake, call; /* eventfds: for the caller, for the thread */
	bool waiting;	/* the caller waits for `wake` */
	bool started, stop;
	bool all;		  /* nothing was left in a ring at the last turn */
	uint64_t asked, answered; /* turns that the caller wants */
	pthread_cond_t answer;
	pthread_t thread;
	int policy, nice; /* of the caller before intake_raise(); policy -1: not changed */
	struct sched_param param;
	bool niced;
};

/* ---- chunks, under the lock ---- */

/* From the kernel and back to it: the heap would keep what is freed in its middle. */
static struct chunk *chunk_new(struct lane *lane)
{
	struct chunk *c = lane->spare.first;

	if (c) {
		lane->spare.first = c->next;
		lane->spares--;
	} else {
		c = mmap(NULL, CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			 0);
		if (c == MAP_FAILED)
			return NULL;
	}
	*c = (struct chunk){0};
	return c;
}

/* False where it is not kept. */
static bool chunk_keep(struct lane *lane, struct chunk *c)
{
	if (lane->spares == SPARES)
		return false;
	c->next = lane->spare.first;
	lane->spare.first = c;
	lane->spares++;
	return true;
}

static void set_waiting(struct lane *lane, size_t bytes)
{
	lane->waiting = bytes;
	if (lane->source.moved)
		*lane->source.moved = bytes;
}

static void append(struct list *list, struct chunk *first, struct chunk *last)
{
	if (list->last)
		list->last->next = first;
	else
		list->first = first;
	list->last = last;
}

static size_t record_bytes(size_t size)
{
	return sizeof(struct record) + ((size + 7) & ~(size_t)7);
}

/* Room for one more record; NULL where too much waits already, or no memory is left. */
static struct record *record_new(struct lane *lane, size_t size)
{
	struct chunk *c = lane->moved.last;
	struct record *r;

	if (!c || c->end + record_bytes(size) > CHUNK_ROOM) {
		c = lane->waiting < lane->source.limit ? chunk_new(lane) : NULL;
		if (!c)
			return NULL;
		append(&lane->moved, c, c);
	}
	r = (struct record *)(c->room + c->end);
	r->size = size;
	c->end += record_bytes(size);
	set_waiting(lane, lane->waiting + record_bytes(size));
	return r;
}

/* ---- moving, under the lock ---- */

static int ring_map(struct ring *r, int fd, size_t bytes)
{
	void *read, *rest;

	r->page = (size_t)sysconf(_SC_PAGESIZE);
	r->bytes = bytes;
	read = mmap(NULL, r->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (read == MAP_FAILED)
		return -errno;
	r->read = read;
	rest = mmap(NULL, r->page + bytes, PROT_READ, MAP_SHARED, fd, (off_t)r->page);
	if (rest == MAP_FAILED)
		return -errno;
	r->written = rest;
	r->data = (const uint8_t *)rest + r->page;
	return 0;
}

static void ring_unmap(struct ring *r)
{
	if (r->read)
		munmap((void *)(uintptr_t)r->read, r->page);
	if (r->written)
		munmap((void *)(uintptr_t)r->written, r->page + r->bytes);
}

static void ring_copy(const struct ring *r, uint64_t at, void *to, size_t size)
{
	size_t from = at & (r->bytes - 1), part = r->bytes - from;

	if (part > size)
		part = size;
	memcpy(to, r->data + from, part);
	memcpy((uint8_t *)to + part, r->data, size - part);
}

/*
 * Up to the first record that is still written, and MOVE_MAX of them; false where one is, or has no room, or more may be there.
 * Records stand in the order in which they were begun: a program that was interrupted in one holds back what is behind it.
 */
static bool move_ring(struct lane *lane, size_t *ret_bytes)
{
	struct ring *r = &lane->ring;
	uint64_t at = *r->read, end = __atomic_load_n(r->written, __ATOMIC_ACQUIRE);

	for (int i = 0; at < end && i < MOVE_MAX; i++) {
		const uint32_t *head = (const uint32_t *)(r->data + (at & (r->bytes - 1)));
		uint32_t word = __atomic_load_n(head, __ATOMIC_ACQUIRE);
		size_t size = word & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
		/* None is longer: who reads it sees that it is malformed. */
		size_t kept = size < WIRE_PROCESS_MAX ? size : WIRE_PROCESS_MAX;

		if (word & BPF_RINGBUF_BUSY_BIT)
			return false;
		if (!(word & BPF_RINGBUF_DISCARD_BIT)) {
			struct record *record = record_new(lane, kept);

			if (!record)
				return false;
			ring_copy(r, at + BPF_RINGBUF_HDR_SZ, record->data, kept);
			*ret_bytes += record_bytes(kept);
		}
		at += BPF_RINGBUF_HDR_SZ + ((size + 7) & ~(size_t)7);
		__atomic_store_n(r->read, at, __ATOMIC_RELEASE);
	}
	return at == end;
}

/*
 * The first ring before the second: whatever was in the second before a record of the first is there, too, when it is taken.
 * False where something is left in a ring.
 */
static bool move(struct intake *in, size_t *ret_bytes)
{
	bool all = true;

	*ret_bytes = 0;
	for (int i = 0; i < INTAKE_LANES; i++)
		all &= move_ring(&in->lane[i], ret_bytes);
	return all;
}

/* ---- the thread ---- */

/* Until the caller calls or `ns` have passed; 0: or a ring has something, true then. */
static bool rest(struct intake *in, uint64_t ns)
{
	struct pollfd fds[1 + INTAKE_LANES] = {{.fd = in->call, .events = POLLIN}};
	const struct timespec time = {.tv_sec = (time_t)(ns / NSEC_PER_SEC),
				      .tv_nsec = (long)(ns % NSEC_PER_SEC)};
	bool has = false;
	eventfd_t count;

	for (int i = 0; i < INTAKE_LANES; i++)
		fds[1 + i] = (struct pollfd){.fd = in->lane[i].source.ring_fd, .events = POLLIN};
	if (ns) {
		ppoll(fds, 1, &time, NULL);
	} else {
		/* A record that came before the flag makes poll() return at once, one after it wakes. */
		*in->asleep = 1;
		poll(fds, 1 + INTAKE_LANES, -1);
		*in->asleep = 0;
		for (int i = 0; i < INTAKE_LANES; i++)
			has |= fds[1 + i].revents;
	}
	eventfd_read(in->call, &count);
	return has;
}

/* The bytes it moved; -1 once it is to end. */
static ssize_t take_turn(struct intake *in)
{
	size_t bytes = 0;
	uint64_t asked;
	bool stop, wake;

	pthread_mutex_lock(&in->lock);
	stop = in->stop;
	asked = in->asked;
	in->all = move(in, &bytes);
	wake = in->waiting && bytes;
	if (wake)
		in->waiting = false;
	if (in->answered != asked) {
		in->answered = asked;
		pthread_cond_signal(&in->answer);
	}
	pthread_mutex_unlock(&in->lock);
	if (wake)
		eventfd_write(in->wake, 1);
	return stop ? -1 : (ssize_t)bytes;
}

static uint64_t time_used_ns(void)
{
	struct timespec used = {0};

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * NSEC_PER_SEC + (uint64_t)used.tv_nsec;
}

/*
 * What comes too late is lost.  Not a nice value alone, which counts among the processes of one session only (autogroup); where
 * neither is allowed the thread goes as fast as others.
 */
static void go_first(void)
{
	static const struct sched_param first = {.sched_priority = 1};

	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first) < 0)
		setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICEST);
}

static void *take_turns(void *ctx)
{
	struct intake *in = ctx;
	int idle = 0;

	go_first();
	for (;;) {
		uint64_t ns, used = time_used_ns();
		ssize_t bytes = take_turn(in);

		if (bytes < 0)
			return NULL;
		idle = bytes ? 0 : idle + 1;
		if (idle > IDLE_TURNS) {
			/* Where a ring has what cannot be moved, its program has not ended or its lane is full: not again at once. */
			idle = rest(in, 0) ? 0 : IDLE_TURNS;
			continue;
		}
		/*
		 * A host with one processor has half of it left.  Not all that a clock of processes says: where the host is
		 * a guest it counts the time without a processor, too, and the ring would fill meanwhile.
		 */
		ns = bytes > BUSY_BYTES ? TURN_NS : SLOW_TURN_NS;
		used = time_used_ns() - used;
		rest(in, used < ns ? ns : used < SLOW_TURN_NS ? used : SLOW_TURN_NS);
	}
}

/* ---- the caller ---- */

/* The thread moves, since the caller may have to wait for a processor with the lock in its hands. */
bool intake_move(struct intake *in)
{
	uint64_t want;
	bool all;

	pthread_mutex_lock(&in->lock);
	want = ++in->asked;
	pthread_mutex_unlock(&in->lock);
	eventfd_write(in->call, 1);
	pthread_mutex_lock(&in->lock);
	while (in->answered < want)
		pthread_cond_wait(&in->answer, &in->lock);
	all = in->all;
	for (int i = 0; i < INTAKE_LANES; i++) {
		struct lane *lane = &in->lane[i];

		if (!lane->moved.first || !lane->moved.first->end)
			continue;
		append(&lane->taken, lane->moved.first, lane->moved.last);
		lane->moved = (struct list){0};
	}
	pthread_mutex_unlock(&in->lock);
	return all;
}

const void *intake_peek(struct intake *in, int lane, size_t *ret_size)
{
	struct lane *l = &in->lane[lane];
	struct chunk *c;
	bool kept;

	while ((c = l->taken.first) && c->read == c->end) {
		l->taken.first = c->next;
		if (!c->next)
			l->taken.last = NULL;
		pthread_mutex_lock(&in->lock);
		set_waiting(l, l->waiting - c->end);
		kept = chunk_keep(l, c);
		pthread_mutex_unlock(&in->lock);
		if (!kept)
			munmap(c, CHUNK_BYTES);
	}
	if (!c)
		return NULL;
	*ret_size = ((struct record *)(c->room + c->read))->size;
	return c->room + c->read + sizeof(struct record);
}

void intake_drop(struct intake *in, int lane)
{
	struct chunk *c = in->lane[lane].taken.first;
	const struct record *r = (struct record *)(c->room + c->read);

	c->read += record_bytes(r->size);
}

void intake_wait(struct intake *in, int also_fd, int timeout_ms)
{
	struct pollfd fds[] = {{.fd = in->wake, .events = POLLIN},
			       {.fd = also_fd, .events = POLLIN}};
	eventfd_t count;
	bool is_there = false;

	pthread_mutex_lock(&in->lock);
	for (int i = 0; i < INTAKE_LANES; i++) {
		const struct lane *l = &in->lane[i];

		is_there |= l->taken.first || (l->moved.first && l->moved.first->end);
	}
	in->waiting = !is_there;
	pthread_mutex_unlock(&in->lock);
	if (is_there)
		return;
	poll(fds, 2, timeout_ms);
	pthread_mutex_lock(&in->lock);
	in->waiting = false;
	pthread_mutex_unlock(&in->lock);
	eventfd_read(in->wake, &count);
}

void intake_raise(struct intake *in)
{
	static const struct sched_param first = {.sched_priority = 1};

	in->policy = sched_getscheduler(0);
	if (in->policy < 0 || sched_getparam(0, &in->param) < 0 ||
	    sched_setscheduler(0, SCHED_FIFO, &first) < 0)
		in->policy = -1;
	errno = 0;
	in->nice = getpriority(PRIO_PROCESS, 0);
	in->niced = in->policy < 0 && !errno && setpriority(PRIO_PROCESS, 0, NICEST) == 0;
}

static void lower(struct intake *in)
{
	if (in->policy >= 0)
		sched_setscheduler(0, in->policy, &in->param);
	if (in->niced)
		setpriority(PRIO_PROCESS, 0, in->nice);
}

/* Signals are the caller's. */
int intake_start(struct intake *in)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&in->thread, NULL, take_turns, in);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	in->started = !err;
	lower(in);
	return -err;
}

static int open_lane(struct lane *lane)
{
	int err = ring_map(&lane->ring, lane->source.ring_fd, lane->source.ring_bytes);
	struct chunk *c;

	c = err ? NULL : chunk_new(lane);
	if (!c)
		return err ? err : -errno;
	chunk_keep(lane, c);
	return 0;
}

struct intake *intake_open(const struct intake_source sources[INTAKE_LANES],
			   volatile uint32_t *asleep)
{
	struct intake *in = calloc(1, sizeof(*in));
	int err = 0;

	if (!in)
		return NULL;
	pthread_mutex_init(&in->lock, NULL);
	pthread_cond_init(&in->answer, NULL);
	in->asleep = asleep;
	in->policy = -1;
	in->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	in->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (in->wake < 0 || in->call < 0)
		err = -errno;
	for (int i = 0; i < INTAKE_LANES && !err; i++) {
		in->lane[i].in = in;
		in->lane[i].source = sources[i];
		err = open_lane(&in->lane[i]);
	}
	if (!err)
		return in;
	intake_close(in);
	errno = -err;
	return NULL;
}

static void free_list(struct list *list)
{
	struct chunk *c;

	while ((c = list->first)) {
		list->first = c->next;
		munmap(c, CHUNK_BYTES);
	}
}

void intake_close(struct intake *in)
{
	if (!in)
		return;
	if (in->started) {
		pthread_mutex_lock(&in->lock);
		in->stop = true;
		pthread_mutex_unlock(&in->lock);
		eventfd_write(in->call, 1);
		pthread_join(in->thread, NULL);
	}
	for (int i = 0; i < INTAKE_LANES; i++) {
		ring_unmap(&in->lane[i].ring);
		free_list(&in->lane[i].moved);
		free_list(&in->lane[i].taken);
		free_list(&in->lane[i].spare);
	}
	if (in->wake >= 0)
		close(in->wake);
	if (in->call >= 0)
		close(in->call);
	pthread_cond_destroy(&in->answer);
	pthread_mutex_destroy(&in->lock);
	free(in);
}
