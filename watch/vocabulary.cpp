#include "watch/vocabulary.h"

#include <netinet/tcp.h>

#include <cstring>

namespace socktrack {

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::healthy:
      return "healthy";
    case Verdict::eof_not_closed:
      return "eof_not_closed";
    case Verdict::error_not_closed:
      return "error_not_closed";
    case Verdict::fin_unread:
      return "fin_unread";
    case Verdict::data_unread:
      return "data_unread";
    case Verdict::never_accepted:
      return "never_accepted";
    case Verdict::inherited:
      return "inherited";
    case Verdict::abandoned:
      return "abandoned";
    case Verdict::half_open_peer:
      return "half_open_peer";
  }
  return "?";  // a damaged recording
}

const char* name_of(Operation operation) {
  switch (operation) {
    case Operation::none:
      return "";
    case Operation::connect:
      return "connect";
    case Operation::recv:
      return "recv";
    case Operation::recvfrom:
      return "recvfrom";
    case Operation::recvmsg:
      return "recvmsg";
    case Operation::recvmmsg:
      return "recvmmsg";
    case Operation::read:
      return "read";
    case Operation::readv:
      return "readv";
    case Operation::send:
      return "send";
    case Operation::sendto:
      return "sendto";
    case Operation::sendmsg:
      return "sendmsg";
    case Operation::write:
      return "write";
    case Operation::writev:
      return "writev";
    case Operation::getsockopt:
      return "getsockopt";
    case Operation::shutdown:
      return "shutdown";
    case Operation::splice:
      return "splice";
    case Operation::sendfile:
      return "sendfile";
    case Operation::sendmmsg:
      return "sendmmsg";
    case Operation::preadv2:
      return "preadv2";
    case Operation::pwritev2:
      return "pwritev2";
    case Operation::poll:
      return "poll";
    case Operation::epoll_wait:
      return "epoll_wait";
    case Operation::dup:
      return "dup";
    case Operation::epoll_ctl:
      return "epoll_ctl";
    case Operation::stdio:
      return "stdio";
  }
  return "?";
}

const char* name_of(BlindSpot spot) {
  switch (spot) {
    case BlindSpot::table_full:
      return "table_full";
    case BlindSpot::sites_full:
      return "sites_full";
    case BlindSpot::modules_full:
      return "modules_full";
    case BlindSpot::groups_full:
      return "groups_full";
    case BlindSpot::accusations_full:
      return "accusations_full";
    case BlindSpot::symbol_missing:
      return "symbol_missing";
    case BlindSpot::unseen_close:
      return "unseen_close";
    case BlindSpot::no_watcher_thread:
      return "no_watcher_thread";
    case BlindSpot::no_shared_file:
      return "no_shared_file";
    case BlindSpot::io_uring:
      return "io_uring";
    case BlindSpot::foreign_child:
      return "foreign_child";
    case BlindSpot::sandboxed:
      return "sandboxed";
    case BlindSpot::deepbind:
      return "deepbind";
    case BlindSpot::other_namespace:
      return "other_namespace";
    case BlindSpot::split_table:
      return "split_table";
    case BlindSpot::count_:
      break;
  }
  return "?";
}

const char* sentence_of(BlindSpot spot) {
  switch (spot) {
    case BlindSpot::table_full:
      return "Sockets were not tracked: their descriptor is above the table, or there was no memory for it "
             "(is the file system of the recordings full?).";
    case BlindSpot::sites_full:
      return "Stacks were dropped: the table of call sites is full, so sockets are reported without them.";
    case BlindSpot::modules_full:
      return "Frames have no module: the table of loaded libraries is full.";
    case BlindSpot::groups_full:
      return "Leaks were found but not grouped: the table of leak groups is full, or the file system of the "
             "recordings is.";
    case BlindSpot::accusations_full:
      return "The list of sample sockets is full: counts are exact, some sockets are not shown.";
    case BlindSpot::symbol_missing:
      return "The C library lacks functions that socktrack watches: calls of that kind are not seen.";
    case BlindSpot::unseen_close:
      return "Sockets were closed by calls that no hook sees (inside libc, direct system calls, io_uring): "
             "they are not reported.";
    case BlindSpot::no_watcher_thread:
      return "There was no watcher thread (it could not be started, or the process is a sandbox of its own, "
             "in a "
             "PID namespace without a /proc): sockets were only looked at when the program ended.";
    case BlindSpot::no_shared_file:
      return "The recording could not be put into a file: it is lost if the program is killed.";
    case BlindSpot::io_uring:
      return "The program uses io_uring: what goes through a ring leaves no stacks. Its TCP sockets are "
             "found and judged.";
    case BlindSpot::foreign_child:
      return "Calls in children of vfork or clone were passed through and not recorded.";
    case BlindSpot::sandboxed:
      return "The program put itself under a seccomp filter: since then sockets were not looked at, because "
             "a call the filter forbids could end the program.";
    case BlindSpot::deepbind:
      return "Libraries were loaded with RTLD_DEEPBIND: their calls go past socktrack.";
    case BlindSpot::other_namespace:
      return "Libraries were loaded into a namespace of their own (dlmopen): their calls go past socktrack.";
    case BlindSpot::split_table:
      return "A thread took a descriptor table of its own (unshare): its sockets are not tracked; if it was "
             "the "
             "main thread and left others behind, nothing is since then.";
    case BlindSpot::count_:
      break;
  }
  return "?";
}

