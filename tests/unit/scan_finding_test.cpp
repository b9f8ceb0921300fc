// What Recv-Q and /proc make of one socket.
#include "cli/scan_finding.h"

#include <gmock/gmock.h>
#include <sys/socket.h>

#include "watch/endpoint_text.h"

namespace socktrack {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

DeadSocket tcp(std::uint32_t recv_q) {
  DeadSocket socket;
  socket.family = AF_INET;
  socket.inode = 7;
  socket.recv_q = recv_q;
  socket.has_times = true;
  socket.last_ack_recv_ms = socket.last_data_recv_ms = socket.last_data_sent_ms = 60'000;
  return socket;
}

ScanFinding judged(const DeadSocket& socket, std::size_t holders = 1) {
  return finding_of(socket, holders, 1);
}

TEST(ScanFinding, RecvQTellsWhatTheProgramDid) {
  EXPECT_EQ(judged(tcp(0)), ScanFinding::eof_not_closed);
  EXPECT_EQ(judged(tcp(1)), ScanFinding::fin_unread);
  EXPECT_EQ(judged(tcp(2)), ScanFinding::data_unread);
  for (const std::uint32_t close_notify : {25U, 32U}) {
    EXPECT_EQ(judged(tcp(close_notify)), ScanFinding::fin_unread);
    EXPECT_EQ(note_of(ScanFinding::fin_unread, tcp(close_notify)), "TLS close_notify");
  }
  EXPECT_EQ(judged(tcp(518)), ScanFinding::data_unread);
  EXPECT_EQ(note_of(ScanFinding::data_unread, tcp(518)), "TLS ClientHello");
  EXPECT_EQ(note_of(ScanFinding::data_unread, tcp(519)), "");
  EXPECT_EQ(note_of(ScanFinding::fin_unread, tcp(1)), "");
}

TEST(ScanFinding, WhoHoldsIt) {
  EXPECT_EQ(judged(tcp(0), 2), ScanFinding::inherited);
  EXPECT_EQ(judged(tcp(0), 0), ScanFinding::unowned);
  DeadSocket queued = tcp(6);
  queued.inode = 0;
  EXPECT_EQ(judged(queued, 0), ScanFinding::never_accepted);
}

TEST(ScanFinding, AHalfCloseThatIsStillServedIsNoTrouble) {
  DeadSocket socket = tcp(0);
  socket.send_q = 1;
  EXPECT_EQ(judged(socket), ScanFinding::sending);
  socket = tcp(0);
  socket.last_data_sent_ms = 999;
  EXPECT_EQ(judged(socket), ScanFinding::eof_not_closed) << "it never sent: that is the time of its birth";
  socket.has_sent = true;
  EXPECT_EQ(judged(socket), ScanFinding::sending);
  socket.last_data_sent_ms = 1000;
  EXPECT_EQ(judged(socket), ScanFinding::eof_not_closed);
  socket.last_ack_recv_ms = 999;
  EXPECT_EQ(judged(socket), ScanFinding::young);
  for (const ScanFinding fine : {ScanFinding::sending, ScanFinding::young}) EXPECT_FALSE(is_trouble(fine));
}

TEST(ScanFinding, UnixSocketsDoNotTellWhatWasRead) {
  DeadSocket socket;
  socket.family = AF_UNIX;
  socket.inode = 7;
  EXPECT_EQ(judged(socket), ScanFinding::peer_gone);
  socket.recv_q = 25;
  EXPECT_EQ(judged(socket), ScanFinding::data_unread);
  EXPECT_EQ(note_of(ScanFinding::data_unread, socket), "");
}

TEST(ScanFinding, AdviceFitsTheProgram) {
  ScanProcess process;
  process.name = "server";
  ScanGroup group;
  group.finding = ScanFinding::eof_not_closed;
  Preflight preflight;
  preflight.answer = Preflight::Answer::yes;
  EXPECT_THAT(advice_for(process, group, preflight), HasSubstr("socktrack run -- server"));
  preflight.answer = Preflight::Answer::no;
  preflight.reason = "It is statically linked.";
  EXPECT_THAT(advice_for(process, group, preflight),
              AllOf(HasSubstr("statically linked"), Not(HasSubstr("socktrack run"))));
  process.tracked = true;
  EXPECT_THAT(advice_for(process, group, preflight), HasSubstr("socktrack report"));
  group.finding = ScanFinding::inherited;
  group.other_holders = {11, 12};
  EXPECT_THAT(advice_for(process, group, preflight), HasSubstr("processes 11, 12"));
  group.finding = ScanFinding::young;
  EXPECT_EQ(advice_for(process, group, preflight), "");
}

TEST(ScanFinding, ShortOfDescriptors) {
  ScanProcess process;
  process.pid = 5;
  process.fds_open = 79;
  process.fds_limit = 100;
  EXPECT_EQ(limit_advice(process), "");
  process.fds_open = 80;
  EXPECT_THAT(limit_advice(process), HasSubstr("--raise-limit"));
  process.fds_limit = 0;
  EXPECT_EQ(limit_advice(process), "");
}

TEST(EndpointText, AsPeopleWriteThem) {
  Endpoint endpoint{};
  EXPECT_EQ(endpoint_text(endpoint), "");
  endpoint = {AF_INET, 80, 0, {10, 0, 0, 7}};
  EXPECT_EQ(endpoint_text(endpoint), "10.0.0.7:80");
  endpoint = {AF_INET6, 80, 0, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 7}};
  EXPECT_EQ(endpoint_text(endpoint), "10.0.0.7:80");
  endpoint = {AF_INET6, 80, 2, {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  EXPECT_EQ(endpoint_text(endpoint), "[fe80::1%2]:80");
}

}  // namespace
}  // namespace socktrack
