// The outside view: what the kernel and /proc tell about the dead sockets of programs that were not prepared
// in any way. Built by scan.cpp, rendered by render_scan_text and render_scan_json; docs/scan.schema.json.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/thread_stacks.h"
#include "watch/names.h"

namespace socktrack {

// What one socket looks like from outside. There are no witnesses here: Recv-Q tells what the program did,
// because the peer's FIN counts as one byte until it is read.
enum class ScanFinding : std::uint8_t {
  eof_not_closed,  // Recv-Q 0: the end of stream was read, and the socket kept
  fin_unread,      // only the end of stream (or TLS close_notify and that) waits to be read
  data_unread,     // data waits to be read, and after it the end of stream
  never_accepted,  // in the accept queue of a listener
  inherited,       // several processes hold it
  peer_gone,       // a UNIX stream without its peer; whether that was read is not told
  unconnected,     // a TCP socket without a connection: never connected, or reset
  unowned,         // no process that could be looked at holds it
  sending,         // CLOSE_WAIT, but the program still sends: a legal half-close
  young,           // dead for less than the grace: may be closed any moment
};

const char* name_of(ScanFinding finding);      // "eof_not_closed"
const char* sentence_of(ScanFinding finding);  // "the end of stream was read, and the socket not closed"
bool is_trouble(ScanFinding finding);          // not `sending`, not `young`

struct Holder {
  int pid = 0;
  int fd = -1;
};

struct ScannedSocket {
  std::uint64_t inode = 0;
  std::uint64_t cookie = 0;
  std::string protocol;  // "tcp", "unix"
  std::string state;     // "CLOSE_WAIT"
  std::uint32_t recv_q = 0, send_q = 0;
  std::string local, peer;           // "127.0.0.1:80"; "" = none
  std::optional<double> at_least_s;  // the FIN came so long ago, or longer: keepalive answers hide some
  std::optional<double> at_most_s;   // ... and not longer: then the last data came
  bool in_epoll = false;             // of the process it is listed under
  std::vector<Holder> holders;       // lowest process first; the listener's for never_accepted
};

struct ScanPeer {
  std::string address;  // without port
  std::uint64_t count = 0;
};

struct ScanGroup {
  ScanFinding finding = ScanFinding::young;
  bool inbound = false;  // its local port is one that somebody in this network listens at
  std::string service;   // ":8080" inbound, "10.0.0.7:5432" outbound, path of a UNIX socket
  std::string note;      // "TLS close_notify", "TLS ClientHello"; "" = nothing special
  std::uint64_t count = 0;
  std::uint64_t in_epoll = 0;
  std::optional<double> youngest_s, oldest_s;
  std::uint32_t queue = 0, backlog = 0;  // of the listener, for never_accepted
  std::vector<ScanPeer> peers;           // most sockets first
  std::vector<int> other_holders;        // processes that hold some of them as well
  std::string advice;
  std::vector<ScannedSocket> sockets;  // at most ScanRequest::sockets_listed
};

// What the threads of a process are blocked in; equal ones are counted.
struct ThreadActivity {
  std::string doing;   // "recvfrom(fd 7)", "futex", "running"
  std::string kernel;  // /proc/PID/task/TID/wchan: "ep_poll"; "" = not told
  std::string name;    // of the first of them
  std::uint64_t count = 0;
};

struct ScanProcess {
  int pid = 0;  // 0: the sockets of nobody
  std::string name;
  std::string exe;
  std::string user;
  bool tracked = false;   // the preload library is in it
  bool kept_out = false;  // ... and does nothing there
  std::uint64_t network_namespace = 0;
  std::uint64_t fds_open = 0, fds_limit = 0;
  std::uint64_t dead = 0;  // sockets in groups that are trouble
  std::vector<ScanGroup> groups;
  std::vector<ThreadActivity> threads;
  std::vector<ThreadStack> stacks;  // with --stacks
  std::string stacks_problem;
  std::string advice;  // about the descriptor limit; "" = none
};

struct Unseen {
  std::string name;
  std::uint64_t count = 0;
  std::string what;
};

struct Scan {
  std::string taken;  // ISO 8601, UTC
  std::uint64_t processes_looked_at = 0;
  std::vector<ScanProcess> processes;  // those with something to tell, most dead sockets first
  std::vector<Unseen> unseen;
};

struct ScanRequest {
  std::vector<int> pids;  // empty: all that `all` allows
  bool all = false;       // those of other users as well
  bool stacks = false;
  double grace_s = 1;
  std::size_t sockets_listed = 5;  // per group
};

// Throws Failure with a sentence if a process that was asked for does not exist or may not be looked at.
Scan scan(const ScanRequest& request, Names& names);

// Dead sockets per group of the look before, to tell growth; the key is made by growth_key.
using ScanCounts = std::map<std::string, std::uint64_t>;
ScanCounts counts_of(const Scan& scan);
std::string growth_key(const ScanProcess& process, const ScanGroup& group);

std::string render_scan_text(const Scan& scan, bool colour, const ScanCounts* before);
std::string render_scan_json(const Scan& scan, bool one_line);  // ends with a newline

}  // namespace socktrack
