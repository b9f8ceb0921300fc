// Linked statically: no library can be preloaded into it.
#include <stdio.h>

int main(void) {
  puts("done");
  return 0;
}
