// dlopen and dlmopen: told apart from the rest because of what comes after them, calls that go past us.
//
// Hazard: the loader takes the library that called dlopen from the return address, and searches that
// library's RUNPATH. Called from here it would search ours. Rule: the hooks leave by a jump, with the stack
// and the registers as they came; written in assembler, because no compiler promises a tail call.
#include <dlfcn.h>

#include "preload/process.h"
#include "preload/real.h"
#include "preload/recorder.h"

namespace socktrack {
namespace {

template <typename Function>
void* address_of(Function function) {
  return reinterpret_cast<void*>(function);
}

}  // namespace

// Before our constructor the pointers lead to stand-ins, which would be the caller.
extern "C" __attribute__((visibility("hidden"), used)) void* socktrack_before_dlopen(const char*, int mode) {
  resolve_real_functions();
  if ((mode & RTLD_DEEPBIND) != 0 && !process::ours) recorder::count(BlindSpot::deepbind);
  return address_of(real.dlopen);
}

extern "C" __attribute__((visibility("hidden"), used)) void* socktrack_before_dlmopen(Lmid_t where,
                                                                                      const char*, int) {
  resolve_real_functions();
  if (where != LM_ID_BASE && !process::ours) recorder::count(BlindSpot::other_namespace);
  return address_of(real.dlmopen);
}

#if defined(__x86_64__)
#define JUMPING_HOOK(name, before)                                                               \
  __asm__(".pushsection .text\n.globl " #name "\n.type " #name ", @function\n.p2align 4\n" #name \
          ":\n"                                                                                  \
          ".cfi_startproc\nendbr64\n"                                                            \
          "pushq %rdi\n.cfi_adjust_cfa_offset 8\n"                                               \
          "pushq %rsi\n.cfi_adjust_cfa_offset 8\n"                                               \
          "pushq %rdx\n.cfi_adjust_cfa_offset 8\n"                                               \
          "call " #before                                                                        \
          "\n"                                                                                   \
          "popq %rdx\n.cfi_adjust_cfa_offset -8\n"                                               \
          "popq %rsi\n.cfi_adjust_cfa_offset -8\n"                                               \
          "popq %rdi\n.cfi_adjust_cfa_offset -8\n"                                               \
          "jmp *%rax\n.cfi_endproc\n.size " #name ", .-" #name "\n.popsection")
#else
#define JUMPING_HOOK(name, before)                                                                        \
  __asm__(".pushsection .text\n.globl " #name "\n.type " #name ", %function\n.p2align 4\n" #name          \
          ":\n"                                                                                           \
          ".cfi_startproc\nhint #34\n"                                                                    \
          "stp x29, x30, [sp, #-48]!\n.cfi_def_cfa_offset 48\n.cfi_offset 29, -48\n.cfi_offset 30, -40\n" \
          "stp x0, x1, [sp, #16]\nstr x2, [sp, #32]\n"                                                    \
          "bl " #before                                                                                   \
          "\n"                                                                                            \
          "mov x16, x0\nldp x0, x1, [sp, #16]\nldr x2, [sp, #32]\n"                                       \
          "ldp x29, x30, [sp], #48\n.cfi_restore 29\n.cfi_restore 30\n.cfi_def_cfa_offset 0\n"            \
          "br x16\n.cfi_endproc\n.size " #name ", .-" #name "\n.popsection")
#endif

JUMPING_HOOK(dlopen, socktrack_before_dlopen);
JUMPING_HOOK(dlmopen, socktrack_before_dlmopen);

}  // namespace socktrack
