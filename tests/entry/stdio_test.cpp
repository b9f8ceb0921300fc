// Descriptors in the hands of stdio: given to a FILE, and closed with it inside libc.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "own_recording.h"
#include "peers.h"

using namespace entry;
namespace flag = socktrack::slot_flag;

extern "C" {
FILE* _IO_fdopen(int, const char*);
int _IO_fclose(FILE*);
}

namespace {

struct Giver {
  const char* name;
  std::function<FILE*(int, const char*)> call;
};
const Giver kGivers[] = {
    {"fdopen", [](int fd, const char* mode) { return fdopen(fd, mode); }},
    {"_IO_fdopen", [](int fd, const char* mode) { return _IO_fdopen(fd, mode); }},
};

// Closes the stream's descriptor; what is left of the stream is closed too.
struct Taker {
  const char* name;
  std::function<void(FILE*)> call;
};

using Reopen = FILE* (*)(const char*, const char*, FILE*);
void reopen(Reopen call, FILE* stream) {
  FILE* file = call("/dev/null", "r", stream);
  ASSERT_EQ(file, stream);
  EXPECT_EQ(fgetc(file), EOF);
  EXPECT_EQ(fclose(file), 0);
}

// libc keeps the FILE, which nobody may use any more: it is kept here so that it does not count as lost.
void fail_to_reopen(FILE* stream) {
  static auto& kept = *new std::vector<FILE*>;  // for good: leaks are looked for after the last destructor
  kept.push_back(stream);
  EXPECT_EQ(freopen("/nowhere/at/all", "r", stream), nullptr);
}

const Taker kTakers[] = {
    {"fclose", [](FILE* stream) { EXPECT_EQ(fclose(stream), 0); }},
    {"_IO_fclose", [](FILE* stream) { EXPECT_EQ(_IO_fclose(stream), 0); }},
    {"freopen", [](FILE* stream) { reopen(freopen, stream); }},
    {"freopen64", [](FILE* stream) { reopen(freopen64, stream); }},
    {"freopen_that_fails", fail_to_reopen},
};

template <typename T>
std::string name_of(const testing::TestParamInfo<T>& info) {
  return info.param.name;
}
void PrintTo(const Giver& giver, std::ostream* out) { *out << giver.name; }
void PrintTo(const Taker& taker, std::ostream* out) { *out << taker.name; }

class Gives : public testing::TestWithParam<Giver> {};
class Takes : public testing::TestWithParam<Taker> {};

}  // namespace

TEST_P(Gives, MarksTheSlotAndFailsAsBefore) {
  ASSERT_TRUE(library_is_loaded());
  Connection connection = connect_pair();
  errno = 4711;
  FILE* stream = GetParam().call(connection.ours.get(), "r");
  EXPECT_EQ(errno, 4711);
  ASSERT_NE(stream, nullptr);
  EXPECT_NE(slot_of(connection.ours.get()).flags & flag::stdio, 0u);
  const int fd = connection.ours.release();
  EXPECT_EQ(fclose(stream), 0);
  EXPECT_FALSE(slot_of(fd).live);
  EXPECT_EQ(GetParam().call(fd, "r"), nullptr);
  EXPECT_EQ(errno, EBADF);
}

TEST_P(Takes, EndsTheGeneration) {
  ASSERT_TRUE(library_is_loaded());
  Connection connection = connect_pair();
  FILE* stream = fdopen(connection.ours.get(), "r");
  ASSERT_NE(stream, nullptr);
  const int fd = connection.ours.release();
  const std::uint64_t before = closed();
  GetParam().call(stream);
  EXPECT_FALSE(slot_of(fd).live);
  EXPECT_EQ(closed(), before + 1);
}

TEST_P(Takes, OtherStreamsPass) {
  ASSERT_TRUE(library_is_loaded());
  const Descriptor keeps_the_recording = std::move(connect_pair().ours);
  const std::uint64_t before = closed();
  FILE* stream = fopen("/dev/null", "r");
  ASSERT_NE(stream, nullptr);
  GetParam().call(stream);
  EXPECT_EQ(closed(), before);
}

INSTANTIATE_TEST_SUITE_P(Table, Gives, testing::ValuesIn(kGivers), name_of<Giver>);
INSTANTIATE_TEST_SUITE_P(Table, Takes, testing::ValuesIn(kTakers), name_of<Taker>);
