#include "preload/teardown.h"

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "preload/elf_symbols.h"
#include "preload/frame_rule.h"
#include "preload/process.h"
#include "preload/stack_walk.h"

namespace socktrack::teardown {
namespace {

// Written when a module is first seen, by whichever thread sees it; read by all.
std::atomic<std::uintptr_t> g_python_finalizing = 0;  // int (*)(void)
std::atomic<std::uintptr_t> g_python_end = 0;         // the function that runs what atexit was given
std::atomic<std::uintptr_t> g_php_host = 0;  // sapi_module: a struct that starts with the pointer to its name

// A function of somebody else; empty where the program does not have it.
struct Code {
  std::atomic<std::uintptr_t> start = 0, end = 0;
  bool holds(std::uintptr_t address) const {
    return address < end.load(std::memory_order_acquire) && address >= start.load(std::memory_order_relaxed);
  }
};
Code g_exit, g_perl_exit, g_perl_end, g_php_end, g_node_end, g_ruby_main, g_ruby_end, g_ruby_code;

void find_code(const dl_find_object& module, const char* name, Code& code) {
  const ExportedSymbol found = exported_symbol(module, name);
  if (found.address == 0) return;
  code.start.store(found.address, std::memory_order_relaxed);
  code.end.store(found.address + found.size, std::memory_order_release);
}

// Where the work of a function is done: a short one that ends with a jump has passed it on. CPython's end is
// a function without an exported name from 3.13 on, to which the exported one jumps.
std::uintptr_t work_of(const dl_find_object& module, const ExportedSymbol& function) {
#if defined(__x86_64__)
  constexpr std::size_t kJump = 5;  // 0xe9 and the distance from its end
  constexpr std::size_t kShort = 64;
  if (function.size < kJump || function.size > kShort) return function.address;
  const std::uintptr_t end = function.address + function.size;
  const auto* jump = reinterpret_cast<const std::uint8_t*>(end - kJump);
  if (*jump != 0xe9) return function.address;
  std::int32_t distance = 0;
  std::memcpy(&distance, jump + 1, sizeof distance);
  const std::uintptr_t target = end + static_cast<std::uintptr_t>(std::intptr_t{distance});
  const bool is_inside = target >= reinterpret_cast<std::uintptr_t>(module.dlfo_map_start) &&
                         target < reinterpret_cast<std::uintptr_t>(module.dlfo_map_end);
  return is_inside ? target : function.address;
#else
  static_cast<void>(module);
  return function.address;
#endif
}

// Elsewhere (FPM, Apache) the end of a script is one request of many, and its closes are in good time.
bool is_php_command() {
  const auto* const host = reinterpret_cast<const char* const*>(g_php_host.load(std::memory_order_acquire));
  return host != nullptr && *host != nullptr && std::strcmp(*host, "cli") == 0;
}

}  // namespace

void prepare() {
  dl_find_object libc{};
  if (_dl_find_object(reinterpret_cast<void*>(&std::exit), &libc) == 0) find_code(libc, "exit", g_exit);
}

void consider(const dl_find_object& module) {
  for (const char* name : {"Py_IsFinalizing", "_Py_IsFinalizing"}) {  // 3.13, and 3.7 to 3.12
    const std::uintptr_t found = exported_symbol(module, name).address;
    if (found != 0) g_python_finalizing.store(found, std::memory_order_release);
  }
  const ExportedSymbol python_end = exported_symbol(module, "Py_FinalizeEx");
  if (python_end.address != 0) g_python_end.store(work_of(module, python_end), std::memory_order_release);
  find_code(module, "Perl_my_exit", g_perl_exit);
  find_code(module, "perl_destruct", g_perl_end);
  find_code(module, "php_request_shutdown", g_php_end);
  find_code(module, "_ZN4node15FreeEnvironmentEPNS_11EnvironmentE", g_node_end);
  find_code(module, "ruby_run_node", g_ruby_main);
  find_code(module, "ruby_cleanup", g_ruby_end);
  find_code(module, "rb_vm_exec", g_ruby_code);
  const std::uintptr_t php_host = exported_symbol(module, "sapi_module").address;
  if (php_host != 0) g_php_host.store(php_host, std::memory_order_release);
}

void forget_the_gone() {
  const auto is_gone = [](std::uintptr_t address) {
    dl_find_object module{};
    return address != 0 && _dl_find_object(reinterpret_cast<void*>(address), &module) != 0;
  };
  for (auto* address : {&g_python_finalizing, &g_python_end, &g_php_host}) {
    if (is_gone(address->load(std::memory_order_relaxed))) address->store(0, std::memory_order_release);
  }
  for (Code* code :
       {&g_perl_exit, &g_perl_end, &g_php_end, &g_node_end, &g_ruby_main, &g_ruby_end, &g_ruby_code}) {
    if (is_gone(code->start.load(std::memory_order_relaxed))) code->end.store(0, std::memory_order_release);
  }
}

bool under_way() {
  const auto question = reinterpret_cast<int (*)()>(g_python_finalizing.load(std::memory_order_acquire));
  return question != nullptr && question() != 0;
}

bool is_calling() {
  Stack scratch;
  const StackView stack = take_stack(scratch);
  const auto calls = [&](const Code& code) {
    return std::any_of(stack.addresses, stack.addresses + stack.depth,
                       [&](std::uintptr_t address) { return code.holds(address); });
  };
  const std::uintptr_t python_end = g_python_end.load(std::memory_order_acquire);
  if (python_end != 0 &&
      std::any_of(stack.addresses, stack.addresses + stack.depth,
                  [&](std::uintptr_t address) { return function_at(address) == python_end; }))
    return true;
  if (calls(g_exit) || calls(g_perl_exit) || calls(g_perl_end) || calls(g_ruby_end)) return true;
  if (calls(g_php_end)) return is_php_command();
  // A worker's environment ends long before the program, and closes in good time.
  if (calls(g_node_end)) return process::thread_id() == process::pid();
  // What Ruby's main function does besides the script: finalizers, at the end. Its own name is not exported.
  return calls(g_ruby_main) && !calls(g_ruby_code);
}

}  // namespace socktrack::teardown
