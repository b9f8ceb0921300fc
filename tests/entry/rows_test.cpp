// Every row, called from every place a program can call from: what it answers is what libc alone answers.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <memory>
#include <ostream>
#include <set>
#include <string>

namespace {

const std::set<std::string> kTable = {
#define ENTRY(ret, name, parameters, arguments, kind, raw) #name,
#define ALIAS(name, of, kind) #name,
#define VIA(name, of, kind) #name,
#include "preload/entrypoints.def"
};

struct Outcome {
  std::string out;
  int status;
};

Outcome run(const std::string& command) {
  Outcome outcome;
  FILE* pipe = popen(command.c_str(), "r");
  std::array<char, 4096> part;
  for (std::size_t size = 0; (size = fread(part.data(), 1, part.size(), pipe)) > 0;)
    outcome.out.append(part.data(), size);
  outcome.status = pclose(pipe);
  return outcome;
}

struct Place {
  const char* name;
  bool all_rows = true;  // in a vfork child some cannot be called
};
void PrintTo(const Place& place, std::ostream* out) { *out << place.name; }
class Rows : public testing::TestWithParam<Place> {
 protected:
  // The library behind ours is initialised first and finished last.
  static Outcome call(const std::string& library) {
    const std::string place = GetParam().name;
    std::string preload = library;
    if (place == "before" || place == "after") preload += ":" SOCKTRACK_ROWS;
    return run("env -u SOCKTRACK_HOSTED ROWS_AT=" + place +
               " SOCKTRACK_OUTPUT=" SOCKTRACK_RECORDINGS
               " SOCKTRACK_GRACE=1h SOCKTRACK_LOG=off LD_PRELOAD='" +
               preload + "' " SOCKTRACK_ROWS_HOST " " SOCKTRACK_ROWS " " + place + " 2>&1");
  }
};

TEST_P(Rows, AnswerAsLibcAlone) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the runtimes of the sanitizers answer for libc";
#endif
  const Outcome bare = call("");
  ASSERT_EQ(bare.status, 0) << bare.out;
  if (GetParam().all_rows) {
    for (const std::string& name : kTable)
      EXPECT_NE(("\n" + bare.out).find("\n" + name + ":"), std::string::npos) << name;
  }
  const Outcome loaded = call(SOCKTRACK_PRELOAD);
  EXPECT_EQ(loaded.status, 0);
  EXPECT_EQ(loaded.out, bare.out);
}

INSTANTIATE_TEST_SUITE_P(Places, Rows,
                         testing::Values(Place{"open"}, Place{"deepbind"}, Place{"namespace"},
                                         Place{"handler"}, Place{"jump"}, Place{"vfork", false},
                                         Place{"fork"}, Place{"_Fork"}, Place{"cancelled", false},
                                         Place{"before"}, Place{"after"}),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
