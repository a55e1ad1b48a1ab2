/* Times programs against each other.
 *
 *   spawn ROUNDS FILE
 *
 * Each line of FILE is a case, its parts separated by tabs: a name, "null" or "pipe" for where its
 * output goes, the program's path and its arguments. All get the environment of this process, and what
 * stands as NAME=VALUE before the program. A part ";" ends a command that comes before these: it runs
 * before each run of the case, and is not measured.
 *
 * In every round each case runs once, in an order that changes from round to round, so that slow
 * moments of the machine and what a neighbour leaves in its caches fall on all alike. A run is
 * posix_spawn, reading the pipe to its end, and wait. Then each case runs once more, traced: to
 * count its system calls and to learn its peak memory, which wait only reports for this process and
 * the program together, whichever is larger.
 *
 * Writes a line per case, separated by tabs:
 *   name  rounds  min  median  p90  faults  syscalls  peak  bytes  cpu  syncs
 * Times are microseconds; faults are minor faults, the median; syscalls are those after execve, or
 * -1 where tracing is not allowed; peak is the resident set in KiB, -1 likewise; bytes went through the pipe;
 * cpu is user and system time, the median; syncs are those system calls that wait for the disk, or -1.
 *
 * A program that fails, or whose output differs in length between runs, ends the measurement.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CASES = 64, MAX_PARTS = 64, WARM_UP = 3 };

struct one {
    char *name;
    int piped;
    char *argv[MAX_PARTS];
    char *prepare[MAX_PARTS];
    char **environment;
    double *microseconds, *faults, *cpu;
    long bytes, syscalls, peak, syncs;
};

static struct one cases[MAX_CASES];
static int count;
static int nowhere;

static void fail(const char *name, const char *what)
{
    fprintf(stderr, "spawn: %s: %s\n", name, what);
    exit(1);
}

static void check(const char *name, int status)
{
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "spawn: %s: ended with status %d\n", name, status);
        exit(1);
    }
}

static void check_length(struct one *one, long bytes)
{
    if (one->bytes >= 0 && one->bytes != bytes)
        fail(one->name, "wrote more or less than before");
    one->bytes = bytes;
}

static long drain(int from)
{
    static char buffer[1 << 16];
    long total = 0;
    for (;;) {
        ssize_t got = read(from, buffer, sizeof buffer);
        if (got > 0)
            total += got;
        else if (got == 0 || errno != EINTR)
            return total;
    }
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

/* What has to be done before a run. */
static void prepare(struct one *one)
{
    pid_t child;
    int status = 0;
    if (!one->prepare[0])
        return;
    if (posix_spawn(&child, one->prepare[0], NULL, NULL, one->prepare, environ) != 0)
        fail(one->name, "cannot be prepared");
    while (waitpid(child, &status, 0) == -1 && errno == EINTR)
        ;
    check(one->name, status);
}

static double microseconds(struct timeval time)
{
    return (double)time.tv_sec * 1e6 + (double)time.tv_usec;
}

/* One timed run. */
static void run(struct one *one, int round)
{
    prepare(one);
    int ends[2] = { -1, nowhere };
    if (one->piped && pipe2(ends, O_CLOEXEC) != 0)
        fail(one->name, "no pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, nowhere, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);

    pid_t child;
    int status = 0;
    long bytes = 0;
    struct rusage usage;
    double start = now();
    if (posix_spawn(&child, one->argv[0], &actions, NULL, one->argv, one->environment) != 0)
        fail(one->name, "cannot be started");
    if (one->piped) {
        close(ends[1]);
        bytes = drain(ends[0]);
    }
    while (wait4(child, &status, 0, &usage) == -1 && errno == EINTR)
        ;
    double end = now();

    posix_spawn_file_actions_destroy(&actions);
    if (one->piped)
        close(ends[0]);
    check(one->name, status);
    check_length(one, bytes);
    if (round >= 0) {
        one->microseconds[round] = end - start;
        one->faults[round] = (double)usage.ru_minflt;
        one->cpu[round] = microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
    }
}

/* The resident set of a stopped process, the largest it ever had, in KiB. For a small program the
 * kernel's high-water mark is late, but its memory only grows, so what it has now is the peak. */
static long resident(pid_t process)
{
    const char *files[] = { "status", "smaps_rollup" }, *keys[] = { "VmHWM: %ld", "Rss: %ld" };
    long peak = 0;
    for (int i = 0; i < 2; i++) {
        char path[64], line[256];
        snprintf(path, sizeof path, "/proc/%d/%s", (int)process, files[i]);
        FILE *file = fopen(path, "r");
        while (file && fgets(line, sizeof line, file)) {
            long value;
            if (sscanf(line, keys[i], &value) == 1 && value > peak)
                peak = value;
        }
        if (file)
            fclose(file);
    }
    return peak;
}

static void *drain_all(void *from)
{
    static long bytes;
    bytes = drain(*(int *)from);
    return &bytes;
}

/* A traced run with all descendants. Learns nothing where tracing is not allowed. */
static void traced(struct one *one)
{
    prepare(one);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        fail(one->name, "no pipe");
    pid_t child = fork();
    if (child == 0) {
        dup2(nowhere, 0);
        dup2(one->piped ? ends[1] : nowhere, 1);
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(126);
        execve(one->argv[0], one->argv, one->environment);
        _exit(127);
    }
    close(ends[1]);
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) {
        close(ends[0]);
        return;
    }
    pthread_t reader;
    if (pthread_create(&reader, NULL, drain_all, &ends[0]) != 0)
        fail(one->name, "no thread");

    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                   PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT;
    ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)options);
    ptrace(PTRACE_SYSCALL, child, NULL, NULL);
    long calls = 0, peak = 0, syncs = 0;
    for (;;) {
        pid_t process = waitpid(-1, &status, __WALL);
        if (process == -1 && errno == EINTR)
            continue;
        if (process == -1)
            break;
        if (!WIFSTOPPED(status)) {
            if (process == child)
                check(one->name, status);
            continue;
        }
        long signal = 0;
        if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
            struct __ptrace_syscall_info info;
            memset(&info, 0, sizeof info);
            ptrace(PTRACE_GET_SYSCALL_INFO, process, (void *)sizeof info, &info);
            if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
                calls++;
                syncs += info.entry.nr == SYS_fsync || info.entry.nr == SYS_fdatasync;
                /* The image that makes room for another is a peak too. */
                if (info.entry.nr == SYS_execve && resident(process) > peak)
                    peak = resident(process);
            }
        } else if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8)) {
            if (resident(process) > peak)
                peak = resident(process);
        } else if (status >> 16 == 0 && WSTOPSIG(status) != SIGSTOP && WSTOPSIG(status) != SIGTRAP) {
            signal = WSTOPSIG(status);
        }
        ptrace(PTRACE_SYSCALL, process, NULL, (void *)signal);
    }
    void *bytes;
    pthread_join(reader, &bytes);
    close(ends[0]);
    if (one->piped)
        check_length(one, *(long *)bytes);
    one->syscalls = calls;
    one->peak = peak;
    one->syncs = syncs;
}

