// socktrack: which line of code forgot to close() the socket.
#include "cli/app.h"
#include "cli/terminal.h"

int main(int argc, char** argv) {
  socktrack::fill_standard_descriptors();
  return socktrack::run_command_line(argc, argv);
}
