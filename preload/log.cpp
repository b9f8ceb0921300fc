#include "preload/log.h"

#include <fcntl.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <memory>

#include "preload/private_table.h"
#include "preload/process.h"
#include "watch/raw_syscall.h"

namespace socktrack::log {
namespace {

// No locks of libc that a fork could catch held: times are epoch seconds (%E), since localtime_r and
// gmtime_r take the time zone lock, which glibc does not reset in the child.
constexpr const char* kFilePattern = "[%E] [%P] [%l] %v";
constexpr const char* kPlainPattern = "socktrack: %v";

// Owned for ever: a destructor at exit would run while the scribe still writes.
spdlog::logger* g_logger = nullptr;
bool g_blank_lines = true;  // they part groups for the eye; in syslog they are noise

class StandardErrorSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t text;
    formatter_->format(message, text);
    const int fd = borrow_standard_error();
    if (fd < 0) return;
    const char* at = text.data();
    for (std::size_t left = text.size(); left > 0;) {
      const long written = raw_syscall(SYS_write, fd, reg(at), static_cast<long>(left));
      if (written <= 0) break;
      at += written;
      left -= static_cast<std::size_t>(written);
    }
    raw_syscall(SYS_close, fd);
  }
  void flush_() override {}
};

// Datagrams to /dev/log. Not by syslog(3): its connection is a number kept in libc for the whole process, and
// with a table of our own the same number is another file of the program's.
class SyslogSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  SyslogSink() : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_un address{AF_UNIX, "/dev/log"};
    if (fd_ >= 0 && ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      fd_ = -1;
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t text;
    formatter_->format(message, text);
    if (fd_ < 0) return;
    const bool serious = message.level >= spdlog::level::warn;
    const std::string packet = (serious ? "<28>socktrack[" : "<30>socktrack[") +
                               std::to_string(process::pid()) + "]: " + std::string(text.data(), text.size());
    raw_syscall(SYS_sendto, fd_, reg(packet.data()), static_cast<long>(packet.size()), MSG_NOSIGNAL, 0, 0);
  }
  void flush_() override {}

  int fd_;
};

// Ours alone, whatever the umask; spdlog opens what it finds.
void make_private(const spdlog::filename_t& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd >= 0) ::close(fd);
}

std::shared_ptr<spdlog::sinks::sink> make_file_sink(const char* path) {
  spdlog::file_event_handlers handlers;
  handlers.before_open = make_private;
  return std::make_shared<spdlog::sinks::rotating_file_sink_st>(path, 8U << 20U, 3, false, handlers);
}

std::shared_ptr<spdlog::sinks::sink> make_sink(const Options& options) {
  switch (options.log_to) {
    case LogTo::file:
      return make_file_sink(options.log_file);
    case LogTo::syslog:
      return std::make_shared<SyslogSink>();
    case LogTo::off:
      return nullptr;
    case LogTo::standard_error:
      break;
  }
  return std::make_shared<StandardErrorSink>();
}

// A datagram is a line of its own.
std::unique_ptr<spdlog::formatter> formatter_for(LogTo target) {
  const auto make = [](const char* pattern, const char* end) {
    return std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc, end);
  };
  if (target == LogTo::syslog) return make("%v", "");
  return make(target == LogTo::file ? kFilePattern : kPlainPattern, "\n");
}

}  // namespace

void open(const Options& options) {
  std::shared_ptr<spdlog::sinks::sink> sink;
  try {
    sink = make_sink(options);
  } catch (const spdlog::spdlog_ex&) {
    sink = std::make_shared<StandardErrorSink>();  // the file cannot be had: say things where they are seen
  }
  g_logger = sink ? new spdlog::logger("socktrack", sink) : new spdlog::logger("socktrack");
  g_logger->set_formatter(formatter_for(options.log_to));
  g_blank_lines = options.log_to != LogTo::syslog;
  g_logger->flush_on(spdlog::level::info);
}

void forget() { g_logger = nullptr; }

void warn(const std::string& text) {
  if (g_logger != nullptr) g_logger->warn("{}", text);
}

void report(const std::string& text) {
  if (g_logger == nullptr) return;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    if (end > start || g_blank_lines) g_logger->info("{}", std::string_view(text).substr(start, end - start));
    start = end + 1;
  }
}

}  // namespace socktrack::log
