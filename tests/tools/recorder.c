/* Stands where ohfp-live would: says that it was called, and with what.
 *
 *   cc -Os -static -nostdlib -no-pie -ffreestanding -fno-stack-protector -o recorder recorder.c
 *
 * Writes "handed on:" and each argument but the first behind a space, and exits with 77. Without a C
 * library, since it starts hundreds of thousands of times.
 */

#if defined(__x86_64__)
enum { WRITE = 1, EXIT = 60 };
__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall record\n");

static long call(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
enum { WRITE = 64, EXIT = 93 };
__asm__(".globl _start\n_start:\n\tmov x0, sp\n\tbl record\n");

static long call(long number, long a, long b, long c)
{
    register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}
#else
#error "tell recorder.c how to make a system call on this machine"
#endif

static char text[4096] = "handed on:";

void record(long *stack)
{
    char **argument = (char **)(stack + 1);
    unsigned long len = 10;
    for (long number = 1; number < *stack; number++) {
        if (len < sizeof text)
            text[len++] = ' ';
        for (const char *byte = argument[number]; *byte && len < sizeof text; byte++)
            text[len++] = *byte;
    }
    call(WRITE, 1, (long)text, (long)len);
    call(EXIT, 77, 0, 0);
    __builtin_unreachable();
}
