/* Runs a command and notes the threads and processes that it makes, and where each of them connects to.
 *
 *   reached FILE COMMAND [ARGUMENT ...]
 *
 * Writes a line to FILE for each: "thread", "process", or the address, "127.0.0.1:80", "[::1]:80" or "path /run/x"; then
 * "peak N", the largest resident set in KiB. Ends with the command's exit code.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "call_number.h"

#define MOST 4096

/* The second argument of the call that a process has been stopped at. */
static unsigned long second_argument(pid_t child)
{
    struct user_regs_struct registers;
    struct iovec vector = { &registers, sizeof registers };
    if (ptrace(PTRACE_GETREGSET, child, (void *)NT_PRSTATUS, &vector) == -1)
        return 0;
#if defined(__x86_64__)
    return registers.rsi;
#elif defined(__aarch64__)
    return registers.regs[1];
#endif
}

static void note_address(FILE *report, pid_t child)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
        long words[16];
    } address;
    unsigned long at = second_argument(child);
    memset(&address, 0, sizeof address);
    for (unsigned i = 0; i < sizeof address.words / sizeof *address.words; i++) {
        errno = 0;
        long word = ptrace(PTRACE_PEEKDATA, child, (void *)(at + i * sizeof word), NULL);
        if (errno != 0)
            break;
        address.words[i] = word;
    }
    char text[INET6_ADDRSTRLEN] = "";
    if (address.any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &address.v4.sin_addr, text, sizeof text);
        fprintf(report, "%s:%d\n", text, ntohs(address.v4.sin_port));
    } else if (address.any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &address.v6.sin6_addr, text, sizeof text);
        fprintf(report, "[%s]:%d\n", text, ntohs(address.v6.sin6_port));
    } else if (address.any.sa_family == AF_UNIX) {
        fprintf(report, "path %.100s\n", address.local.sun_path);
    }
}

/* Who is inside a system call. */
static pid_t inside[MOST];

static int toggled(pid_t child)
{
    int free = -1;
    for (int i = 0; i < MOST; i++) {
        if (inside[i] == child) {
            inside[i] = 0;
            return 0;
        }
        if (inside[i] == 0 && free < 0)
            free = i;
    }
    if (free >= 0)
        inside[free] = child;
    return 1;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: reached FILE COMMAND [ARGUMENT ...]\n");
        return 2;
    }
    FILE *report = fopen(argv[1], "we");
    if (!report) {
        perror(argv[1]);
        return 2;
    }
    pid_t first = fork();
    if (first == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        execv(argv[2], argv + 2);
        _exit(127);
    }
    int status = 0, code = 2;
    struct rusage usage;
    memset(&usage, 0, sizeof usage);
    if (waitpid(first, &status, 0) != first || !WIFSTOPPED(status)) {
        fprintf(stderr, "this machine does not allow tracing\n");
        return 2;
    }
    ptrace(PTRACE_SETOPTIONS, first, NULL,
           (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK
                    | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC));
    ptrace(PTRACE_SYSCALL, first, NULL, NULL);
    for (;;) {
        struct rusage its;
        pid_t child = wait4(-1, &status, __WALL, &its);
        if (child == -1)
            break;
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            if (child == first) {
                code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
                usage = its;
            }
            continue;
        }
        int signal = WSTOPSIG(status), event = status >> 16;
        if (signal == (SIGTRAP | 0x80)) {
            if (toggled(child) && call_number(child) == SYS_connect)
                note_address(report, child);
            signal = 0;
        } else if (signal == SIGTRAP) {
            if (event == PTRACE_EVENT_CLONE)
                fprintf(report, "thread\n");
            else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK)
                fprintf(report, "process\n");
            signal = 0;
        } else if (signal == SIGSTOP) {
            signal = 0; /* how a new thread begins */
        }
        ptrace(PTRACE_SYSCALL, child, NULL, (void *)(long)signal);
    }
    fprintf(report, "peak %ld\n", usage.ru_maxrss);
    return fclose(report) == 0 ? code : 2;
}
