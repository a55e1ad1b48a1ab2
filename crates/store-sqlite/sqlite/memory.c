/*
** Memory allocator for SQLite.
**
** Each question is a process of its own, so what memory costs is mostly system calls and page faults. musl's
** allocator maps and unmaps a few kilobytes at a time: forty calls for the status of one machine, over a hundred for
** a request, and most of them are followed by a fault. Here memory comes from a pool in the program's zero-initialized data; pages that are not
** touched cost nothing. A freed block is kept in the list of its size class. Once the pool is exhausted, as by a
** large import, malloc takes over.
**
** A block is preceded by its usable size, which SQLite asks for.
*/
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>

#define POOL (1024 * 1024)
#define HEADER 8
/* Size classes are STEP bytes apart up to FINE; above, there are four for each power of two. */
#define STEP 16
#define FINE 1024
#define FINE_CLASSES (FINE / STEP)
#define COARSE_CLASSES 32
/* Larger blocks are malloc's. */
#define LARGEST (FINE << COARSE_CLASSES / 4)

static union { unsigned char bytes[POOL]; uint64_t aligned; } pool;
static size_t used;
/* Free blocks by class; each begins with a pointer to the next. */
static void *free_blocks[FINE_CLASSES + COARSE_CLASSES];
static char locked;

/* A spinlock: few processes have a second thread, and the lock is held for a dozen instructions. */
static void lock(void) {
  while (__atomic_test_and_set(&locked, __ATOMIC_ACQUIRE)) sched_yield();
}

static void unlock(void) { __atomic_clear(&locked, __ATOMIC_RELEASE); }

/* The class of a size from 1 to LARGEST, and the usable size of its blocks. */
static int class_of(size_t bytes, size_t *usable) {
  size_t power = FINE, quarters;
  int class = FINE_CLASSES;
  if (bytes <= FINE) {
    class = (int)((bytes - 1) / STEP);
    *usable = ((size_t)class + 1) * STEP;
    return class;
  }
  while (bytes > 2 * power) power *= 2, class += 4;
  quarters = (bytes - power + power / 4 - 1) / (power / 4);
  *usable = power + quarters * (power / 4);
  return class + (int)quarters - 1;
}

/* The usable size of a block that is malloc's: SQLite keeps to multiples of 8. */
static size_t large(size_t bytes) { return (bytes + 7) & ~(size_t)7; }

static int is_pooled(const void *block) {
  return (uintptr_t)block - (uintptr_t)pool.bytes < POOL;
}

static size_t usable_size(const void *block) {
  uint64_t bytes;
  memcpy(&bytes, (const unsigned char *)block - HEADER, HEADER);
  return (size_t)bytes;
}

static void *with_header(void *start, size_t usable) {
  uint64_t header = usable;
  memcpy(start, &header, HEADER);
  return (unsigned char *)start + HEADER;
}

static void *allocate(int bytes) {
  size_t usable = (size_t)bytes;
  void *block = 0;
  if (bytes <= 0) return 0;
  if (usable <= LARGEST) {
    int class = class_of(usable, &usable);
    lock();
    if (free_blocks[class]) {
      block = free_blocks[class];
      memcpy(&free_blocks[class], block, sizeof block);
    } else if (HEADER + usable <= POOL - used) {
      block = with_header(pool.bytes + used, usable);
      used += HEADER + usable;
    }
    unlock();
  }
  if (!block) {
    void *start;
    usable = large(usable);
    start = malloc(HEADER + usable);
    if (start) block = with_header(start, usable);
  }
  return block;
}

static void release(void *block) {
  size_t usable;
  int class;
  if (!block) return;
  if (!is_pooled(block)) {
    free((unsigned char *)block - HEADER);
    return;
  }
  class = class_of(usable_size(block), &usable);
  lock();
  memcpy(block, &free_blocks[class], sizeof block);
  free_blocks[class] = block;
  unlock();
}

static void *reallocate(void *block, int bytes) {
  size_t before = usable_size(block);
  void *larger;
  if ((size_t)bytes <= before) return block;
  larger = allocate(bytes);
  if (!larger) return 0;
  memcpy(larger, block, before);
  release(block);
  return larger;
}

static int size(void *block) { return block ? (int)usable_size(block) : 0; }

static int round_up(int bytes) {
  size_t usable = large((size_t)bytes);
  if (bytes > 0 && usable <= LARGEST) (void)class_of(usable, &usable);
  return (int)usable;
}

static int initialize(void *unused) {
  (void)unused;
  return SQLITE_OK;
}

static void shut_down(void *unused) { (void)unused; }

/* SQLite accepts another allocator only before it initializes itself, which is at the first connection. */
__attribute__((constructor)) static void ohfp_memory(void) {
  static const sqlite3_mem_methods methods = {
      allocate, release, reallocate, size, round_up, initialize, shut_down, 0};
  (void)sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}
