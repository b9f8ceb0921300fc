/* What a program may say to socktrack, and ask of it. Optional: socktrack needs none of it.
 *
 * Header only, C and C++, nothing to link. Where libsocktrack.so is not loaded (production without it, a
 * static program) every function does nothing and answers 0, so calls may stay in the code for good. Safe in
 * any thread; not in signal handlers, and not in a child of vfork. errno is kept.
 *
 * Weak symbols: the loader finds the library if it is there. Position-independent programs, which is what
 * distributions build by default, need nothing for it, nor does gcc; clang -no-pie needs
 * -fno-direct-access-external-data as well, else the functions always answer 0.
 */
#ifndef SOCKTRACK_SOCKTRACK_H
#define SOCKTRACK_SOCKTRACK_H

#define SOCKTRACK_VERSION_MAJOR 0
#define SOCKTRACK_VERSION_MINOR 1
#define SOCKTRACK_VERSION_PATCH 0
/* 0.1.0 is 100. For #if. */
#define SOCKTRACK_VERSION_NUMBER \
  (SOCKTRACK_VERSION_MAJOR * 10000 + SOCKTRACK_VERSION_MINOR * 100 + SOCKTRACK_VERSION_PATCH)

/* For socktrack_leaks_now(). */
#define SOCKTRACK_QUIET 0u
#define SOCKTRACK_REPORT                                                            \
  1u /* if there are any, write the report to where the library writes its messages \
      */

/* Without a direct access the linker leaves the question whether the symbol exists to the loader. */
#define SOCKTRACK_WEAK __attribute__((weak))
#if defined(__has_attribute)
#if __has_attribute(noplt)
#undef SOCKTRACK_WEAK
#define SOCKTRACK_WEAK __attribute__((weak, noplt))
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* In the library. Use the functions below. */
extern int socktrack_1_active(void) SOCKTRACK_WEAK;
extern int socktrack_1_pool(int fd, const char* name) SOCKTRACK_WEAK;
extern int socktrack_1_ignore(int fd) SOCKTRACK_WEAK;
extern unsigned long socktrack_1_leaks_now(unsigned flags) SOCKTRACK_WEAK;

/* 1 if the library is loaded and tracks this process. */
static inline int socktrack_active(void) { return socktrack_1_active ? socktrack_1_active() : 0; }

/* The socket belongs to the pool `name`, which the report then shows: the first 27 bytes of it, of up to 255
 * pools. NULL or "" takes it out of its pool. 0, or -1 if the descriptor is no socket that is tracked. */
static inline int socktrack_pool(int fd, const char* name) {
  return socktrack_1_pool ? socktrack_1_pool(fd, name) : 0;
}

/* Never accuse this socket, whatever happens to it, until it is closed. An accusation is taken back.
 * 0, or -1 if the descriptor is no socket that is tracked. */
static inline int socktrack_ignore(int fd) { return socktrack_1_ignore ? socktrack_1_ignore(fd) : 0; }

/* How many sockets are leaked at this moment: all that were found so far and not closed, and all that are
 * dead now, without any grace. Looks at every socket; if one of them died within the last 0.1 s it looks
 * again, so that other threads have the time to close it. Suppressed groups do not count. In unit tests:
 *
 *   assert(socktrack_leaks_now(SOCKTRACK_REPORT) == 0);
 */
static inline unsigned long socktrack_leaks_now(unsigned flags) {
  return socktrack_1_leaks_now ? socktrack_1_leaks_now(flags) : 0;
}

#ifdef __cplusplus
}
#endif

#endif
