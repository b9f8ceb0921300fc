#include "cli/preflight.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <sstream>
#include <string_view>

namespace socktrack {
namespace {

using Words = std::vector<std::string>;
using Answer = Preflight::Answer;

constexpr std::size_t kHeadSize = 256;  // what the kernel reads to find "#!"
constexpr int kMostSteps = 8;           // the kernel follows 5 "#!" lines, env adds a few

struct Descriptor {
  explicit Descriptor(int number) : fd(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
  const int fd;
};

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

void decide(Preflight& result, Answer answer, std::string reason, std::string advice = "") {
  result.answer = answer;
  result.reason = std::move(reason);
  result.advice = std::move(advice);
}

bool is_executable_file(const std::string& path) {
  struct stat facts {};
  return stat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode) &&
         faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0;
}

// As execvp searches: the first one that may be executed; failing that, the first that is there.
std::string find_program(const std::string& program) {
  if (program.find('/') != std::string::npos) return program;
  const char* list = std::getenv("PATH");
  std::istringstream directories(list != nullptr ? list : "/bin:/usr/bin");
  std::string fallback;
  for (std::string directory; !program.empty() && std::getline(directories, directory, ':');) {
    const std::string path = (directory.empty() ? "." : directory) + "/" + program;
    if (is_executable_file(path)) return path;
    if (fallback.empty() && access(path.c_str(), F_OK) == 0) fallback = path;
  }
  return fallback;
}

// The kernel's rule: what gains rights by exec runs with AT_SECURE, and the loader then ignores
// preloaded libraries outside the system's directories without a word.
std::string gained_rights(const std::string& path, const struct stat& facts) {
  struct statvfs mount {};
  if (statvfs(path.c_str(), &mount) == 0 && (mount.f_flag & ST_NOSUID) != 0) return "";
  const bool may_change_ids = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
  if (may_change_ids && (facts.st_mode & S_ISUID) != 0 && facts.st_uid != getuid()) return "setuid";
  const bool setgid = (facts.st_mode & S_ISGID) != 0 && (facts.st_mode & S_IXGRP) != 0;
  if (may_change_ids && setgid && facts.st_gid != getgid()) return "setgid";
  if (getuid() != 0 && getxattr(path.c_str(), "security.capability", nullptr, 0) > 0) return "capabilities";
  return "";
}

bool judge_rights(const std::string& path, const struct stat& facts, Preflight& result) {
  const std::string gained = gained_rights(path, facts);
  if (gained.empty()) return true;
  if (gained == "capabilities") {
    decide(result, Answer::no, "It has file capabilities, so the loader ignores preloaded libraries.",
           "Take them off (setcap -r) and give them as ambient capabilities: AmbientCapabilities= of "
           "systemd, or setpriv --ambient-caps.");
  } else {
    decide(result, Answer::no, "It is " + gained + ", so the loader ignores preloaded libraries.",
           "Start it under socktrack as the user it changes to.");
  }
  return false;
}

struct HashBang {
  std::string interpreter;
  Words arguments;  // none or one
};

std::optional<HashBang> parse_hash_bang(std::string_view head) {
  if (!head.starts_with("#!")) return std::nullopt;
  head = head.substr(2, head.find('\n') == std::string_view::npos ? head.npos : head.find('\n') - 2);
  constexpr std::string_view blank = " \t";
  const auto start = std::min(head.find_first_not_of(blank), head.size());
  const auto end = std::min(head.find_last_not_of(blank) + 1, head.size());
  head = head.substr(start, end > start ? end - start : 0);
  const auto gap = std::min(head.find_first_of(blank), head.size());
  HashBang result{std::string(head.substr(0, gap)), {}};
  if (const auto rest = head.find_first_not_of(blank, gap); rest != head.npos) {
    result.arguments.emplace_back(head.substr(rest));
  }
  return result;
}

// What env(1) would start with these arguments, as program and its arguments; empty: nothing.
Words started_by_env(Words words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string word = words[i];
    const bool split = word.starts_with("-S") || word == "--split-string";
    if (split) {
      const bool apart = word == "-S" || word == "--split-string";
      std::istringstream text(apart ? (i + 1 < words.size() ? words[i + 1] : "") : word.substr(2));
      Words expanded;
      for (std::string part; text >> part;) expanded.push_back(part);
      const auto rest =
          words.begin() + static_cast<std::ptrdiff_t>(std::min(words.size(), i + (apart ? 2 : 1)));
      expanded.insert(expanded.end(), rest, words.end());
      return started_by_env(std::move(expanded));
    }
    if (word == "-u" || word == "-C") {
      ++i;
    } else if (!word.starts_with('-') && word.find('=') == std::string::npos) {
      return {words.begin() + static_cast<std::ptrdiff_t>(i), words.end()};
    }
  }
  return {};
}

bool may_execute(const std::string& path, Preflight& result) {
  struct stat facts {};
  if (path.empty() || stat(path.c_str(), &facts) != 0) {
    const int error = path.empty() ? ENOENT : errno;
    decide(result, error == EACCES ? Answer::not_executable : Answer::missing,
           error == ENOENT ? "There is no such program."
                           : "It cannot be found: " + std::string(strerror(error)) + ".");
    return false;
  }
  if (!S_ISREG(facts.st_mode)) {
    decide(result, Answer::not_executable,
           S_ISDIR(facts.st_mode) ? "It is a directory." : "It is not a file.");
    return false;
  }
  if (!is_executable_file(path)) {
    decide(result, Answer::not_executable, "It is not executable for this user.");
    return false;
  }
  return true;
}

// The program that is started next by (or instead of) the file, with its arguments: an interpreter, or
// what env starts. Empty: the chain ends here and `result` holds the answer.
Words next_program(const std::string& path, const Words& arguments, Preflight& result) {
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0) return {};
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  char head[kHeadSize] = {};
  const ssize_t size = file.fd < 0 ? -1 : pread(file.fd, head, sizeof head, 0);
  if (size < 0) {
    if (!judge_rights(path, facts, result)) return {};
    decide(result, Answer::unknown, "It may be executed but not read: only the started process can tell.");
    return {};
  }
  const std::string_view text(head, static_cast<std::size_t>(size));
  if (const auto hash_bang = parse_hash_bang(text)) {
    Words next{hash_bang->interpreter};
    next.insert(next.end(), hash_bang->arguments.begin(), hash_bang->arguments.end());
    next.push_back(path);
    next.insert(next.end(), arguments.begin(), arguments.end());
    return next;
  }
  if (!text.starts_with(ELFMAG)) {
    // What execvp does with a text: a shell runs it.
    if (text.find('\0') == std::string_view::npos) return {"/bin/sh", path};
    decide(result, Answer::unknown,
           "It is neither an ELF file nor a script: only the started process can tell.");
    return {};
  }
  const auto elf = read_elf_facts(file.fd);
  if (!elf) {
    decide(result, Answer::not_executable, "It is a damaged ELF file, or none that can be executed.");
    return {};
  }
  judge_elf(*elf, result);
  if (result.answer == Answer::yes && !elf->loader.empty() && access(elf->loader.c_str(), F_OK) != 0) {
    decide(result, Answer::not_executable, "It needs the loader " + elf->loader + ", which is not there.");
  }
  if (result.answer == Answer::no || !judge_rights(path, facts, result)) return {};
  return base_name(path) == "env" ? started_by_env(arguments) : Words{};
}

}  // namespace

