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

struct Real {
#define ENTRY(ret, name, parameters, arguments, kind, raw) ret(*name) parameters;
#include "preload/entrypoints.def"
};

extern Real real;

// Looks every symbol up behind us (RTLD_NEXT), once. Called by the constructor, or by the first hook
// that is called before it. Returns the number of symbols this libc does not have.
unsigned resolve_real_functions();

}  // namespace socktrack
