#include "preload/teardown.h"

#include <dlfcn.h>

#include <initializer_list>

namespace socktrack::teardown {
namespace {

using Question = int (*)();
Question g_python_finalizing = nullptr;

}  // namespace

void prepare() {
  for (const char* name : {"Py_IsFinalizing", "_Py_IsFinalizing"}) {  // 3.13, and 3.7 to 3.12
    if (g_python_finalizing == nullptr)
      g_python_finalizing = reinterpret_cast<Question>(dlsym(RTLD_DEFAULT, name));
  }
}

bool under_way() { return g_python_finalizing != nullptr && g_python_finalizing() != 0; }

}  // namespace socktrack::teardown
