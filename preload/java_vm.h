// The Java virtual machine in this process, and when its interfaces may be called.
//
// JVMTI and JNI are called only on a thread that the VM knows and that is in a native method: the VM brings
// it from there into its own code and back. Which threads are: those whose hook was called by a file-backed
// library with native methods, which Java code called, with nothing of the VM in between. A thread of the VM
// itself, a handler of a signal or a child of fork never is (stacks.md B).
//
// Calling may wait for a garbage collection, like the return from the native method would: nothing of ours
// may be held. Allocates only what the VM does. Changes errno.
#pragma once

#include <dlfcn.h>

#include "preload/jvm_interface.h"
#include "preload/stack_walk.h"

namespace socktrack::java {

// Found to be a library with native methods: is there a VM? Once; the loader's lock is not taken.
void consider(const dl_find_object& module);

// False: no VM is known, or it is not ours to ask.
bool is_known();

// In a forked child: the VM's other threads are not here, so nothing of it may be called.
void after_fork();

// True if the stack is that of a native method that Java code called: its last address is of that code.
bool is_called_by_java(const StackView& stack);

// The interfaces, for the calling thread.
struct Access {
  jvm::Jni* jni = nullptr;
  jvm::Jvmti* jvmti = nullptr;
};

// False: the VM is not there yet, or not any more, does not know this thread, or an exception is on its way.
bool enter(Access& access);

}  // namespace socktrack::java
