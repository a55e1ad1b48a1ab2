/* Runs a command with its standard input and standard error on a terminal of its own, and types answers.
 *
 *   typist COMMAND [ARGUMENT ...] <ANSWERS
 *
 * A line of ANSWERS is typed whenever the command has asked: when what it has shown ends in "]: ". A line "^C" or "^D"
 * is that key. What appears on the terminal is copied to standard error; the command's standard output stays ours.
 * Exits as the command does, 128 and the signal's number for a killed one.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: typist COMMAND [ARGUMENT ...]\n");
        return 125;
    }
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) || unlockpt(master)) {
        perror("typist");
        return 125;
    }
    const char *name = ptsname(master);
    int slave = open(name, O_RDWR | O_NOCTTY);
    struct termios mode;
    if (slave < 0 || tcgetattr(slave, &mode)) {
        perror("typist");
        return 125;
    }
    mode.c_lflag &= ~(tcflag_t)ECHO;
    mode.c_oflag &= ~(tcflag_t)OPOST;
    tcsetattr(slave, TCSANOW, &mode);

    pid_t child = fork();
    if (child == 0) {
        setsid();
        /* The keys ^C and ^D mean something on a controlling terminal only. */
        ioctl(slave, TIOCSCTTY, 0);
        dup2(slave, 0);
        dup2(slave, 2);
        close(slave);
        close(master);
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    close(slave);
    char shown[4] = "", buffer[4096];
    ssize_t got;
    while ((got = read(master, buffer, sizeof buffer)) > 0) {
        if (fwrite(buffer, 1, (size_t)got, stderr) != (size_t)got)
            return 125;
        for (ssize_t at = 0; at < got; at++) {
            memmove(shown, shown + 1, 2);
            shown[2] = buffer[at];
        }
        if (memcmp(shown, "]: ", 3))
            continue;
        char line[4096];
        const char *key = "\x04";
        if (fgets(line, sizeof line, stdin))
            key = !strcmp(line, "^C\n") ? "\x03" : !strcmp(line, "^D\n") ? "\x04" : line;
        if (write(master, key, strlen(key)) < 0)
            return 125;
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child)
        return 125;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
