#include "watch/vocabulary.h"

#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <set>
#include <string>

namespace socktrack {
namespace {

TEST(Vocabulary, VerdictsHaveNamesOfTheirOwnAndAHint) {
  std::set<std::string> names, hints;
  for (int i = 0; i <= static_cast<int>(Verdict::half_open_peer); ++i) {
    names.insert(name_of(static_cast<Verdict>(i)));
    hints.insert(hint_for(static_cast<Verdict>(i)));
  }
  EXPECT_EQ(names.size(), 9U);
  EXPECT_EQ(hints.size(), 9U);
  EXPECT_FALSE(names.contains("?"));
  EXPECT_STREQ(name_of(Verdict::eof_not_closed), "eof_not_closed");
}

TEST(Vocabulary, HintsAreOneSentence) {
  for (int i = 0; i <= static_cast<int>(Verdict::half_open_peer); ++i) {
    const std::string hint = hint_for(static_cast<Verdict>(i));
    EXPECT_EQ(hint.back(), '.') << hint;
    EXPECT_EQ(hint.find(". "), std::string::npos) << hint;
    EXPECT_EQ(hint.find('\n'), std::string::npos) << hint;
  }
}

TEST(Vocabulary, OperationsAreTheCallsTheyName) {
  std::set<std::string> names;
  for (int i = 0; i <= static_cast<int>(Operation::epoll_ctl); ++i) {
    names.insert(name_of(static_cast<Operation>(i)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Operation::epoll_ctl) + 1);
  EXPECT_FALSE(names.contains("?"));
  EXPECT_STREQ(name_of(Operation::none), "");
  EXPECT_STREQ(name_of(Operation::recvmmsg), "recvmmsg");
}

TEST(Vocabulary, BlindSpotsHaveANameAndASentence) {
  std::set<std::string> names, sentences;
  for (int i = 0; i < static_cast<int>(BlindSpot::count_); ++i) {
    names.insert(name_of(static_cast<BlindSpot>(i)));
    sentences.insert(sentence_of(static_cast<BlindSpot>(i)));
    EXPECT_EQ(std::string(sentence_of(static_cast<BlindSpot>(i))).back(), '.');
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(BlindSpot::count_));
  EXPECT_EQ(sentences.size(), names.size());
  EXPECT_FALSE(names.contains("?"));
}

TEST(Vocabulary, DamagedRecordingsHaveNoNames) {
  EXPECT_STREQ(name_of(static_cast<Verdict>(200)), "?");
  EXPECT_STREQ(hint_for(static_cast<Verdict>(200)), "?");
  EXPECT_STREQ(name_of(static_cast<Operation>(200)), "?");
  EXPECT_STREQ(name_of(static_cast<BlindSpot>(200)), "?");
  EXPECT_STREQ(sentence_of(BlindSpot::count_), "?");
  EXPECT_STREQ(tcp_state_name(0), "?");
  EXPECT_STREQ(tcp_state_name(255), "?");
  EXPECT_STREQ(errno_name(65535), "?");
  EXPECT_FALSE(is_leak(static_cast<Verdict>(200)));
}

TEST(Vocabulary, StatesAndErrors) {
  EXPECT_STREQ(tcp_state_name(TCP_CLOSE_WAIT), "CLOSE_WAIT");
  EXPECT_STREQ(tcp_state_name(TCP_CLOSE), "CLOSE");
  EXPECT_STREQ(errno_name(0), "");
  EXPECT_STREQ(errno_name(ECONNRESET), "ECONNRESET");
}

TEST(Vocabulary, OnlyWhatTheProgramWasToldIsALeak) {
  EXPECT_TRUE(is_leak(Verdict::eof_not_closed));
  EXPECT_TRUE(is_leak(Verdict::error_not_closed));
  EXPECT_TRUE(is_leak(Verdict::abandoned));
  for (const Verdict verdict : {Verdict::healthy, Verdict::fin_unread, Verdict::data_unread,
                                Verdict::never_accepted, Verdict::inherited, Verdict::half_open_peer}) {
    EXPECT_FALSE(is_leak(verdict)) << name_of(verdict);
  }
}

}  // namespace
}  // namespace socktrack
