/* Runs a command and counts what does not depend on the clock.
 *
 *   count FILE COMMAND [ARGUMENT ...]
 *
 * Writes one line to FILE: "exit N faults N syscalls N: NUMBER NUMBER ...", the numbers being the
 * system calls made after execve returned, in order. The command's own output goes where ours goes.
 *
 * With COUNT_SLOW_OPEN=MILLISECONDS in the environment, each opening of a file takes so long more: a slow disk.
 */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "call_number.h"

extern char **environ;

static int opens(long number)
{
#ifdef SYS_open
    if (number == SYS_open)
        return 1;
#endif
    return number == SYS_openat;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: count FILE COMMAND [ARGUMENT ...]\n");
        return 2;
    }
    /* First untraced, since tracing itself causes faults, and by posix_spawn, since a forked child
     * pays for our pages before it becomes the command. */
    pid_t child = -1;
    if (posix_spawn(&child, argv[2], NULL, NULL, argv + 2, environ) != 0)
        child = -1;
    int status = 0;
    struct rusage usage;
    if (child < 0 || wait4(child, &status, 0, &usage) != child) {
        perror("count");
        return 2;
    }
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);

    FILE *report = fopen(argv[1], "w");
    if (!report) {
        perror(argv[1]);
        return 2;
    }
    child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        freopen("/dev/null", "w", stdout);
        execv(argv[2], argv + 2);
        _exit(127);
    }
    const char *slow = getenv("COUNT_SLOW_OPEN");
    useconds_t pause = slow ? (useconds_t)atoi(slow) * 1000 : 0;
    long calls[4096];
    int count = 0, entering = 1;
    waitpid(child, &status, 0);                       /* stopped by execve */
    ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
    for (;;) {
        if (ptrace(PTRACE_SYSCALL, child, NULL, NULL) == -1 || waitpid(child, &status, 0) == -1)
            break;
        if (WIFEXITED(status) || WIFSIGNALED(status))
            break;
        if (WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80)) {
            if (entering && count < 4096)
                calls[count++] = call_number(child);
            if (entering && pause && opens(call_number(child)))
                usleep(pause);
            entering = !entering;
        }
    }
    fprintf(report, "exit %d faults %ld syscalls %d:", code, usage.ru_minflt, count);
    for (int i = 0; i < count; i++)
        fprintf(report, " %ld", calls[i]);
    fprintf(report, "\n");
    return fclose(report) == 0 ? 0 : 2;
}
