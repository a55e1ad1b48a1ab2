/*
** Page checksums of the state store.
**
** SQLite detects damage of a page only where it breaks the structure of a tree. A flipped bit in a cell, or a
** page that the disk returned in place of another, is read like any other content. So each page of a state
** store ends in a checksum of its number and its content, in bytes that SQLite's file format reserves for such
** uses: every other program reads these files as before.
**
** SQLite's default VFS is replaced by itself with a few methods changed: a page of a main database gets its
** checksum when it is written, and is compared with it when it is read. The write-ahead log has checksums of
** its own. Both together cost one XXH64 for each page that is read from the file, 0.3 microseconds.
**
** What another program wrote has no checksum:
**
**  - It checkpoints pages from the log that we wrote. These end in a mark (or in zeros, where SQLite made the
**    page in memory) and are read unchecked until we write them again. Thus inspecting a state store with the
**    command line of SQLite does not harm it.
**  - It changes pages. They end in the checksum of the content before, and are refused as damaged.
**
** Compiled with -DSQLITE_EXTRA_INIT=ohfp_page_checksums, which makes sqlite3_initialize() call the function at
** the end of this file. SCHEMA_VERSION is that of src/schema.rs.
*/
#include <stdint.h>
#include <string.h>
#include <sqlite3.h>

#define PAGE 4096
#define SUM 8
#define CONTENT (PAGE - SUM)
#define SECTOR 512

/* Offsets in the first page, by SQLite's file format. */
#define RESERVED 20
#define USER_VERSION 60
#define APPLICATION_ID 68

#define OURS 0x6f686670u /* "ohfp", as in src/schema.rs */

/* What is known of a main database; it is kept behind the structure of the VFS below. */
enum { PLAIN = 1, SUMMED = 2 };

static sqlite3_vfs *below;
static const sqlite3_io_methods *methods_below;
static sqlite3_io_methods methods;
static sqlite3_vfs vfs;

static unsigned char *state(sqlite3_file *file) {
  return (unsigned char *)file + below->szOsFile;
}

