/*
** Memory for SQLite.
**
** A process answers one question and ends, so what its memory costs is what the kernel is asked for: musl's
** allocator maps and unmaps a few kilobytes at a time, some forty times for a status, which takes longer than all
** of SQLite's own work. Here it is one piece of zeros that the program has from its start; pages that are not
** touched cost nothing. What is given back is kept by its size for the next of that size. Where the piece is used
** up, as by a large import, the C library's allocator takes over.
**
** A block is preceded by its size, which SQLite asks for.
*/
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>

#define POOL (1024 * 1024)
#define HEAD 8
/* Sizes up to FINE are told apart by STEP bytes; above, each power of two has four. */
#define STEP 16
#define FINE 1024
#define FINE_CLASSES (FINE / STEP)
#define COARSE_CLASSES 32
#define LARGEST (FINE << COARSE_CLASSES / 4)

static union { unsigned char bytes[POOL]; uint64_t aligned; } pool;
static size_t used;
/* Blocks that were given back; the first bytes of each name the next. */
static void *given_back[FINE_CLASSES + COARSE_CLASSES];
static sqlite3_mutex *mutex;

/* The class of a size from 1 to LARGEST, and the size of all its blocks. */
static int class_of(size_t bytes, size_t *whole) {
  size_t top = FINE, step;
  int class = FINE_CLASSES;
  if (bytes <= FINE) {
    class = (int)((bytes - 1) / STEP);
    *whole = ((size_t)class + 1) * STEP;
    return class;
  }
  while (bytes > 2 * top) top *= 2, class += 4;
  step = (bytes - top + top / 4 - 1) / (top / 4);
  *whole = top + step * (top / 4);
  return class + (int)step - 1;
}

static int is_pooled(const void *block) {
  return (uintptr_t)block - (uintptr_t)pool.bytes < POOL;
}

static size_t size_of(const void *block) {
  uint64_t bytes;
  memcpy(&bytes, (const unsigned char *)block - HEAD, HEAD);
  return (size_t)bytes;
}

static void *headed(void *start, size_t bytes) {
  uint64_t head = bytes;
  memcpy(start, &head, HEAD);
  return (unsigned char *)start + HEAD;
}

static void *take(int bytes) {
  size_t whole = (size_t)bytes;
  void *block = 0;
  if (bytes <= 0) return 0;
  if (whole <= LARGEST) {
    int class = class_of(whole, &whole);
    sqlite3_mutex_enter(mutex);
    if (given_back[class]) {
      block = given_back[class];
      memcpy(&given_back[class], block, sizeof block);
    } else if (HEAD + whole <= POOL - used) {
      block = headed(pool.bytes + used, whole);
      used += HEAD + whole;
    }
    sqlite3_mutex_leave(mutex);
  }
  if (!block) {
    void *start = malloc(HEAD + whole);
    if (start) block = headed(start, whole);
  }
  return block;
}

static void give_back(void *block) {
  size_t whole;
  int class;
  if (!block) return;
  if (!is_pooled(block)) {
    free((unsigned char *)block - HEAD);
    return;
  }
  class = class_of(size_of(block), &whole);
  sqlite3_mutex_enter(mutex);
  memcpy(block, &given_back[class], sizeof block);
  given_back[class] = block;
  sqlite3_mutex_leave(mutex);
}

static void *resize(void *block, int bytes) {
  size_t before = size_of(block);
  void *other;
  if ((size_t)bytes <= before) return block;
  other = take(bytes);
  if (!other) return 0;
  memcpy(other, block, before);
  give_back(block);
  return other;
}

static int size(void *block) { return block ? (int)size_of(block) : 0; }

static int rounded(int bytes) {
  size_t whole = (size_t)bytes;
  if (bytes > 0 && whole <= LARGEST) (void)class_of(whole, &whole);
  return (int)whole;
}

/* Static mutexes may be asked for while SQLite starts. */
static int start(void *unused) {
  (void)unused;
  mutex = sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_APP2);
  return SQLITE_OK;
}

static void end(void *unused) { (void)unused; }

/* SQLite takes no other memory once it has started, and it starts with the first connection. */
__attribute__((constructor)) static void ohfp_memory(void) {
  static const sqlite3_mem_methods methods = {take, give_back, resize, size, rounded, start, end, 0};
  (void)sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}
