/* Which system call a traced process has been stopped at. */
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

static long call_number(pid_t child)
{
    struct user_regs_struct registers;
    struct iovec vector = { &registers, sizeof registers };
    if (ptrace(PTRACE_GETREGSET, child, (void *)NT_PRSTATUS, &vector) == -1)
        return -1;
#if defined(__x86_64__)
    return (long)registers.orig_rax;
#elif defined(__aarch64__)
    return (long)registers.regs[8];
#else
#error "tell call_number.h where this machine keeps the system call number"
#endif
}
