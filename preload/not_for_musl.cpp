// musl's loader gives up the whole program over a library that needs glibc, but passes over one that looks
// like another libc: one that defines both of these names. So LD_PRELOAD may reach programs of musl.
//   Hazard: in glibc's eyes they would stand in front of libc's own. Rule: hide_symbols makes them hidden
//   after the link, which glibc and linkers heed and musl does not; within the library the version keeps them
//   apart.
#define NAMED_LIKE(name, of) __asm__(".symver " #name "," #of "@SOCKTRACK_NOT_FOR_MUSL")

extern "C" {
[[gnu::visibility("default"), gnu::used]] char socktrack_no_stdin[sizeof(void*)];
[[gnu::visibility("default"), gnu::used]] void socktrack_no_start() {}
}

NAMED_LIKE(socktrack_no_stdin, stdin);
NAMED_LIKE(socktrack_no_start, __libc_start_main);