const char* tcp_state_name(std::uint8_t state) {
  switch (state) {
    case TCP_ESTABLISHED:
      return "ESTABLISHED";
    case TCP_SYN_SENT:
      return "SYN_SENT";
    case TCP_SYN_RECV:
      return "SYN_RECV";
    case TCP_FIN_WAIT1:
      return "FIN_WAIT1";
    case TCP_FIN_WAIT2:
      return "FIN_WAIT2";
    case TCP_TIME_WAIT:
      return "TIME_WAIT";
    case TCP_CLOSE:
      return "CLOSE";
    case TCP_CLOSE_WAIT:
      return "CLOSE_WAIT";
    case TCP_LAST_ACK:
      return "LAST_ACK";
    case TCP_LISTEN:
      return "LISTEN";
    case TCP_CLOSING:
      return "CLOSING";
    default:
      return "?";
  }
}

const char* unix_state_name(std::uint8_t state, bool was_connected) {
  switch (state) {
    case TCP_CLOSE_WAIT:
      return "PEER_CLOSED";
    case TCP_CLOSE:
      return was_connected ? "SHUT_DOWN" : "UNCONNECTED";
    default:
      return tcp_state_name(state);
  }
}

const char* name_of(LineRole role) {
  switch (role) {
    case LineRole::awaiting:
      return "awaiting";
    case LineRole::callback:
      return "callback";
    case LineRole::running:
      break;
  }
  return "";
}

const char* name_of(Language language) {
  switch (language) {
    case Language::java:
      return "java";
    case Language::python:
      return "python";
    case Language::php:
      return "php";
    case Language::none:
      break;
  }
  return "";
}

const char* errno_name(std::uint16_t error) {
  if (error == 0) return "";
  const char* name = strerrorname_np(error);
  return name != nullptr ? name : "?";
}

const char* hint_for(Verdict verdict) {
  switch (verdict) {
    case Verdict::healthy:
      return "Nothing to do.";
    case Verdict::eof_not_closed:
      return "recv/read returned 0 (the peer closed) and the code went on without close(): close the "
             "descriptor on that path.";
    case Verdict::error_not_closed:
      return "The call failed for good and the error path went on without close(): close the descriptor "
             "before returning.";
    case Verdict::fin_unread:
      return "The peer closed and the program has not looked since: an idle pool entry to throw out, or a "
             "socket that nobody watches any more.";
    case Verdict::data_unread:
      return "The peer closed and its last data was never read: drain the response before letting go of the "
             "socket, or look at what the worker that should read is stuck in.";
    case Verdict::never_accepted:
      return "The connection waits in the listen queue: the accept loop is stalled, see what its thread is "
             "doing.";
    case Verdict::inherited:
      return "Another process still holds this socket: close the copy after fork, or open it with "
             "SOCK_CLOEXEC.";
    case Verdict::abandoned:
      return "The connection never came about and the socket was dropped: close it before trying again.";
    case Verdict::half_open_peer:
      return "The program shut the connection down and the peer never closes its side: close the descriptor "
             "after a timeout.";
  }
  return "?";
}

bool is_leak(Verdict verdict) {
  return verdict == Verdict::eof_not_closed || verdict == Verdict::error_not_closed ||
         verdict == Verdict::abandoned;
}

}  // namespace socktrack
