#include "watch/backlog.h"

#include <linux/tcp.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "watch/sock_diag.h"

namespace socktrack::backlog {
namespace {

constexpr unsigned kCloseWait = 8;  // not by name: <netinet/tcp.h> lacks what the kernel's tcp_info has today
constexpr std::uint32_t kListeners = 16;
constexpr std::uint32_t kQueued = 1024;  // as many as are told of at once

struct Known : Listener {
  std::uint64_t since_ns = 0;  // not empty since then
  bool met = false;
};
Known g_listeners[kListeners];
std::uint32_t g_listener_count = 0;

struct Queued {
  std::uint64_t cookie = 0;  // 0: free
  std::uint64_t since_ns = 0;
  std::uint32_t accusation = 0;  // index + 1; 0: not told yet
  std::uint32_t fd = 0;          // of the listener
  std::uint64_t word = 0;
  bool met = false;
};
Queued g_queued[kQueued];
bool g_looked = false;  // before that nothing was written here
std::uint32_t g_told = 0;

bool is_any(const Endpoint& local) {
  for (const std::uint8_t byte : local.address) {
    if (byte != 0) return false;
  }
  return true;
}

// An IPv6 listener takes IPv4 connections as well; their addresses are then written as IPv6.
const Listener* listener_of(const DiagSocket& socket) {
  for (std::uint32_t i = 0; i < g_listener_count; i++) {
    const Endpoint& local = g_listeners[i].local;
    if (local.port != socket.local.port || local.family != socket.family) continue;
    if (is_any(local) || std::memcmp(local.address, socket.local.address, sizeof local.address) == 0)
      return &g_listeners[i];
  }
  return nullptr;
}

Queued* entry_of(std::uint64_t cookie) {
  Queued* free = nullptr;
  for (Queued& queued : g_queued) {
    if (queued.cookie == cookie) return &queued;
    if (queued.cookie == 0 && free == nullptr) free = &queued;
  }
  return free;
}

// When the peer's end came: it says nothing more after that, and nobody here has answered.
std::uint64_t silent_since(const DiagSocket& socket, std::uint64_t now_ns) {
  constexpr std::uint64_t kMillisecond = 1'000'000;
  tcp_info info{};
  constexpr std::size_t kEnough = offsetof(tcp_info, tcpi_last_ack_recv) + sizeof info.tcpi_last_ack_recv;
  if (socket.tcp_info_size < kEnough) return now_ns;
  std::memcpy(&info, socket.tcp_info, kEnough);
  const std::uint64_t ago = std::uint64_t{info.tcpi_last_ack_recv} * kMillisecond;
  return now_ns - std::min(now_ns, ago);
}

bool speaks_here(const Listener& listener, const Inquiry& answers) {
  if (listener.shared_inode == 0) return true;
  const Holder* holder = answers.holder_of(listener.shared_inode);
  return holder != nullptr && !holder->is_older;
}

struct Look {
  VerdictBook& book;
  const Inquiry& answers;
  bool at_exit;
  std::uint64_t now_ns;
};

bool look_at(void* context, const DiagSocket& socket) {
  auto& look = *static_cast<Look*>(context);
  const Listener* listener = socket.inode != 0 ? nullptr : listener_of(socket);
  const bool ours = listener != nullptr && speaks_here(*listener, look.answers);
  Queued* queued = ours ? entry_of(socket.cookie) : nullptr;
  if (queued == nullptr) return true;
  if (queued->cookie == 0)
    *queued = {socket.cookie, silent_since(socket, look.now_ns), 0, listener->fd, listener->word, true};
  queued->met = true;
  if (queued->accusation != 0) return true;
  QueuedSuspect suspect;
  suspect.fd = listener->fd;
  suspect.word = listener->word;
  suspect.cookie = socket.cookie;
  suspect.recv_q = socket.recv_q;
  suspect.send_q = socket.send_q;
  suspect.local = socket.local;
  suspect.peer = socket.peer;
  suspect.queue_length = listener->queue.length;
  suspect.queue_limit = listener->queue.limit;
  suspect.since_ns = queued->since_ns;
  suspect.now_ns = look.now_ns;
  suspect.at_exit = look.at_exit;
  queued->accusation = look.book.consider_queued(suspect);
  if (queued->accusation != 0) g_told++;
  return true;
}

// Accepted after all, which takes it back. Not so if the listener was closed: they never were.
void forget(Queued& queued, VerdictBook& book, std::uint64_t now_ns) {
  if (queued.accusation != 0) {
    if (book.is_open(queued.fd, queued.word)) book.end_accusation(queued.accusation - 1, now_ns);
    g_told--;
  }
  queued = {};
}

}  // namespace

void begin_pass() {
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < g_listener_count; i++) {
    if (!g_listeners[i].met) continue;  // its queue was empty in the pass before
    g_listeners[i].met = false;
    g_listeners[kept++] = g_listeners[i];
  }
  g_listener_count = kept;
}

void note(const Listener& met, std::uint64_t now_ns) {
  Known* known = nullptr;
  for (std::uint32_t i = 0; i < g_listener_count; i++) {
    const bool same_socket = word_generation(g_listeners[i].word) == word_generation(met.word);
    if (g_listeners[i].fd == met.fd && same_socket) known = &g_listeners[i];
  }
  if (known == nullptr) {
    if (g_listener_count == kListeners) return;
    known = &g_listeners[g_listener_count++];
    known->since_ns = now_ns;
  }
  static_cast<Listener&>(*known) = met;
  known->met = true;
}

bool wants_a_look(std::uint64_t patience_ns, std::uint64_t now_ns) {
  if (g_told > 0) return true;
  for (std::uint32_t i = 0; i < g_listener_count; i++) {
    if (g_listeners[i].met && now_ns - g_listeners[i].since_ns >= patience_ns) return true;
  }
  return false;
}

void ask(Inquiry& questions) {
  for (std::uint32_t i = 0; i < g_listener_count; i++) {
    if (g_listeners[i].met && g_listeners[i].shared_inode != 0) questions.want(g_listeners[i].shared_inode);
  }
}

void look(VerdictBook& book, const Inquiry& answers, bool at_exit, std::uint64_t now_ns) {
  const int netlink = open_sock_diag();
  if (netlink < 0) return;
  g_looked = true;
  for (Queued& queued : g_queued) queued.met = false;
  Look context{book, answers, at_exit, now_ns};
  bool whole = true;
  for (const int family : {AF_INET, AF_INET6}) {
    const DiagAnswer answer =
        dump_tcp(netlink, static_cast<std::uint8_t>(family), diag_state(kCloseWait), true, look_at, &context);
    whole = whole && answer == DiagAnswer::complete;
  }
  close_sock_diag(netlink);
  if (!whole) return;
  for (Queued& queued : g_queued) {
    if (queued.cookie != 0 && !queued.met) forget(queued, book, now_ns);
  }
}

void reset() {
  g_listener_count = 0;
  g_told = 0;
  if (!g_looked) return;  // in a forked child a page costs a fault even if it is only read
  for (Queued& queued : g_queued) {
    if (queued.cookie != 0) queued = {};  // a page that is only read is not copied
  }
}

}  // namespace socktrack::backlog
