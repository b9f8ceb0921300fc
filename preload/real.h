// The real functions behind our hooks. Every pointer works from the first instruction of the process:
// until resolution, and where this libc lacks the symbol, it leads to a stand-in that makes the raw
// system call. A hook therefore never tests a pointer.
#pragma once

#include <dlfcn.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <csignal>
#include <cstddef>
#include <cstdio>
#include <ctime>

struct mmsghdr;

namespace socktrack {

// One of them. Hazard: resolution and the hand (careful.cpp) lead it elsewhere while other threads call
// through it. Consequence: half an address, if a compiler thinks that nobody does. Rule: it is read and
// written in one piece; what the hand's functions need beside it, they ask for themselves.
template <typename Function>
struct Behind;
template <typename Result, typename... Arguments>
struct Behind<Result(Arguments...)> {
  using Function = Result(Arguments...);
  Function* at;
  [[gnu::always_inline]] Function* get() const { return __atomic_load_n(&at, __ATOMIC_RELAXED); }
  [[gnu::always_inline]] Result operator()(Arguments... arguments) const { return get()(arguments...); }
  void lead_to(Function* other) { __atomic_store_n(&at, other, __ATOMIC_RELEASE); }
};

struct Real {
#define ENTRY(ret, name, parameters, arguments, kind, raw) Behind<ret parameters> name;
#include "preload/entrypoints.def"
};

extern Real real;

// Looks every symbol up behind us (RTLD_NEXT), once. Called by the constructor, or by the first hook
// that is called before it. Returns the number of symbols this libc does not have.
unsigned resolve_real_functions();

}  // namespace socktrack
