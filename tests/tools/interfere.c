/* Runs a command and cuts a file short at a chosen moment of it.
 *
 *   interfere before|after NUMBER FILE LENGTH COMMAND [ARGUMENT ...]
 *
 * The moment is before or after the command's first system call of this NUMBER. Exits as the command does;
 * with 99 when there was no such call.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "call_number.h"

int main(int argc, char **argv)
{
    if (argc < 6) {
        fprintf(stderr, "usage: interfere before|after NUMBER FILE LENGTH COMMAND [ARGUMENT ...]\n");
        return 98;
    }
    int after = strcmp(argv[1], "after") == 0, done = 0, entering = 1, status = 0;
    long number = atol(argv[2]);
    pid_t child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        execv(argv[5], argv + 5);
        _exit(127);
    }
    waitpid(child, &status, 0);                       /* stopped by execve */
    ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
    long deliver = 0;
    for (;;) {
        if (ptrace(done ? PTRACE_CONT : PTRACE_SYSCALL, child, NULL, (void *)deliver) == -1)
            break;
        if (waitpid(child, &status, 0) == -1 || WIFEXITED(status) || WIFSIGNALED(status))
            break;
        deliver = 0;
        if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
            if (entering != after && call_number(child) == number) {
                if (truncate(argv[3], atol(argv[4])) != 0) {
                    perror(argv[3]);
                    return 98;
                }
                done = 1;
            }
            entering = !entering;
        } else if (WSTOPSIG(status) != SIGTRAP) {
            deliver = WSTOPSIG(status);
        }
    }
    if (!done)
        return 99;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
