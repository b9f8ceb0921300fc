// A manual page from two sources: what the command line says of its options, and a text in docs/man that
// says the rest. Neither can tell of an option that the other does not know.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace socktrack {

// `source`: mdoc, with lines of their own that are replaced:
//   @SYNOPSIS@       name, options and arguments of the command
//   @OPTIONS@        the list of them; the lines that follow, up to @END@, add to its entries:
//   @--name          ... what comes after this line belongs to the entry of that option
// Throws std::runtime_error with a sentence: an entry for an option that does not exist, a line missing.
std::string man_page(const CLI::App& command, const std::string& source);

}  // namespace socktrack
