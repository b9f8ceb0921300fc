// behind_filter service|docker PROGRAM [ARGS]: runs it under a filter that is there from its first
// instruction.
#include <stdio.h>
#include <string.h>

#include "filters.h"

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  if (install_named(argv[1], 0) != 0) {
    perror(argv[1]);
    return 2;
  }
  execvp(argv[2], argv + 2);
  perror(argv[2]);
  return 2;
}
