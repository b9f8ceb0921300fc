// Counts, ages, rates, lists and fingerprints, from recordings whose content is known to the digit.
#include "watch/report_builder.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "recording_fixture.h"

namespace socktrack {
namespace {

using test::RecordingFixture;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint64_t kSecond = RecordingFixture::kSecond;
constexpr std::uint64_t kNow = RecordingFixture::kNow;

// Says "f<offset>", and one more inlined frame for the offset 0x99.
class FakeNames final : public Names {
 public:
  std::vector<Frame> frames_at(const Module& module, std::uint64_t offset) override {
    Frame frame = bare_frame(module, offset);
    frame.function = "f" + std::to_string(offset);
    if (offset != 0x99) return {frame};
    Frame inner = frame;
    inner.function = "inner";
    inner.inlined = true;
    return {inner, frame};
  }
};

class ReportBuilder : public testing::Test {
 protected:
  ReportBuilder() {
    module_ = fixture_.add_module("/usr/bin/server", {0xab, 0xcd});
    open_site_ = fixture_.add_site({make_frame(module_, 1), make_frame(module_, 2)});
    seen_site_ = fixture_.add_site({make_frame(module_, 3), make_frame(module_, 2)});
  }

  ProcessReport build(const ProcessFate& fate = {}) { return build_process(view(), fate, names_); }
  RecordingView view() { return RecordingView::of_memory(fixture_.data(), fixture_.size()); }
  std::uint32_t add_group(std::uint32_t spoken, Verdict verdict = Verdict::eof_not_closed) {
    return fixture_.add_group(verdict, open_site_, seen_site_, spoken);
  }

