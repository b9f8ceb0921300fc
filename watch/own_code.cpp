#include "watch/own_code.h"

#include <algorithm>
#include <iterator>

#include "watch/runtime_functions.h"

namespace socktrack {
namespace {

constexpr char kSystem[][16] = {"libc.so",       "libc-2.",   "ld-linux", "ld-2.",     "libpthread",
                                "libstdc++.",    "libgcc_s.", "libm.so",  "libdl.so",  "librt.so",
                                "libresolv",     "libasan.",  "libtsan.", "libubsan.", "liblsan.",
                                "libsocktrack.", "linux-vdso"};

// Between the program and the system: encryption, event loops, runtimes of other languages.
constexpr char kPassingOn[][16] = {
    "libssl.", "libcrypto.",  "libgnutls.",  "libuv.",     "libevent",  "libev.", "libapr",   "libjvm.",
    "libnio.", "libnet.",     "libjava.",    "libextnet.", "libpython", "_ssl.",  "_socket.", "python2",
    "python3", "libjemalloc", "libtcmalloc", "php",        "libphp",    "node"};

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

template <std::size_t N>
bool is_one_of(const char (&names)[N][16], std::string_view name) {
  return std::any_of(std::begin(names), std::end(names),
                     [&](std::string_view each) { return name.starts_with(each); });
}

// What comes with a language: the fix is further out.
bool is_own_line(const Frame& frame) {
  if (frame.language == "php") return frame.file.find("/vendor/") == std::string::npos;
  if (frame.language == "python")
    return frame.file.find("/lib/python") == std::string::npos && !frame.file.starts_with("<frozen ");
  return !is_of_jdk(frame.function);
}

// Code of a library that was compiled into the program from its headers (std, boost::asio), told by where the
// header lies, or by its name where there is no debug information.
bool is_of_a_header(const Frame& frame) {
  if (!frame.file.empty())
    return frame.file.starts_with("node:") || frame.file.starts_with("/usr/include/") ||
           frame.file.starts_with("/usr/local/include/") ||
           frame.file.find("/include/c++/") != std::string::npos;
  return frame.function.starts_with("std::") || frame.function.starts_with("boost::");
}

// A library of the distribution, straight in one of its directories:
// /usr/lib/x86_64-linux-gnu/libhiredis.so.0. Whoever calls it can mend the call, not the library.
bool is_of_the_distribution(std::string_view module) {
  const std::string_view name = base_name(module);
  std::string_view directory = module.substr(0, module.size() - name.size());
  if (!name.starts_with("lib") || name.find(".so") == std::string_view::npos) return false;
  if (directory.starts_with("/usr/")) directory.remove_prefix(4);
  for (const std::string_view root : {"/lib/", "/lib64/"}) {
    if (!directory.starts_with(root)) continue;
    directory.remove_prefix(root.size());
    return directory.empty() || directory.ends_with("-linux-gnu/");
  }
  return false;
}

// Not the system's, nor between the program and the system.
bool is_work(const Frame& frame) {
  const std::string_view module = base_name(frame.module);
  return !is_one_of(kSystem, module) && !is_one_of(kPassingOn, module);
}

bool is_own(const Frame& frame) {
  if (frame.language != "native") return is_own_line(frame);
  const bool extension = frame.module.find("/lib/python") != std::string::npos;
  return is_work(frame) && !extension && !is_of_the_distribution(frame.module) && !is_of_a_header(frame);
}

}  // namespace

bool is_system_library(std::string_view module_path) { return is_one_of(kSystem, base_name(module_path)); }

std::string without_parameters(const std::string& function) {
  for (auto at = function.find('('); at != std::string::npos; at = function.find('(', at + 1)) {
    const std::string_view rest = std::string_view(function).substr(at);
    const bool of_a_name =
        rest.starts_with("(anonymous namespace)") ||
        (rest.starts_with("()(") && std::string_view(function).substr(0, at).ends_with("operator"));
    if (!of_a_name) return function.substr(0, at);
    if (rest.starts_with("()")) ++at;
  }
  return function;
}

const Frame* telling_frame(const std::vector<Frame>& stack) {
  const auto named = [](const Frame& frame) {
    return !frame.function.empty() && frame.function != "_start";  // it is what is left of a stripped program
  };
  auto found = std::find_if(stack.begin(), stack.end(),
                            [&](const Frame& frame) { return named(frame) && is_own(frame); });
  // In other languages rather the line that made the call than the C function behind it.
  if (found == stack.end())
    found = std::find_if(stack.begin(), stack.end(),
                         [](const Frame& frame) { return frame.line > 0 && frame.language != "native"; });
  if (found == stack.end())
    found = std::find_if(stack.begin(), stack.end(),
                         [&](const Frame& frame) { return named(frame) && is_work(frame); });
  if (found == stack.end()) found = std::find_if(stack.begin(), stack.end(), named);
  return found == stack.end() ? nullptr : &*found;
}

std::string telling_place(const std::vector<Frame>& stack) {
  const Frame* frame = telling_frame(stack);
  if (frame == nullptr) return "";
  const std::string_view where = base_name(frame->file.empty() ? frame->module : frame->file);
  std::string place = without_parameters(frame->function) + " (";
  place += where;
  if (frame->line > 0) place += ":" + std::to_string(frame->line);
  return place + ")";
}

}  // namespace socktrack
