#include "watch/perf_map.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace socktrack {
namespace {

// A map that is longer is read from its end, which is what counts.
constexpr off_t kMostBytes = off_t{64} << 20U;
constexpr std::uint64_t kNanoseconds = 1'000'000'000;
// Runtimes write their first code before the first socket.
constexpr std::uint64_t kBefore = 60 * kNanoseconds;

// In lines of V8: kinds of code, and beginnings of paths.
constexpr char kKinds[][24] = {
    "JS:", "LazyCompile:", "Function:", "InterpretedFunction:", "Script:", "Eval:"};
constexpr char kPaths[][8] = {" /", " file:", " node:"};

class File {
 public:
  explicit File(const std::string& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  bool belongs_to(const Header& header) {
    if (fd_ < 0 || ::fstat(fd_, &facts_) != 0 || !S_ISREG(facts_.st_mode) || facts_.st_uid != header.uid)
      return false;
    const auto written = static_cast<std::uint64_t>(facts_.st_mtim.tv_sec) * kNanoseconds;
    return written + kBefore >= header.created_realtime_ns;
  }

  std::string text() const {
    const off_t from = std::max<off_t>(0, facts_.st_size - kMostBytes);
    std::string text(static_cast<std::size_t>(facts_.st_size - from), '\0');
    std::size_t used = 0;
    while (used < text.size()) {
      const ssize_t n = ::pread(fd_, text.data() + used, text.size() - used, from + static_cast<off_t>(used));
      if (n <= 0) break;
      used += static_cast<std::size_t>(n);
    }
    text.resize(used);
    if (from > 0) text.erase(0, std::min(text.find('\n'), text.size() - 1) + 1);  // begins within a line
    return text;
  }

 private:
  int fd_;
  struct stat facts_ {};
};

// Takes a hexadecimal number and the blank behind it from the line.
bool take_number(std::string_view& line, std::uint64_t& number) {
  if (line.starts_with("0x")) line.remove_prefix(2);
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number, 16);
  const auto used = static_cast<std::size_t>(end - line.data());
  if (error != std::errc() || used == line.size() || line[used] != ' ') return false;
  line.remove_prefix(used + 1);
  return true;
}

// Takes ":NUMBER" from the end of the text.
bool take_last_number(std::string_view& text, int& number) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == text.size()) return false;
  const char* from = text.data() + colon + 1;
  const char* to = text.data() + text.size();
  const auto [end, error] = std::from_chars(from, to, number);
  if (error != std::errc() || end != to || number < 0) return false;
  text.remove_suffix(text.size() - colon);
  return true;
}

// "*handle /srv/shop.js:12:7": the mark tells how the code was made.
bool take_javascript(Frame& frame, std::string_view rest) {
  int column = 0;
  int line = 0;
  if (!take_last_number(rest, column) || !take_last_number(rest, line)) return false;
  if (!rest.empty() && std::string_view("*~^+").find(rest.front()) != std::string_view::npos)
    rest.remove_prefix(1);
  auto blank = std::string_view::npos;
  for (const auto& path : kPaths) blank = std::min(blank, rest.find(path));
  if (blank == std::string_view::npos) blank = rest.rfind(' ');
  if (blank == std::string_view::npos) return false;
  std::string_view file = rest.substr(blank + 1);
  if (file.starts_with("file://")) file.remove_prefix(7);
  frame.function = blank == 0 ? "(anonymous)" : rest.substr(0, blank);
  frame.file = file;
  frame.line = line;
  return true;
}

}  // namespace

PerfMap::PerfMap(std::string text) : text_(std::move(text)) {
  std::size_t from = 0;
  while (from < text_.size()) {
    const std::size_t end = std::min(text_.find('\n', from), text_.size());
    std::string_view line = std::string_view(text_).substr(from, end - from);
    from = end + 1;
    Entry entry{};
    if (!take_number(line, entry.start) || !take_number(line, entry.size) || line.empty()) continue;
    entry.name_at = static_cast<std::size_t>(line.data() - text_.data());
    entry.name_size = line.size();
    entries_.push_back(entry);
  }
}

PerfMap PerfMap::of_process(const Header& header) {
  const std::string pid = std::to_string(header.pid);
  // As the process saw it, if it is still there; its number is that of its own namespace.
  for (const std::string& root : {"/proc/" + pid + "/root", std::string()}) {
    File file(root + "/tmp/perf-" + pid + ".map");
    if (file.belongs_to(header)) return PerfMap(file.text());
  }
  return {};
}

std::string_view PerfMap::name_at(std::uint64_t address) const {
  const auto found = std::find_if(entries_.rbegin(), entries_.rend(), [&](const Entry& entry) {
    return address >= entry.start && address - entry.start < entry.size;
  });
  if (found == entries_.rend()) return {};
  return std::string_view(text_).substr(found->name_at, found->name_size);
}

void take_name(Frame& frame, std::string_view name) {
  for (const auto& kind : kKinds) {
    if (name.starts_with(kind) && take_javascript(frame, name.substr(name.find(':') + 1))) return;
  }
  if (name.starts_with("py::")) {
    name.remove_prefix(4);
    const auto colon = name.find(':');
    frame.function = name.substr(0, colon);
    if (colon != std::string_view::npos) frame.file = name.substr(colon + 1);
    return;
  }
  frame.function = name;
}

bool is_trampoline(const Frame& code, const Frame& line) {
  return line.language == "python" && code.function == line.function && code.file == line.file;
}

}  // namespace socktrack
