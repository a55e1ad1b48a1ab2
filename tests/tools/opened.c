/* Runs a command and counts how often files are opened meanwhile, by whichever process.
 *
 *   opened REPORT FILE ... -- COMMAND [ARGUMENT ...]
 *
 * Equal events in a row are one event to the kernel, so it reports closing as well.
 *
 * Writes a line with the number of openings of each FILE to REPORT, and ends with the command's exit code.
 */
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILES 16

extern char **environ;

int main(int argc, char **argv)
{
    int queue = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), at = 2, files = 0;
    int watches[FILES], counts[FILES] = { 0 };
    for (; at < argc && strcmp(argv[at], "--") != 0 && files < FILES; at++) {
        watches[files] = inotify_add_watch(queue, argv[at], IN_OPEN | IN_CLOSE);
        if (watches[files++] == -1) {
            perror(argv[at]);
            return 2;
        }
    }
    if (queue == -1 || at + 1 >= argc || strcmp(argv[at], "--") != 0) {
        fprintf(stderr, "usage: opened REPORT FILE ... -- COMMAND [ARGUMENT ...]\n");
        return 2;
    }
    pid_t child;
    int status;
    if (posix_spawn(&child, argv[at + 1], NULL, NULL, argv + at + 1, environ) != 0
        || waitpid(child, &status, 0) != child) {
        perror(argv[at + 1]);
        return 2;
    }
    char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t len;
    while ((len = read(queue, events, sizeof events)) > 0) {
        for (char *next = events; next < events + len;) {
            struct inotify_event *event = (struct inotify_event *)next;
            if (event->mask & IN_Q_OVERFLOW)
                return 2;
            for (int i = 0; i < files; i++)
                counts[i] += watches[i] == event->wd && (event->mask & IN_OPEN);
            next += sizeof *event + event->len;
        }
    }
    FILE *report = fopen(argv[1], "w");
    if (!report) {
        perror(argv[1]);
        return 2;
    }
    for (int i = 0; i < files; i++)
        fprintf(report, "%d\n", counts[i]);
    if (fclose(report) != 0)
        return 2;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