void judge_elf(const ElfFacts& facts, Preflight& result) {
  static const std::optional<ElfFacts> ours = [] {
    const Descriptor self(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    return read_elf_facts(self.fd);
  }();
  const std::string loader = base_name(facts.loader);
  if (facts.elf_class != ELFCLASS64 || (ours && facts.machine != ours->machine)) {
    return decide(result, Answer::no,
                  facts.elf_class != ELFCLASS64 ? "It is not a 64-bit program, and the library is."
                                                : "It is built for another processor than the library.",
                  "Use a socktrack built for the same machine.");
  }
  if (facts.go) {
    return decide(
        result, Answer::no, "It is a Go program: it calls the kernel past libc, so no call is seen.",
        "`ss -tanp state close-wait` tells how many, the goroutine profile of net/http/pprof where.");
  }
  if (loader.starts_with("ld-musl")) {
    return decide(result, Answer::no,
                  "It uses musl instead of glibc and would refuse to start with the library.",
                  "Run a build for glibc.");
  }
  if (facts.loader.empty() && facts.soname.starts_with("ld-")) {
    return decide(result, Answer::unknown, "It is the loader itself: it depends on what it is told to load.");
  }
  if (facts.loader.empty()) {
    return decide(result, Answer::no,
                  "It is statically linked: without a loader no library can be preloaded.",
                  "Link it dynamically (without -static).");
  }
  if (!loader.starts_with("ld-linux") && !loader.starts_with("ld.so") && !loader.starts_with("ld64")) {
    return decide(result, Answer::unknown,
                  "Its loader " + facts.loader + " is not known to be that of glibc.");
  }
  result.first_preload = sanitizer_runtime(facts);
  if (!result.first_preload.empty()) {
    result.notes.push_back("It is built with a sanitizer: `socktrack run` preloads " + result.first_preload +
                           " first, a bare LD_PRELOAD has to as well.");
  }
}

Preflight check_program(const std::string& program, const Words& arguments) {
  Preflight result;
  Words words{program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  for (int step = 0; !words.empty(); ++step) {
    const bool is_first = step == 0;
    const std::string path =
        is_first || base_name(result.chain.back()) == "env" ? find_program(words[0]) : words[0];
    result.chain.push_back(path.empty() ? words[0] : path);
    if (is_first) result.path = path;
    if (step == kMostSteps) {
      decide(result, Answer::not_executable, "Its interpreters lead in a circle.");
      break;
    }
    if (!may_execute(path, result)) {
      const bool interpreter = !is_first && base_name(result.chain[result.chain.size() - 2]) != "env";
      if (interpreter)
        decide(result, Answer::not_executable, "Its interpreter cannot be executed: " + words[0] + ".");
      break;
    }
    words = next_program(path, Words(words.begin() + 1, words.end()), result);
  }
  return result;
}

}  // namespace socktrack
