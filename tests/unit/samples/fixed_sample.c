// A program at a fixed address: offsets in a recording are its addresses themselves.
__attribute__((noinline)) int fixed_function(int n) { return n * 3 + 1; }

#include <stdio.h>
#include <stdlib.h>

__attribute__((noinline, noreturn)) static void fail(const char* what) {
  perror(what);
  exit(EXIT_FAILURE);
}

// Where inlined, the last code of main is a call of fail, which does not return. The line after it has
// no code, and elfutils takes it for the line of _start, which the linker puts behind main.
static int checked(int n) {
  const int result = fixed_function(n);
  if (result < 0) fail("result");
  printf("%d\n", result);
  return result;
}

int main(int argc, char** argv) {
  if (argc > 3) fail(argv[1]);
  const int result = checked(argc);
  puts("done");
  return result == 0;
}
