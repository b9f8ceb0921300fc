#include "preload/java_vm.h"

#include <link.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string_view>

#include "preload/elf_symbols.h"
#include "preload/readable.h"

namespace socktrack::java {
namespace {

using GetCreatedVms = std::int32_t (*)(jvm::Vm** vms, std::int32_t room, std::int32_t* count);

struct Machine {
  GetCreatedVms created_vms;
  std::uintptr_t start, end;  // of its library
};

Machine g_machine;
std::atomic<const Machine*> g_known{nullptr};
std::atomic<bool> g_taken{false};
std::atomic<bool> g_forked_away{false};
std::atomic<jvm::Vm*> g_vm{nullptr};
std::atomic<jvm::Jvmti*> g_jvmti{nullptr};

// Of the JDK itself: those of its libraries that open, read and close sockets.
constexpr std::string_view kJdkLibraries[] = {"libnio.so", "libnet.so", "libextnet.so", "libjava.so"};

bool has_native_methods(const dl_find_object& module) {
  const char* path = module.dlfo_link_map->l_name;
  if (path == nullptr) return false;
  const std::string_view whole = path;
  const std::string_view name = whole.substr(whole.rfind('/') + 1);
  return std::find(std::begin(kJdkLibraries), std::end(kJdkLibraries), name) != std::end(kJdkLibraries) ||
         exported_symbol(module, "JNI_OnLoad").address != 0;
}

//   Hazard: the list is walked without the loader's lock, which another thread may hold while it waits for
//   this one. Rule: memory is looked at only if it is there, and an entry is believed only if the loader's
//   lock-free search leads back to it.
bool find_machine(const link_map* map, link_map* link_map::*next, Machine& machine) {
  constexpr int kMostModules = 1000;
  for (int i = 0; i < kMostModules && map != nullptr && is_readable(map, sizeof *map);
       i++, map = map->*next) {
    dl_find_object module{};
    if (map->l_ld == nullptr || _dl_find_object(map->l_ld, &module) != 0 || module.dlfo_link_map != map)
      continue;
    const ExportedSymbol symbol = exported_symbol(module, "JNI_GetCreatedJavaVMs");
    if (symbol.address == 0) continue;
    machine.created_vms = reinterpret_cast<GetCreatedVms>(symbol.address);
    machine.start = reinterpret_cast<std::uintptr_t>(module.dlfo_map_start);
    machine.end = reinterpret_cast<std::uintptr_t>(module.dlfo_map_end);
    return true;
  }
  return false;
}

jvm::Vm* running_vm(const Machine& machine) {
  jvm::Vm* vm = g_vm.load(std::memory_order_acquire);
  if (vm != nullptr) return vm;
  std::int32_t count = 0;
  if (machine.created_vms(&vm, 1, &count) != jvm::kOk || count < 1) return nullptr;
  g_vm.store(vm, std::memory_order_release);
  return vm;
}

// Our own environment of the tool interface. Both capabilities only allow questions: none of them makes the
// VM run its code in another way, and they are to be had at any time.
jvm::Jvmti* tools_of(jvm::Vm* vm) {
  jvm::Jvmti* known = g_jvmti.load(std::memory_order_acquire);
  if (known != nullptr) return known;
  void* made = nullptr;
  if (vm->functions->get_env(vm, &made, jvm::kJvmtiVersion) != jvm::kOk) return nullptr;
  auto* fresh = static_cast<jvm::Jvmti*>(made);
  constexpr jvm::Capabilities wanted{{jvm::kCanGetSourceFileName | jvm::kCanGetLineNumbers, 0, 0, 0}};
  fresh->functions->add_capabilities(fresh, &wanted);
  if (g_jvmti.compare_exchange_strong(known, fresh, std::memory_order_acq_rel)) return fresh;
  fresh->functions->dispose_environment(fresh);
  return known;
}

}  // namespace

void consider(const dl_find_object& module) {
  if (g_known.load(std::memory_order_relaxed) != nullptr || !has_native_methods(module)) return;
  Machine machine{};
  // It is loaded before those that need it, and lies before them in the loader's list.
  if (!find_machine(module.dlfo_link_map, &link_map::l_prev, machine) || g_taken.exchange(true)) return;
  g_machine = machine;
  g_known.store(&g_machine, std::memory_order_release);
}

bool is_known() {
  return g_known.load(std::memory_order_relaxed) != nullptr && !g_forked_away.load(std::memory_order_relaxed);
}

void after_fork() {
  dl_find_object self{};
  Machine machine{};
  if (_dl_find_object(reinterpret_cast<void*>(&after_fork), &self) != 0) return;
  // None yet: one that this child makes for itself will be its own.
  const bool has_copy = g_known.load(std::memory_order_relaxed) != nullptr ||
                        find_machine(self.dlfo_link_map, &link_map::l_next, machine);
  if (has_copy) g_forked_away.store(true, std::memory_order_relaxed);
}

bool is_called_by_java(const StackView& stack) {
  const Machine* machine = g_known.load(std::memory_order_acquire);
  if (machine == nullptr || !is_known() || stack.crosses_signal || stack.depth < 2) return false;
  dl_find_object module{};
  const std::uint32_t last = stack.depth - 1;
  if (_dl_find_object(reinterpret_cast<void*>(stack.addresses[last]), &module) == 0) return false;
  for (std::uint32_t i = 0; i < last; i++) {
    const std::uintptr_t address = stack.addresses[i];
    if (address >= machine->start && address < machine->end) return false;
    if (_dl_find_object(reinterpret_cast<void*>(address), &module) != 0) return false;
  }
  return has_native_methods(module);
}

bool enter(Access& access) {
  const Machine* machine = g_known.load(std::memory_order_acquire);
  jvm::Vm* vm = machine == nullptr ? nullptr : running_vm(*machine);
  void* env = nullptr;
  if (vm == nullptr || vm->functions->get_env(vm, &env, jvm::kJniVersion) != jvm::kOk) return false;
  access.jni = static_cast<jvm::Jni*>(env);
  if (access.jni->functions->exception_check(access.jni) != 0) return false;
  access.jvmti = tools_of(vm);
  std::int32_t phase = 0;
  return access.jvmti != nullptr && access.jvmti->functions->get_phase(access.jvmti, &phase) == jvm::kOk &&
         phase == jvm::kPhaseLive;
}

}  // namespace socktrack::java
