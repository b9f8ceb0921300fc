// Loopback TCP connections with one end in the hand of the test.
#pragma once

#include <utility>

namespace entry {

// A closed-on-destruction descriptor, closed by the plain system call so that no hook is exercised by
// accident.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

struct Connection {
  Descriptor ours;  // accepted: tracked
  Descriptor peer;  // connected
};

// Runs `handler` every 10 ms until the other is called: the first may come before the call it is to
// interrupt, and that would then wait for ever.
void keep_interrupting(void (*handler)(int));
void stop_interrupting();

int listening_socket(bool ipv6 = false);
Connection connect_pair();
void end_stream(Connection& connection);  // the peer closes in order; returns when the FIN is here
void reset(Connection& connection);       // the peer resets; returns when the RST is here
void send_byte(Connection& connection);   // one byte waits for us
void set_nonblocking(int fd);
int copy_behind_our_back(int fd);  // a copy that no hook saw being made; -1 where that is not possible
void close_behind_our_back(int fd);
void await_sleep(int tid);  // until the kernel says that thread sleeps in a system call
int closed_port();          // nobody listens there

}  // namespace entry