static uint32_t big_endian(const unsigned char *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint64_t word(const unsigned char *at) {
  uint64_t value;
  memcpy(&value, at, 8);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  value = __builtin_bswap64(value);
#endif
  return value;
}

#define P1 0x9E3779B185EBCA87ull
#define P2 0xC2B2AE3D27D4EB4Full
#define P3 0x165667B19E3779F9ull
#define P4 0x85EBCA77C2B2AE63ull

static uint64_t rotated(uint64_t value, int by) { return value << by | value >> (64 - by); }
static uint64_t round_of(uint64_t lane, uint64_t input) { return rotated(lane + input * P2, 31) * P1; }
static uint64_t merged(uint64_t sum, uint64_t lane) { return (sum ^ round_of(0, lane)) * P1 + P4; }

/* XXH64 of the content with the page number as its seed. */
static uint64_t checksum(const unsigned char *page, uint64_t number) {
  uint64_t a = number + P1 + P2, b = number + P2, c = number, d = number - P1, sum;
  const unsigned char *at = page, *end = page + CONTENT;
  for (; end - at >= 32; at += 32) {
    a = round_of(a, word(at));
    b = round_of(b, word(at + 8));
    c = round_of(c, word(at + 16));
    d = round_of(d, word(at + 24));
  }
  sum = rotated(a, 1) + rotated(b, 7) + rotated(c, 12) + rotated(d, 18);
  sum = merged(merged(merged(merged(sum, a), b), c), d) + CONTENT;
  for (; at < end; at += 8) sum = rotated(sum ^ round_of(0, word(at)), 27) * P1 + P4;
  sum = (sum ^ sum >> 33) * P2;
  sum = (sum ^ sum >> 29) * P3;
  return sum ^ sum >> 32;
}

/* What a page ends in while it is in memory and in the log. */
static uint64_t mark(uint64_t number) { return 0x6d656d6f72790000ull ^ number * P1; }

static void put(unsigned char *page, uint64_t value) {
  int byte;
  for (byte = 0; byte < SUM; byte++) page[CONTENT + byte] = (unsigned char)(value >> 8 * byte);
}

static int all_zero(const unsigned char *from, int length) {
  while (length > 0 && from[length - 1] == 0) length--;
  return length == 0;
}

/* Whether the page is as it was written, as far as can be told. */
static int is_sound(const unsigned char *page, uint64_t number) {
  uint64_t found = word(page + CONTENT);
  if (found == checksum(page, number) || found == mark(number)) return 1;
  /* Made in memory and carried over by another program. A sector that was lost looks the same but for its
  ** other bytes. */
  return found == 0 && !all_zero(page + PAGE - SECTOR, SECTOR);
}

/* Decides by the beginning of a database whether its pages have checksums. A store that was made before there
** were any has none; one whose header has just lost that it has them is damaged. */
static int judge(sqlite3_file *file, const unsigned char *header) {
  unsigned char page[PAGE];
  /* What is no database is SQLite's to refuse, by its first page. */
  int has_sums = memcmp(header, "SQLite format 3", 16) != 0 || header[RESERVED] == SUM;
  *state(file) = has_sums ? SUMMED : PLAIN;
  if (has_sums || big_endian(header + APPLICATION_ID) != OURS) return SQLITE_OK;
  if (methods_below->xRead(file, page, PAGE, 0) != SQLITE_OK) return SQLITE_OK;
  page[RESERVED] = SUM;
  return word(page + CONTENT) == checksum(page, 1) ? SQLITE_IOERR_DATA : SQLITE_OK;
}

/* The first page of what is no database, or of a newer version, is judged by those who know better. */
static int is_others(const unsigned char *page) {
  return memcmp(page, "SQLite format 3", 16) != 0 ||
         (big_endian(page + APPLICATION_ID) == OURS && big_endian(page + USER_VERSION) > SCHEMA_VERSION);
}

static int read_checked(sqlite3_file *file, void *buffer, int amount, sqlite3_int64 offset) {
  unsigned char *page = buffer;
  int result = methods_below->xRead(file, buffer, amount, offset);
  uint64_t number = (uint64_t)offset / PAGE + 1;
  if (offset == 0 && amount == 100 && (result == SQLITE_OK || result == SQLITE_IOERR_SHORT_READ)) {
    sqlite3_int64 size = 0;
    if (result == SQLITE_IOERR_SHORT_READ && methods_below->xFileSize(file, &size) == SQLITE_OK && size == 0) {
      *state(file) = SUMMED; /* until the first page says otherwise */
      return result;
    }
    if (result == SQLITE_OK) result = judge(file, page);
    return result;
  }
  if (*state(file) != SUMMED || amount < SECTOR) return result;
  if (result == SQLITE_IOERR_SHORT_READ) {
    sqlite3_int64 size = 0;
    if (methods_below->xFileSize(file, &size) == SQLITE_OK && size == 0) return result;
  } else if (result != SQLITE_OK) {
    return result;
  }
  if (amount == PAGE && offset % PAGE == 0 && is_sound(page, number)) {
    put(page, mark(number));
    return SQLITE_OK;
  }
  if (offset == 0 && is_others(page)) return result;
  sqlite3_log(SQLITE_IOERR_DATA, "page %lld has a wrong checksum", (sqlite3_int64)number);
  return SQLITE_IOERR_DATA;
}

static int write_summed(sqlite3_file *file, const void *buffer, int amount, sqlite3_int64 offset) {
  unsigned char page[PAGE];
  uint64_t number = (uint64_t)offset / PAGE + 1;
  if (offset == 0 && amount >= 100) {
    const unsigned char *header = buffer;
    *state(file) = header[RESERVED] == SUM ? SUMMED : PLAIN;
  }
  if (*state(file) == SUMMED && amount == PAGE && offset % PAGE == 0) {
    memcpy(page, buffer, CONTENT);
    put(page, checksum(page, number));
    buffer = page;
  }
  return methods_below->xWrite(file, buffer, amount, offset);
}

/* A part of a page cannot be compared. */
static int characteristics(sqlite3_file *file) {
  return methods_below->xDeviceCharacteristics(file) & ~SQLITE_IOCAP_SUBPAGE_READ;
}

/* Nor can mapped memory: SQLite reads instead. */
static int fetch_nothing(sqlite3_file *file, sqlite3_int64 offset, int amount, void **at) {
  (void)file, (void)offset, (void)amount;
  *at = 0;
  return SQLITE_OK;
}

/* PRAGMA page_checksums: 1 where the pages of the database have them. */
static int control(sqlite3_file *file, int operation, void *argument) {
  char **words = argument;
  if (operation == SQLITE_FCNTL_PRAGMA && sqlite3_stricmp(words[1], "page_checksums") == 0) {
    words[0] = sqlite3_mprintf("%d", *state(file) == SUMMED);
    return SQLITE_OK;
  }
  return methods_below->xFileControl(file, operation, argument);
}

static int open_file(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags, int *opened) {
  sqlite3_mutex *mutex = sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_APP1);
  int result = below->xOpen(below, name, file, flags, opened);
  (void)self;
  if (result != SQLITE_OK || !(flags & SQLITE_OPEN_MAIN_DB)) return result;
  sqlite3_mutex_enter(mutex);
  if (!methods_below) {
    methods = *file->pMethods;
    methods.xRead = read_checked;
    methods.xWrite = write_summed;
    methods.xDeviceCharacteristics = characteristics;
    methods.xFetch = fetch_nothing;
    methods.xFileControl = control;
    methods_below = file->pMethods;
  }
  sqlite3_mutex_leave(mutex);
  /* Other ways of locking have other methods; none is chosen without being asked for. */
  if (file->pMethods != methods_below) {
    file->pMethods->xClose(file);
    file->pMethods = 0;
    return SQLITE_CANTOPEN;
  }
  *state(file) = 0;
  file->pMethods = &methods;
  return result;
}

/* New databases, and what VACUUM makes of others, get room for the checksum. */
static int reserve(sqlite3 *connection) {
  int bytes = SUM;
  sqlite3_vfs *used = 0;
  (void)sqlite3_file_control(connection, "main", SQLITE_FCNTL_VFS_POINTER, &used);
  if (used == &vfs) (void)sqlite3_file_control(connection, "main", SQLITE_FCNTL_RESERVE_BYTES, &bytes);
  return SQLITE_OK;
}

int ohfp_page_checksums(const char *unused) {
  int result;
  (void)unused;
  below = sqlite3_vfs_find(0);
  if (!below) return SQLITE_ERROR;
  vfs = *below;
  vfs.szOsFile = below->szOsFile + 1;
  vfs.zName = "ohfp";
  vfs.xOpen = open_file;
  result = sqlite3_vfs_register(&vfs, 1);
  return result == SQLITE_OK ? sqlite3_auto_extension((void (*)(void))reserve) : result;
}