/* Whether one of the first `count` variables has the name of this one. */
static int is_set(char **variables, int count, const char *variable)
{
    size_t name = strcspn(variable, "=") + 1;
    for (int i = 0; i < count; i++)
        if (strncmp(variables[i], variable, name) == 0)
            return 1;
    return 0;
}

/* Takes the command that prepares, the environment and the program apart. */
static void assign(struct one *one, char **parts)
{
    int end = 0, kept = 0, own = 0;
    for (int i = 0; parts[i]; i++)
        if (strcmp(parts[i], ";") == 0)
            end = i + 1;
    for (int i = 0; i + 1 < end; i++)
        one->prepare[i] = parts[i];
    parts += end;
    while (environ[kept])
        kept++;
    one->environment = calloc((size_t)kept + MAX_PARTS + 1, sizeof(char *));
    if (!one->environment)
        fail(one->name, "no memory");
    for (; *parts && strchr(*parts, '=') && **parts != '/'; parts++)
        one->environment[own++] = *parts;
    kept = own;
    for (char **variable = environ; *variable; variable++)
        if (!is_set(one->environment, own, *variable))
            one->environment[kept++] = *variable;
    if (!*parts)
        fail(one->name, "no program");
    for (int i = 0; parts[i]; i++)
        one->argv[i] = parts[i];
}

static void read_cases(const char *path, int rounds)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    if (!file)
        fail(path, "cannot be read");
    while (getline(&line, &room, file) > 0) {
        if (count == MAX_CASES)
            fail(path, "too many cases");
        struct one *one = &cases[count++];
        char *parts[MAX_PARTS + 2] = { NULL }, *rest = strdup(line);
        int found = 0;
        rest[strcspn(rest, "\n")] = '\0';
        for (char *part; (part = strsep(&rest, "\t"));) {
            if (found == MAX_PARTS + 1)
                fail(path, "too many parts");
            parts[found++] = part;
        }
        if (found < 3)
            fail(path, "a case has a name, an output and a program");
        one->name = parts[0];
        one->piped = strcmp(parts[1], "pipe") == 0;
        assign(one, parts + 2);
        one->microseconds = calloc((size_t)rounds, sizeof(double));
        one->faults = calloc((size_t)rounds, sizeof(double));
        one->cpu = calloc((size_t)rounds, sizeof(double));
        one->bytes = one->syscalls = one->peak = one->syncs = -1;
        if (!one->microseconds || !one->faults || !one->cpu)
            fail(path, "no memory");
    }
    free(line);
    fclose(file);
}

/* The same order every time the program runs, another in every round. */
static void shuffle(int *order)
{
    static unsigned state = 2463534242u;
    for (int i = count - 1; i > 0; i--) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        int j = (int)(state % (unsigned)(i + 1)), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

int main(int argc, char **argv)
{
    int rounds = argc == 3 ? atoi(argv[1]) : 0;
    if (rounds < 1) {
        fprintf(stderr, "usage: spawn ROUNDS FILE\n");
        return 2;
    }
    nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    read_cases(argv[2], rounds);
    int order[MAX_CASES];
    for (int i = 0; i < count; i++)
        order[i] = i;
    /* Slow programs need no warm-up beyond one run. */
    int warm_up = rounds > 20 ? WARM_UP : 1;
    for (int round = -warm_up; round < rounds; round++) {
        shuffle(order);
        for (int i = 0; i < count; i++)
            run(&cases[order[i]], round);
    }
    for (int i = 0; i < count; i++) {
        struct one *one = &cases[i];
        traced(one);
        qsort(one->microseconds, (size_t)rounds, sizeof(double), ascending);
        qsort(one->faults, (size_t)rounds, sizeof(double), ascending);
        qsort(one->cpu, (size_t)rounds, sizeof(double), ascending);
        printf("%s\t%d\t%.1f\t%.1f\t%.1f\t%.0f\t%ld\t%ld\t%ld\t%.0f\t%ld\n", one->name, rounds, one->microseconds[0],
               one->microseconds[rounds / 2], one->microseconds[rounds * 9 / 10], one->faults[rounds / 2],
               one->syscalls, one->peak, one->bytes, one->cpu[rounds / 2], one->syncs);
    }
    return 0;
}
