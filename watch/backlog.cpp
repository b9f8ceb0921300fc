#include "watch/backlog.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cstring>

#include "watch/sock_diag.h"

namespace socktrack::backlog {
namespace {

constexpr std::uint32_t kListeners = 16;
constexpr std::uint32_t kQueued = 1024;  // as many as are told of at once

struct Listener {
  std::uint64_t word;
  std::uint64_t since_ns;  // not empty since then
  Endpoint local;
  std::uint32_t fd;
  std::uint32_t length;
  std::uint32_t limit;
  bool met;
};
Listener g_listeners[kListeners];
std::uint32_t g_listener_count = 0;

struct Queued {
  std::uint64_t cookie = 0;  // 0: free
  std::uint64_t since_ns = 0;
  std::uint32_t accusation = 0;  // index + 1; 0: not told yet
  bool met = false;
};
Queued g_queued[kQueued];
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

struct Look {
  VerdictBook& book;
  bool at_exit;
  std::uint64_t now_ns;
};

bool look_at(void* context, const DiagSocket& socket) {
  auto& look = *static_cast<Look*>(context);
  const Listener* listener = socket.inode != 0 ? nullptr : listener_of(socket);
  Queued* queued = listener == nullptr ? nullptr : entry_of(socket.cookie);
  if (queued == nullptr) return true;
  if (queued->cookie == 0) *queued = {socket.cookie, look.now_ns, 0, true};
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
  suspect.queue_length = listener->length;
  suspect.queue_limit = listener->limit;
  suspect.since_ns = queued->since_ns;
  suspect.now_ns = look.now_ns;
  suspect.at_exit = look.at_exit;
  queued->accusation = look.book.consider_queued(suspect);
  if (queued->accusation != 0) g_told++;
  return true;
}

void forget(Queued& queued, VerdictBook& book, std::uint64_t now_ns) {
  if (queued.accusation != 0) {
    book.end_accusation(queued.accusation - 1, now_ns);
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

void note_listener(std::uint32_t fd, std::uint64_t word, const Endpoint& local, std::uint32_t length,
                   std::uint32_t limit, std::uint64_t now_ns) {
  Listener* listener = nullptr;
  for (std::uint32_t i = 0; i < g_listener_count; i++) {
    if (g_listeners[i].fd == fd && word_generation(g_listeners[i].word) == word_generation(word))
      listener = &g_listeners[i];
  }
  if (listener == nullptr) {
    if (g_listener_count == kListeners) return;
    listener = &g_listeners[g_listener_count++];
    *listener = {word, now_ns, local, fd, 0, 0, true};
  }
  listener->length = length;
  listener->limit = limit;
  listener->met = true;
}

bool wants_a_look(std::uint64_t patience_ns, std::uint64_t now_ns) {
  if (g_told > 0) return true;
  for (std::uint32_t i = 0; i < g_listener_count; i++) {
    if (g_listeners[i].met && now_ns - g_listeners[i].since_ns >= patience_ns) return true;
  }
  return false;
}

void look(VerdictBook& book, bool at_exit, std::uint64_t now_ns) {
  const int netlink = open_sock_diag();
  if (netlink < 0) return;
  for (Queued& queued : g_queued) queued.met = false;
  Look context{book, at_exit, now_ns};
  bool whole = true;
  for (const int family : {AF_INET, AF_INET6}) {
    const DiagAnswer answer = dump_tcp(netlink, static_cast<std::uint8_t>(family), diag_state(TCP_CLOSE_WAIT),
                                       false, look_at, &context);
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
  for (Queued& queued : g_queued) {
    if (queued.cookie != 0) queued = {};  // a page that is only read is not copied
  }
}

}  // namespace socktrack::backlog
