/* Runs a command on a terminal of its own and copies what appears there to standard output.
 *
 *   terminal DESCRIPTORS COMMAND [ARGUMENT ...]
 *
 * DESCRIPTORS is "1", "2" or "12": which of the command's descriptors are the terminal. The others
 * stay ours. Exits as the command does. The terminal changes no bytes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: terminal DESCRIPTORS COMMAND [ARGUMENT ...]\n");
        return 125;
    }
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) || unlockpt(master)) {
        perror("terminal");
        return 125;
    }
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    struct termios mode;
    if (slave < 0 || tcgetattr(slave, &mode)) {
        perror("terminal");
        return 125;
    }
    cfmakeraw(&mode);
    tcsetattr(slave, TCSANOW, &mode);

    pid_t child = fork();
    if (child == 0) {
        for (const char *fd = argv[1]; *fd; fd++)
            dup2(slave, *fd - '0');
        close(slave);
        close(master);
        execvp(argv[2], argv + 2);
        _exit(127);
    }
    close(slave);
    /* When the last descriptor of the other side is closed, reading fails. */
    char buffer[65536];
    ssize_t got;
    while ((got = read(master, buffer, sizeof buffer)) > 0)
        if (fwrite(buffer, 1, (size_t)got, stdout) != (size_t)got)
            return 125;
    int status = 0;
    if (fflush(stdout) || waitpid(child, &status, 0) != child)
        return 125;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
