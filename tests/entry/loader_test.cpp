// dlopen and dlmopen: what they load goes past us, and is counted; what they search stays the caller's.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

#include "own_recording.h"
#include "peers.h"

using namespace entry;
using socktrack::BlindSpot;

namespace {

using Load = void* (*)(const char*, int);
using Number = int (*)();

struct Loader {
  const char* name;
  void* (*plain)(const char* file);
  void* (*apart)(const char* file);
  BlindSpot spot;
  const char* from_the_guide;  // the function of runpath_guide.c that calls it
};
const Loader kLoaders[] = {
    {"dlopen", [](const char* file) { return dlopen(file, RTLD_NOW); },
     [](const char* file) { return dlopen(file, RTLD_NOW | RTLD_DEEPBIND); }, BlindSpot::deepbind,
     "guide_dlopen"},
    {"dlmopen", [](const char* file) { return dlmopen(LM_ID_BASE, file, RTLD_NOW); },
     [](const char* file) { return dlmopen(LM_ID_NEWLM, file, RTLD_NOW); }, BlindSpot::other_namespace,
     "guide_dlmopen"},
};
void PrintTo(const Loader& loader, std::ostream* out) { *out << loader.name; }
class EveryLoader : public testing::TestWithParam<Loader> {
 protected:
  void SetUp() override { ASSERT_TRUE(library_is_loaded()); }
  Descriptor first_{socket(AF_INET, SOCK_STREAM, 0)};
};

}  // namespace

TEST_P(EveryLoader, SearchesTheRunpathOfItsCaller) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  if (GetParam().name == std::string("dlopen"))
    GTEST_SKIP() << "the runtimes of the sanitizers call dlopen in the program's place";
#endif
  EXPECT_EQ(dlopen("libentry_hidden.so", RTLD_NOW), nullptr);  // not on our own path
  void* guide = dlopen(SOCKTRACK_RUNPATH_GUIDE, RTLD_NOW);
  ASSERT_NE(guide, nullptr) << dlerror();
  const auto load = reinterpret_cast<Load>(dlsym(guide, GetParam().from_the_guide));
  ASSERT_NE(load, nullptr);
  void* hidden = load("libentry_hidden.so", RTLD_NOW);
  ASSERT_NE(hidden, nullptr) << dlerror();
  const auto number = reinterpret_cast<Number>(dlsym(hidden, "hidden_number"));
  ASSERT_NE(number, nullptr);
  EXPECT_EQ(number(), 42);
}

TEST_P(EveryLoader, CountsWhatGoesPastUs) {
  const std::uint64_t before = counted(GetParam().spot);
  EXPECT_NE(GetParam().plain(SOCKTRACK_RUNPATH_GUIDE), nullptr);
  EXPECT_EQ(counted(GetParam().spot), before);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // their runtimes refuse both
  void* apart = GetParam().apart(SOCKTRACK_RUNPATH_GUIDE);
  ASSERT_NE(apart, nullptr) << dlerror();
  EXPECT_EQ(counted(GetParam().spot), before + 1);
  // And it works: opening and closing past us leaves the table right.
  const auto cycle = reinterpret_cast<Number>(dlsym(apart, "guide_socket_cycle"));
  ASSERT_NE(cycle, nullptr);
  EXPECT_EQ(cycle(), 0);
#endif
}

TEST_P(EveryLoader, FailsAsBefore) {
  EXPECT_EQ(GetParam().plain("/nowhere/at/all.so"), nullptr);
  const char* why = dlerror();
  ASSERT_NE(why, nullptr);
  EXPECT_NE(std::string(why).find("/nowhere/at/all.so"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Table, EveryLoader, testing::ValuesIn(kLoaders),
                         [](const auto& one) { return std::string(one.param.name); });
