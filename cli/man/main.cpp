// make_man SOURCES TARGETS: writes the manual page of each command from SOURCES/socktrack-COMMAND.1.in.
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "cli/app.h"
#include "cli/man/man_page.h"

namespace {

void write_page(const CLI::App& command, const std::string& sources, const std::string& targets) {
  const std::string name = "/socktrack-" + command.get_name() + ".1";
  std::ifstream source(sources + name + ".in");
  if (!source) throw std::runtime_error("there is no " + sources + name + ".in");
  const std::string text{std::istreambuf_iterator<char>(source), {}};
  std::ofstream page(targets + name);
  page << socktrack::man_page(command, text) << std::flush;
  if (!page) throw std::runtime_error("cannot write " + targets + name);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: make_man SOURCES TARGETS\n";
    return 2;
  }
  try {
    int exit_status = 0;
    const auto app = socktrack::make_app(exit_status);
    for (const CLI::App* command : socktrack::commands_of(*app)) write_page(*command, argv[1], argv[2]);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "make_man: " << error.what() << '\n';
    return 1;
  }
}
