/* A plugin that loads others from a directory that only its own RUNPATH names. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

void* guide_dlopen(const char* file, int mode) {
  void* loaded = dlopen(file, mode);
  __asm__ volatile("" ::: "memory"); /* no tail call: the return address must be ours */
  return loaded;
}

void* guide_dlmopen(const char* file, int mode) {
  void* loaded = dlmopen(LM_ID_BASE, file, mode);
  __asm__ volatile("" ::: "memory");
  return loaded;
}

int guide_socket_cycle(void) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  return fd < 0 ? -1 : close(fd);
}