  RecordingFixture fixture_;
  FakeNames names_;
  std::uint32_t module_ = 0;
  std::uint32_t open_site_ = 0;
  std::uint32_t seen_site_ = 0;
};

TEST_F(ReportBuilder, CountIsWhatWasSpokenAndNeitherClosedNorTakenBack) {
  Group& group = fixture_.group(add_group(30));
  group.late_closes = 4;
  group.withdrawn = 3;
  const ProcessReport report = build();
  ASSERT_THAT(report.groups, SizeIs(1));
  EXPECT_EQ(report.groups[0].count, 23U);
  EXPECT_EQ(report.groups[0].late_closes, 4U);
  EXPECT_EQ(report.leaked, 23U);
}

TEST_F(ReportBuilder, ACountIsNeverNegative) {
  Group& group = fixture_.group(add_group(1));
  group.late_closes = 2;
  group.withdrawn = ~0U;
  const ProcessReport report = build();
  EXPECT_THAT(report.groups, IsEmpty());
  EXPECT_EQ(report.leaked, 0U);
}

TEST_F(ReportBuilder, GroupsGoToTheirLists) {
  add_group(2);
  add_group(9, Verdict::error_not_closed);
  fixture_.group(add_group(5)).flags = group_flag::at_exit;
  fixture_.group(add_group(6)).late_closes = 6;
  fixture_.group(add_group(7)).withdrawn = 7;
  fixture_.group(add_group(8)).ready = 0;
  add_group(4, Verdict::fin_unread);
  fixture_.group(add_group(3)).verdict = static_cast<Verdict>(77);
  const ProcessReport report = build();
  ASSERT_THAT(report.groups, SizeIs(3));
  EXPECT_EQ(report.groups[0].count, 9U);
  EXPECT_EQ(report.groups[1].verdict, Verdict::fin_unread);
  EXPECT_EQ(report.groups[2].count, 2U);
  EXPECT_EQ(report.leaked, 11U) << "fin_unread and open_at_exit are no leaks";
  ASSERT_THAT(report.open_at_exit, SizeIs(1));
  EXPECT_EQ(report.open_at_exit[0].count, 5U);
  ASSERT_THAT(report.closed_late, SizeIs(1));
  EXPECT_EQ(report.closed_late[0].late_closes, 6U);
}

TEST_F(ReportBuilder, RateNeedsTwoSocketsAndTime) {
  Group& many = fixture_.group(add_group(31));
  many.first_ns = kNow - 120 * kSecond;
  fixture_.group(add_group(1)).operation = Operation::read;
  Group& at_once = fixture_.group(add_group(20));
  at_once.first_ns = kNow;
  at_once.operation = Operation::readv;
  const ProcessReport report = build();
  EXPECT_DOUBLE_EQ(report.groups[0].per_minute, 15.0);
  EXPECT_DOUBLE_EQ(report.groups[1].per_minute, 0.0) << "all in one sweep";
  EXPECT_DOUBLE_EQ(report.groups[2].per_minute, 0.0) << "a single socket";
}

// The stacks differ beyond the frames that tell: one leak, not two.
TEST_F(ReportBuilder, GroupsOfOneLeakAreOne) {
  for (const std::uint64_t caller : {100, 200}) {
    std::uint64_t frames[9];
    for (std::uint64_t i = 0; i < 8; ++i) frames[i] = make_frame(module_, i + 1);
    const std::uint32_t site =
        fixture_.add_site({frames[0], frames[1], frames[2], frames[3], frames[4], frames[5], frames[6],
                           frames[7], make_frame(module_, caller)});
    const std::uint32_t group = fixture_.add_group(Verdict::eof_not_closed, open_site_, site, 2);
    fixture_.add_accusation(group, static_cast<std::uint32_t>(caller), kNow - kSecond);
  }
  const ProcessReport report = build();
  ASSERT_THAT(report.groups, SizeIs(1));
  EXPECT_EQ(report.groups[0].count, 4U);
  EXPECT_THAT(report.groups[0].sockets, SizeIs(2));
  EXPECT_EQ(report.leaked, 4U);
}

TEST_F(ReportBuilder, AgesEndWithTheProgram) {
  const std::uint32_t group = add_group(2);
  fixture_.add_accusation(group, 7, kNow - 30 * kSecond);
  fixture_.add_accusation(group, 8, kNow - 90 * kSecond);
  EXPECT_DOUBLE_EQ(build().groups[0].oldest_s, 90.0);
  fixture_.header().ended_monotonic_ns = kNow + 10 * kSecond;
  const ProcessReport report = build();
  EXPECT_DOUBLE_EQ(report.groups[0].oldest_s, 100.0);
  EXPECT_DOUBLE_EQ(report.groups[0].sockets[0].age_s, 40.0);
}

TEST_F(ReportBuilder, SocketsAreThoseStillAccusedOfThisGroup) {
  const std::uint32_t group = add_group(400);
  const std::uint32_t other = add_group(1);
  fixture_.group(other).operation = Operation::read;
  for (std::uint32_t fd = 0; fd < 300; ++fd) fixture_.add_accusation(group, fd, kNow - kSecond);
  fixture_.accusation(0).ended_ns = kNow;
  fixture_.accusation(1).ready = 0;
  fixture_.add_accusation(other, 900, kNow - 2 * kSecond);
  fixture_.add_accusation(~0U, 901, kNow);
  const ProcessReport report = build();
  EXPECT_EQ(report.groups[0].count, 400U);
  ASSERT_THAT(report.groups[0].sockets, SizeIs(100));
  EXPECT_EQ(report.groups[0].sockets[0].fd, 2);
  ASSERT_THAT(report.groups[1].sockets, SizeIs(1));
  EXPECT_EQ(report.groups[1].sockets[0].fd, 900);
}

TEST_F(ReportBuilder, SocketFacts) {
  const std::uint32_t index = fixture_.add_accusation(add_group(1), 12, kNow - 5 * kSecond);
  Accusation& accusation = fixture_.accusation(index);
  accusation.opened_ns = kNow - 8 * kSecond;
  accusation.inode = 5150;
  accusation.recv_q = 1;
  accusation.send_q = 2;
  accusation.local = {AF_INET, 80, 0, {127, 0, 0, 1}};
  accusation.peer = {AF_INET6, 4242, 0, {}};
  accusation.peer.address[15] = 1;
  const SocketFacts facts = build().groups[0].sockets[0];
  EXPECT_EQ(facts.fd, 12);
  EXPECT_EQ(facts.cookie, 1012U);
  EXPECT_EQ(facts.inode, 5150U);
  EXPECT_EQ(facts.state, "CLOSE_WAIT");
  EXPECT_EQ(facts.recv_q, 1U);
  EXPECT_EQ(facts.send_q, 2U);
  EXPECT_EQ(facts.local, "127.0.0.1:80");
  EXPECT_EQ(facts.peer, "[::1]:4242");
  EXPECT_DOUBLE_EQ(facts.age_s, 5.0);
  EXPECT_DOUBLE_EQ(facts.opened_s, 8.0);

  accusation.peer.scope = 3;
  accusation.local.family = 1;
  const SocketFacts scoped = build().groups[0].sockets[0];
  EXPECT_EQ(scoped.peer, "[::1%3]:4242");
  EXPECT_EQ(scoped.local, "");
}

TEST_F(ReportBuilder, StacksAreExpandedThroughNames) {
  const std::uint32_t inlined = fixture_.add_site({make_frame(module_, 0x99), make_frame(kNoModule, 0x7f00)});
  Group& group = fixture_.group(add_group(1));
  group.sighting_site = inlined;
  group.error = ECONNRESET;
  std::memcpy(group.thread, "worker-3-long-na", sizeof(group.thread));  // no NUL
  const LeakGroup built = build().groups[0];
  ASSERT_THAT(built.sighting_stack, SizeIs(3));
  EXPECT_EQ(built.sighting_stack[0].function, "inner");
  EXPECT_TRUE(built.sighting_stack[0].inlined);
  EXPECT_EQ(built.sighting_stack[1].function, "f153");
  EXPECT_EQ(built.sighting_stack[1].build_id, "abcd");
  EXPECT_EQ(built.sighting_stack[2].module, "");
  EXPECT_EQ(built.sighting_stack[2].offset, 0x7f00U);
  ASSERT_THAT(built.open_stack, SizeIs(2));
  EXPECT_EQ(built.open_stack[1].function, "f2");
  EXPECT_EQ(built.error, "ECONNRESET");
  EXPECT_EQ(built.operation, "recv");
  EXPECT_EQ(built.thread, "worker-3-long-na");
}

TEST_F(ReportBuilder, SiblingsAreClosedAtTheMostSampledSite) {
  const std::uint32_t rare = fixture_.add_site({make_frame(module_, 10)});
  const std::uint32_t usual = fixture_.add_site({make_frame(module_, 11)});
  Site& open = fixture_.site(open_site_);
  open.opened = 1000;
  open.closed = 977;
  open.closes[0].site = rare;
  open.closes[0].count = 2;
  open.closes[3].site = usual;
  open.closes[3].count = 40;
  add_group(23);
  const LeakGroup built = build().groups[0];
  ASSERT_THAT(built.sibling_close_stack, SizeIs(1));
  EXPECT_EQ(built.sibling_close_stack[0].function, "f11");
  EXPECT_EQ(built.opened_here, 1000U);
  EXPECT_EQ(built.closed_here, 977U);
}

TEST_F(ReportBuilder, ProcessFacts) {
  Header& header = fixture_.header();
  header.opened = 10;
  header.inherited = 2;
  header.closed = 5;
  header.fds_open = 48;
  header.fds_limit = 1024;
  header.blind_spots[static_cast<std::size_t>(BlindSpot::io_uring)] = 3;
  ProcessReport report = build({true, {}});
  EXPECT_EQ(report.pid, 4711);
  EXPECT_EQ(report.exe, "/usr/bin/server");
  EXPECT_EQ(report.started, "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(report.ended, "");
  EXPECT_TRUE(report.running);
  EXPECT_EQ(report.live, 7U);
  EXPECT_EQ(report.fds_open, 48U);
  ASSERT_THAT(report.blind_spots, SizeIs(1));
  EXPECT_EQ(report.blind_spots[0].name, "io_uring");
  EXPECT_EQ(report.blind_spots[0].count, 3U);
  header.closed = 5000;
  EXPECT_EQ(build().live, 0U);
}

TEST_F(ReportBuilder, ExitStatusIsThatOfTheParentElseOwnWord) {
  Header& header = fixture_.header();
  EXPECT_EQ(build().exit_status, std::nullopt);
  header.exit_status = 256 + 7;
  EXPECT_EQ(build().exit_status, std::nullopt) << "killed: the word of the program was never given";
  header.ended_by = static_cast<std::uint32_t>(EndedBy::underscore_exit);
  header.ended_realtime_ns = 1'700'000'001'000'000'000;
  EXPECT_EQ(build().exit_status, 7);
  EXPECT_EQ(build().ended, "2023-11-14T22:13:21.000Z");
  EXPECT_EQ(build({false, 139}).exit_status, 139);
  header.ended_by = static_cast<std::uint32_t>(EndedBy::exec);
  EXPECT_EQ(build().exit_status, std::nullopt);
}

// The same frames at other module indices and load addresses, as another run would record them.
TEST_F(ReportBuilder, FingerprintsDependOnTheCodeAlone) {
  const std::string first = fingerprint(view(), fixture_.group(add_group(3)));
  EXPECT_EQ(first.size(), 16U);
  EXPECT_EQ(first.find_first_not_of("0123456789abcdef"), std::string::npos);

  RecordingFixture other;
  other.add_module("/lib/something.so", {1});
  const std::uint32_t moved = other.add_module("/opt/elsewhere/server", {0xab, 0xcd});
  other.module(moved).bias = 0x5555000;
  const std::uint32_t open = other.add_site({make_frame(moved, 1), make_frame(moved, 2)});
  const std::uint32_t seen =
      other.add_site({make_frame(moved, 3), make_frame(kNoModule, 0x7f0012345678), make_frame(moved, 2)});
  const std::uint32_t group = other.add_group(Verdict::eof_not_closed, open, seen, 99);
  const RecordingView other_view = RecordingView::of_memory(other.data(), other.size());
  EXPECT_EQ(fingerprint(other_view, other.group(group)), first) << "JIT frames and ASLR play no part";

  other.group(group).verdict = Verdict::error_not_closed;
  EXPECT_NE(fingerprint(other_view, other.group(group)), first);
  other.group(group).verdict = Verdict::eof_not_closed;
  std::swap(other.group(group).open_site, other.group(group).sighting_site);
  EXPECT_NE(fingerprint(other_view, other.group(group)), first);
  std::swap(other.group(group).open_site, other.group(group).sighting_site);
  other.module(moved).build_id[0] = 0xaa;
  EXPECT_NE(fingerprint(other_view, other.group(group)), first);
}

// Of Java the program's own classes and methods tell: neither lines nor what a JDK has in between.
TEST_F(ReportBuilder, JavaFingerprintsAreOfClassesAndMethods) {
  const auto fingerprint_of = [](const std::string& jdk, const std::string& method, std::uint32_t line) {
    RecordingFixture fixture;
    const std::uint32_t net = fixture.add_module("/jdk/lib/" + jdk, {});
    const std::uint32_t site = fixture.add_site(
        {make_frame(net, 1), fixture.add_line(Language::java, "sun.nio." + jdk, "Net.java", 7),
         fixture.add_line(Language::java, method, "Server.java", line)});
    const std::uint32_t group = fixture.add_group(Verdict::abandoned, site, 0, 1);
    return fingerprint(RecordingView::of_memory(fixture.data(), fixture.size()), fixture.group(group));
  };
  const std::string first = fingerprint_of("libnio.so", "shop.Server.accept", 3);
  EXPECT_EQ(fingerprint_of("libnet.so", "shop.Server.accept", 4), first);
  EXPECT_NE(fingerprint_of("libnio.so", "shop.Server.handle", 3), first);
  EXPECT_NE(fingerprint_of("libnio.so", "java.net.Socket.accept", 3),
            fingerprint_of("libnet.so", "java.net.Socket.accept", 3))
      << "nothing but the JDK: then its methods tell";
}

// Of what a loop calls for, the program's own functions tell: in which call of asyncio they wait is chance.
TEST_F(ReportBuilder, FingerprintsOfAsyncioAreOfTheFunctionsThatWait) {
  const auto fingerprint_of = [](const std::string& waits_in, const std::string& handler, LineRole role) {
    RecordingFixture fixture;
    const std::uint32_t python = fixture.add_module("/usr/bin/" + waits_in, {});
    const std::string library = "/usr/lib/python3.11/asyncio/streams.py";
    const std::uint32_t site = fixture.add_site(
        {make_frame(python, 1), fixture.add_line(Language::python, "_read_ready", library, 7),
         fixture.add_line(Language::python, waits_in, library, 9, LineRole::awaiting),
         fixture.add_line(Language::python, handler, "/srv/shop.py", 12, role),
         fixture.add_line(Language::python, "_run", library, 80)});
    const std::uint32_t group = fixture.add_group(Verdict::eof_not_closed, site, 0, 1);
    return fingerprint(RecordingView::of_memory(fixture.data(), fixture.size()), fixture.group(group));
  };
  const std::string first = fingerprint_of("StreamReader.read", "handle", LineRole::awaiting);
  EXPECT_EQ(fingerprint_of("StreamReader.readline", "handle", LineRole::awaiting), first);
  EXPECT_EQ(fingerprint_of("StreamReader.read", "handle", LineRole::callback), first);
  EXPECT_NE(fingerprint_of("StreamReader.read", "serve", LineRole::awaiting), first);
}

// People write fingerprints into --allow and suppression files: this value must never change.
TEST_F(ReportBuilder, FingerprintsAreForEver) {
  EXPECT_EQ(fingerprint(view(), fixture_.group(add_group(1))), "4d0ff9f7a02c74b6");
}

TEST_F(ReportBuilder, WithoutBuildIdTheFileNameTells) {
  const auto fingerprint_in = [](const std::string& path) {
    RecordingFixture fixture;
    const std::uint32_t module = fixture.add_module(path, {});
    const std::uint32_t site = fixture.add_site({make_frame(module, 1)});
    const std::uint32_t group = fixture.add_group(Verdict::abandoned, site, 0, 1);
    return fingerprint(RecordingView::of_memory(fixture.data(), fixture.size()), fixture.group(group));
  };
  EXPECT_EQ(fingerprint_in("/a/server"), fingerprint_in("/b/c/server"));
  EXPECT_NE(fingerprint_in("/a/server"), fingerprint_in("/a/client"));
}

}  // namespace
}  // namespace socktrack
