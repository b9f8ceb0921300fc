#include "preload/teardown.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <initializer_list>

#include "preload/stack_walk.h"

namespace socktrack::teardown {
namespace {

using Question = int (*)();
Question g_python_finalizing = nullptr;

// A function of somebody else; empty where the program does not have it.
struct Code {
  std::uintptr_t start = 0, end = 0;
  bool holds(std::uintptr_t address) const { return address >= start && address < end; }
};
Code g_exit, g_perl_exit, g_perl_end, g_php_end;
const char* const* g_php_host = nullptr;  // sapi_module: a struct that starts with the pointer to its name

Code find_code(const char* name) {
  void* const at = dlsym(RTLD_DEFAULT, name);
  Dl_info info{};
  void* found = nullptr;
  if (at == nullptr || dladdr1(at, &info, &found, RTLD_DL_SYMENT) == 0 || found == nullptr) {
    return {};
  }
  const auto start = reinterpret_cast<std::uintptr_t>(at);
  return {start, start + static_cast<const ElfW(Sym)*>(found)->st_size};
}

// Elsewhere (FPM, Apache) the end of a script is one request of many, and its closes are in good time.
bool is_php_command() {
  return g_php_host != nullptr && *g_php_host != nullptr && std::strcmp(*g_php_host, "cli") == 0;
}

}  // namespace

void prepare() {
  for (const char* name : {"Py_IsFinalizing", "_Py_IsFinalizing"}) {  // 3.13, and 3.7 to 3.12
    if (g_python_finalizing == nullptr)
      g_python_finalizing = reinterpret_cast<Question>(dlsym(RTLD_DEFAULT, name));
  }
  g_exit = find_code("exit");
  g_perl_exit = find_code("Perl_my_exit");
  g_perl_end = find_code("perl_destruct");
  g_php_end = find_code("php_request_shutdown");
  if (g_php_end.end != 0) g_php_host = static_cast<const char* const*>(dlsym(RTLD_DEFAULT, "sapi_module"));
}

bool under_way() { return g_python_finalizing != nullptr && g_python_finalizing() != 0; }

bool is_calling() {
  Stack scratch;
  const StackView stack = take_stack(scratch);
  return std::any_of(stack.addresses, stack.addresses + stack.depth, [](std::uintptr_t address) {
    return g_exit.holds(address) || g_perl_exit.holds(address) || g_perl_end.holds(address) ||
           (g_php_end.holds(address) && is_php_command());
  });
}

}  // namespace socktrack::teardown
