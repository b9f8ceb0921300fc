// A hook that makes no call: `before`, an extern "C" function with the hook's first three arguments, returns
// the real function, and the hook jumps there with the stack and the registers as they came. For functions
// that look at who called them, or that never return to a frame of ours. Written in assembler, because no
// compiler promises a tail call.
#pragma once

namespace socktrack {

template <typename Function>
void* address_of(Function function) {
  return reinterpret_cast<void*>(function);
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

// The same hook under another name.
#define JUMPING_HOOK_ALSO(alias_name, name) \
  __asm__(".globl " #alias_name "\n.type " #alias_name ", %function\n.set " #alias_name ", " #name)

}  // namespace socktrack
