/* The floor for output: writes bytes that are part of its own image, and exits.
 *
 *   gcc -Os -static -nostdlib -no-pie -DPAYLOAD='"FILE"' -o floor_write floor_write.c
 *
 * Exits with 1 when a write fails.
 */

__asm__(".section .rodata\n"
        ".balign 4096\n"
        "payload: .incbin \"" PAYLOAD "\"\n"
        "payload_end:\n"
        ".text\n");

/* Hidden: addressed directly, without a table that would have to be relocated. */
extern const char payload[] __attribute__((visibility("hidden")));
extern const char payload_end[] __attribute__((visibility("hidden")));

static long call(long number, long first, const void *second, unsigned long third)
{
#if defined(__x86_64__)
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(first), "S"(second), "d"(third)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = first;
    register const void *x1 __asm__("x1") = second;
    register unsigned long x2 __asm__("x2") = third;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
#else
#error "tell floor_write.c how to call this machine's kernel"
#endif
}

#if defined(__x86_64__)
enum { WRITE = 1, EXIT = 60 };
#else
enum { WRITE = 64, EXIT = 93 };
#endif

void _start(void)
{
    const char *next = payload;
    while (next < payload_end) {
        long written = call(WRITE, 1, next, (unsigned long)(payload_end - next));
        if (written <= 0)
            call(EXIT, 1, 0, 0);
        next += written;
    }
    call(EXIT, 0, 0, 0);
    __builtin_unreachable();
}
