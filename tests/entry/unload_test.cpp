// Plugins that come and go: the same address is not the same line for ever.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <set>
#include <string>

#include "own_recording.h"
#include "watch/recording_reader.h"

using namespace entry;

namespace {

// The file in which the innermost frame of the open site lies.
std::string opener_of(int fd) {
  const auto view = socktrack::RecordingView::of_file(recording_path());
  const socktrack::Site* site = view.site(slot_of(fd).open_site);
  if (site == nullptr) return "no site";
  const socktrack::Module* module = view.module(socktrack::frame_module(site->frames[0]));
  return module == nullptr ? "no module" : module->path;
}

struct Opened {
  int fd;
  void* at;
};

Opened open_by(const char* plugin) {
  void* library = dlopen(plugin, RTLD_NOW | RTLD_LOCAL);
  EXPECT_NE(library, nullptr) << dlerror();
  auto* open_socket = reinterpret_cast<int (*)()>(dlsym(library, "open_socket"));
  const int fd = open_socket();
  EXPECT_EQ(dlclose(library), 0);
  return {fd, reinterpret_cast<void*>(open_socket)};
}

TEST(Unloading, TheStackOfAPluginStaysItsOwn) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "TSan makes the plugin's calls in its place";
#endif
  ASSERT_TRUE(library_is_loaded());
  std::set<void*> places;
  for (int round = 0; round < 6; round++) {
    const char* plugin = round % 2 == 0 ? SOCKTRACK_GUEST_ONE : SOCKTRACK_GUEST_TWO;
    const Opened opened = open_by(plugin);
    places.insert(opened.at);
    EXPECT_EQ(opener_of(opened.fd), plugin) << "round " << round;
    close(opened.fd);
  }
  if (places.size() == 6) GTEST_SKIP() << "the loader gave each plugin a place of its own";
}

struct Unloader {
  const char* name;
  int (*call)(void*);
};
class EveryUnloader : public testing::TestWithParam<Unloader> {};

TEST_P(EveryUnloader, SaysWhatItWouldSay) {
  ASSERT_TRUE(library_is_loaded());
  void* library = dlopen(SOCKTRACK_GUEST_ONE, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr);
  EXPECT_EQ(GetParam().call(library), 0);
  EXPECT_EQ(dlopen(SOCKTRACK_GUEST_ONE, RTLD_NOW | RTLD_NOLOAD), nullptr);
}

INSTANTIATE_TEST_SUITE_P(Table, EveryUnloader, testing::Values(Unloader{"dlclose", dlclose}),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
