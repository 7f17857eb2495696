// SPDX-License-Identifier: GPL-2.0-only
/* Rings are files as the kernel lays them out (kernel/bpf/ringbuf.c): a page each for who reads and who writes, then the records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../src/kernel/intake.h"

#define RING_BYTES 4096

struct ring {
	int fd;
	size_t page;
	uint8_t *memory;
};

static struct {
	struct ring ring[INTAKE_LANES];
	struct intake *intake;
	uint32_t asleep;
} at;

static uint64_t *written(struct ring *r)
{
	return (uint64_t *)(r->memory + r->page);
}

/* What a program begins and ends; returns the head. */
static uint32_t *begin_record(struct ring *r, uint64_t content)
{
	uint8_t *head = r->memory + 2 * r->page + *written(r);

	*(uint32_t *)head = (uint32_t)sizeof(content) | BPF_RINGBUF_BUSY_BIT;
	memcpy(head + BPF_RINGBUF_HDR_SZ, &content, sizeof(content));
	__atomic_store_n(written(r), *written(r) + BPF_RINGBUF_HDR_SZ + sizeof(content),
			 __ATOMIC_RELEASE);
	return (uint32_t *)head;
}

static void end_record(uint32_t *head)
{
	__atomic_store_n(head, *head & ~BPF_RINGBUF_BUSY_BIT, __ATOMIC_RELEASE);
}

/* What lane 0 has next; 0: nothing. */
static uint64_t take(void)
{
	uint64_t content;
	size_t size;
	const void *data = intake_peek(at.intake, 0, &size);

	if (!data)
		return 0;
	assert_int_equal(size, sizeof(content));
	memcpy(&content, data, sizeof(content));
	intake_drop(at.intake, 0);
	return content;
}

static int setup(void **state)
{
	struct intake_source sources[INTAKE_LANES] = {0};

	(void)state;
	for (int i = 0; i < INTAKE_LANES; i++) {
		struct ring *r = &at.ring[i];

		r->page = (size_t)sysconf(_SC_PAGESIZE);
		r->fd = memfd_create("ring", MFD_CLOEXEC);
		if (r->fd < 0 || ftruncate(r->fd, (off_t)(2 * r->page + RING_BYTES)) < 0)
			return -1;
		r->memory = mmap(NULL, 2 * r->page + RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
				 r->fd, 0);
		if (r->memory == MAP_FAILED)
			return -1;
		sources[i] = (struct intake_source){
			.ring_fd = r->fd, .ring_bytes = RING_BYTES, .limit = INTAKE_LEAST};
	}
	at.intake = intake_open(sources, &at.asleep);
	return at.intake ? intake_start(at.intake) : -1;
}

static int teardown(void **state)
{
	(void)state;
	intake_close(at.intake);
	for (int i = 0; i < INTAKE_LANES; i++) {
		munmap(at.ring[i].memory, 2 * at.ring[i].page + RING_BYTES);
		close(at.ring[i].fd);
	}
	return 0;
}

static void test_what_has_ended_is_moved(void **state)
{
	(void)state;
	assert_true(intake_move(at.intake));
	end_record(begin_record(&at.ring[0], 1));
	end_record(begin_record(&at.ring[0], 2));
	assert_true(intake_move(at.intake));
	assert_int_equal(take(), 1);
	assert_int_equal(take(), 2);
	assert_int_equal(take(), 0);
}

/* Who ends then would lose what another processor has told long ago. */
static void test_a_record_that_is_written_holds_back_those_behind(void **state)
{
	uint32_t *interrupted;

	(void)state;
	end_record(begin_record(&at.ring[0], 1));
	interrupted = begin_record(&at.ring[0], 2);
	end_record(begin_record(&at.ring[0], 3));
	assert_false(intake_move(at.intake));
	assert_int_equal(take(), 1);
	assert_int_equal(take(), 0);
	assert_false(intake_move(at.intake));
	end_record(interrupted);
	assert_true(intake_move(at.intake));
	assert_int_equal(take(), 2);
	assert_int_equal(take(), 3);
}

static void test_a_record_of_the_other_ring_does_too(void **state)
{
	uint32_t *interrupted;

	(void)state;
	interrupted = begin_record(&at.ring[1], 2);
	assert_false(intake_move(at.intake));
	end_record(interrupted);
	assert_true(intake_move(at.intake));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_has_ended_is_moved),
		TEST(test_a_record_that_is_written_holds_back_those_behind),
		TEST(test_a_record_of_the_other_ring_does_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
