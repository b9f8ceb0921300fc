// How a hook is written: HOOK(name, parameters) { body } defines the exported function of that name.
//
// The C++ name differs (hook_read) and only the assembler name is libc's: so headers may declare the real
// function with whatever noexcept, nonnull, fortify or redirect attributes they like.
#pragma once

#define SOCKTRACK_EXPORT extern "C" __attribute__((visibility("default"), used))

#define HOOK(ret, name, parameters)                           \
  SOCKTRACK_EXPORT ret hook_##name parameters __asm__(#name); \
  SOCKTRACK_EXPORT ret hook_##name parameters

// ALSO(alias, name): the hook of `name`, which is defined above in the same file, under a second name.
#define ALSO(alias_name, name) \
  SOCKTRACK_EXPORT __attribute__((alias(#name))) decltype(hook_##name) hook_##alias_name __asm__(#alias_name)
