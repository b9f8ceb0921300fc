#include "cli/preflight.h"

#include <elf.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "cli/process_facts.h"

namespace socktrack {
namespace {

namespace fs = std::filesystem;
using Answer = Preflight::Answer;

#if defined(__x86_64__)
constexpr std::uint16_t kMachine = EM_X86_64, kOtherMachine = EM_AARCH64;
#else
constexpr std::uint16_t kMachine = EM_AARCH64, kOtherMachine = EM_X86_64;
#endif

// Puts an ELF file together: file offsets and addresses are the same.
struct ElfBuilder {
  std::string loader;               // "" = no PT_INTERP
  std::vector<std::string> needed;  // any: a PT_DYNAMIC
  std::string soname;
  bool go = false;
  std::uint16_t machine = kMachine;
  unsigned char elf_class = ELFCLASS64;

  std::string build() const {
    std::vector<Elf64_Phdr> segments;
    std::string body;
    const std::size_t body_at = sizeof(Elf64_Ehdr) + 4 * sizeof(Elf64_Phdr);
    const auto add = [&](std::uint32_t type, const std::string& content) {
      body.resize((body.size() + 7) / 8 * 8);
      Elf64_Phdr segment{};
      segment.p_type = type;
      segment.p_offset = segment.p_vaddr = body_at + body.size();
      segment.p_filesz = segment.p_memsz = content.size();
      segment.p_align = 8;
      body += content;
      segments.push_back(segment);
      return segment.p_offset;
    };
    if (!loader.empty()) add(PT_INTERP, loader + '\0');
    if (go) add(PT_NOTE, note("Go\0\0", "some-build-id123"));
    if (!needed.empty() || !soname.empty()) add_dynamic(add);
    Elf64_Phdr load{};
    load.p_type = PT_LOAD;
    load.p_filesz = load.p_memsz = body_at + body.size();
    segments.push_back(load);
    segments.resize(4);
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = elf_class;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_DYN;
    header.e_machine = machine;
    header.e_version = EV_CURRENT;
    header.e_phoff = sizeof header;
    header.e_ehsize = sizeof header;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = static_cast<std::uint16_t>(segments.size());
    return bytes(header) +
           std::string(reinterpret_cast<const char*>(segments.data()), 4 * sizeof(Elf64_Phdr)) + body;
  }

 private:
  template <typename T>
  static std::string bytes(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
  }

  static std::string note(const char (&name)[5], const std::string& content) {
    const Elf64_Nhdr header{4, static_cast<std::uint32_t>(content.size()), 4};
    return bytes(header) + std::string(name, 4) + content;
  }

  template <typename Add>
  void add_dynamic(const Add& add) const {
    std::string strings(1, '\0');
    std::vector<Elf64_Dyn> entries;
    const auto put = [&](std::int64_t tag, const std::string& name) {
      entries.push_back({tag, {strings.size()}});
      strings += name + '\0';
    };
    for (const std::string& library : needed) put(DT_NEEDED, library);
    if (!soname.empty()) put(DT_SONAME, soname);
    entries.push_back({DT_STRTAB, {add(PT_NULL, strings)}});
    entries.push_back({DT_STRSZ, {strings.size()}});
    entries.push_back({DT_NULL, {0}});
    add(PT_DYNAMIC, {reinterpret_cast<const char*>(entries.data()), entries.size() * sizeof(Elf64_Dyn)});
  }
};

class PreflightTest : public testing::Test {
 protected:
  PreflightTest() {
    std::string name = (fs::temp_directory_path() / "preflight.XXXXXX").string();
    directory_ = mkdtemp(name.data());
    loader_ = (directory_ / "ld-linux-test.so.2").string();
    write("ld-linux-test.so.2", "");
  }
  ~PreflightTest() override { fs::remove_all(directory_); }

  std::string write(const std::string& name, const std::string& content, mode_t mode = 0755) {
    const std::string path = (directory_ / name).string();
    std::ofstream(path, std::ios::binary) << content;
    chmod(path.c_str(), mode);
    return path;
  }
  ElfBuilder dynamic() const {
    ElfBuilder elf;
    elf.loader = loader_;
    elf.needed = {"libc.so.6"};
    return elf;
  }

  fs::path directory_;
  std::string loader_;
};

TEST_F(PreflightTest, OwnProgramWorks) {
  const Preflight result = check_program("/proc/self/exe");
  EXPECT_EQ(result.answer, Answer::yes) << result.reason;
  EXPECT_EQ(result.chain, std::vector<std::string>{"/proc/self/exe"});
}

TEST_F(PreflightTest, DynamicWorks) {
  const Preflight result = check_program(write("prog", dynamic().build()));
  EXPECT_EQ(result.answer, Answer::yes) << result.reason;
  EXPECT_TRUE(result.reason.empty());
  EXPECT_TRUE(result.notes.empty());
}

TEST_F(PreflightTest, StaticDoesNot) {
  ElfBuilder elf;
  const Preflight bare = check_program(write("static", elf.build()));
  EXPECT_EQ(bare.answer, Answer::no);
  EXPECT_NE(bare.reason.find("statically linked"), std::string::npos) << bare.reason;
  EXPECT_FALSE(bare.advice.empty());
  elf.soname = "libthing.so";  // static-pie has a dynamic segment as well
  EXPECT_EQ(check_program(write("pie", elf.build())).answer, Answer::no);
}

TEST_F(PreflightTest, TheLoaderItselfIsUnknown) {
  ElfBuilder elf;
  elf.soname = "ld-linux-x86-64.so.2";
  EXPECT_EQ(check_program(write("ld.so", elf.build())).answer, Answer::unknown);
}

TEST_F(PreflightTest, GoDoesNotEvenIfDynamic) {
  ElfBuilder elf = dynamic();
  elf.go = true;
  const Preflight result = check_program(write("go", elf.build()));
  EXPECT_EQ(result.answer, Answer::no);
  EXPECT_NE(result.reason.find("Go program"), std::string::npos) << result.reason;
}

TEST_F(PreflightTest, MuslDoesNot) {
  ElfBuilder elf = dynamic();
  elf.loader = "/lib/ld-musl-x86_64.so.1";
  const Preflight result = check_program(write("musl", elf.build()));
  // The loader need not be installed here for the reason to be the right one.
  EXPECT_EQ(result.answer, Answer::no);
  EXPECT_NE(result.reason.find("musl"), std::string::npos) << result.reason;
}

TEST_F(PreflightTest, UnknownLoaderIsUnknownAndAMissingOneCannotStart) {
  ElfBuilder elf = dynamic();
  elf.loader = write("linker64", "");
  EXPECT_EQ(check_program(write("android", elf.build())).answer, Answer::unknown);
  elf.loader = "/nowhere/ld-linux-x86-64.so.2";
  const Preflight missing = check_program(write("foreign", elf.build()));
  EXPECT_EQ(missing.answer, Answer::not_executable);
  EXPECT_NE(missing.reason.find("/nowhere/ld-linux"), std::string::npos);
}

TEST_F(PreflightTest, OtherClassOrMachineDoesNot) {
  ElfBuilder elf = dynamic();
  elf.machine = kOtherMachine;
  EXPECT_EQ(check_program(write("other", elf.build())).answer, Answer::no);
  // A real 32-bit file of the smallest kind: header and one program header.
  Elf32_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS32;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC;
  header.e_machine = EM_386;
  header.e_version = EV_CURRENT;
  header.e_phoff = header.e_ehsize = sizeof header;
  header.e_phentsize = sizeof(Elf32_Phdr);
  header.e_phnum = 1;
  const std::string bits32 = std::string(reinterpret_cast<const char*>(&header), sizeof header) +
                             std::string(sizeof(Elf32_Phdr), '\0');
  const Preflight result = check_program(write("bits32", bits32));
  EXPECT_EQ(result.answer, Answer::no);
  EXPECT_NE(result.reason.find("64-bit"), std::string::npos) << result.reason;
}

TEST_F(PreflightTest, SanitizerRuntimeComesFirst) {
  ElfBuilder elf = dynamic();
  elf.needed = {"libasan.so.8", "libc.so.6"};
  const Preflight result = check_program(write("asan", elf.build()));
  EXPECT_EQ(result.answer, Answer::yes);
  EXPECT_EQ(result.first_preload, "libasan.so.8");
  EXPECT_EQ(result.notes.size(), 1U);
}

TEST_F(PreflightTest, EveryCutOfAFileIsAnAnswer) {
  ElfBuilder elf = dynamic();
  elf.go = true;
  const std::string whole = elf.build();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Preflight result = check_program(write("cut", whole.substr(0, size)));
    EXPECT_TRUE(result.answer == Answer::yes || !result.reason.empty()) << size;
  }
  for (std::size_t at = 4; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = '\xff';
    const Preflight result = check_program(write("damaged", damaged));
    EXPECT_TRUE(result.answer == Answer::yes || !result.reason.empty()) << at;
  }
}

TEST_F(PreflightTest, FollowsScripts) {
  const std::string fixed = write("static", ElfBuilder().build());
  const std::string script = write("script", "#! \t" + fixed + " -x -y \nhello\n");
  const std::string outer = write("outer", "#!" + script);
  const Preflight result = check_program(outer);
  EXPECT_EQ(result.answer, Answer::no) << result.reason;
  EXPECT_EQ(result.chain, (std::vector<std::string>{outer, script, fixed}));
  EXPECT_EQ(result.path, outer);
}

TEST_F(PreflightTest, FollowsEnv) {
  const std::string env = write("env", dynamic().build());
  const std::string fixed = write("fixed", ElfBuilder().build());
  for (const std::string& line : {" " + fixed, " -S -i -u HOME A=1 " + fixed + " -q", " -S" + fixed}) {
    const Preflight result = check_program(write("script", "#!" + env + line + "\n"));
    EXPECT_EQ(result.answer, Answer::no) << line;
    EXPECT_EQ(result.chain.back(), fixed) << line;
  }
  EXPECT_EQ(check_program(env, {"A=1", fixed}).answer, Answer::no);
  EXPECT_EQ(check_program(env).answer, Answer::yes);
  EXPECT_EQ(check_program(env, {"-u"}).answer, Answer::yes);
  EXPECT_EQ(check_program(env, {"no-such-program-here"}).answer, Answer::missing);
}

TEST_F(PreflightTest, TextWithoutAnInterpreterGoesToTheShell) {
  const Preflight result = check_program(write("text", "echo hello\n"));
  ASSERT_GE(result.chain.size(), 2U);
  EXPECT_EQ(result.chain[1], "/bin/sh");
  EXPECT_EQ(check_program(write("strange", std::string("\x7f\0\x01", 3))).answer, Answer::unknown);
}

TEST_F(PreflightTest, BadInterpreters) {
  const Preflight missing = check_program(write("missing", "#!/no/such/interpreter\n"));
  EXPECT_EQ(missing.answer, Answer::not_executable);
  EXPECT_NE(missing.reason.find("/no/such/interpreter"), std::string::npos);
  EXPECT_EQ(check_program(write("empty", "#!\n")).answer, Answer::not_executable);
  const std::string itself = (directory_ / "circle").string();
  EXPECT_EQ(check_program(write("circle", "#!" + itself + "\n")).answer, Answer::not_executable);
}

TEST_F(PreflightTest, MissingAndNotExecutable) {
  EXPECT_EQ(check_program((directory_ / "nothing").string()).answer, Answer::missing);
  EXPECT_EQ(check_program("").answer, Answer::missing);
  EXPECT_EQ(check_program(directory_.string()).answer, Answer::not_executable);
  EXPECT_EQ(check_program(write("plain", "echo", 0644)).answer, Answer::not_executable);
  EXPECT_EQ(check_program(write("file", "x") + "/below").answer, Answer::missing);
  EXPECT_EQ(check_program("/dev/null").answer, Answer::not_executable);
}

TEST_F(PreflightTest, SearchesThePath) {
  const std::string before = std::getenv("PATH");
  fs::create_directory(directory_ / "a");
  fs::create_directory(directory_ / "b");
  write("a/tool", dynamic().build(), 0644);
  const std::string good = write("b/tool", dynamic().build());
  write("a/plain", "", 0644);
  setenv("PATH",
         (directory_.string() + "/none:" + directory_.string() + "/a:" + directory_.string() + "/b").c_str(),
         1);
  EXPECT_EQ(check_program("tool").path, good);
  EXPECT_EQ(check_program("tool").answer, Answer::yes);
  EXPECT_EQ(check_program("plain").answer, Answer::not_executable);
  EXPECT_EQ(check_program("absent").answer, Answer::missing);
  setenv("PATH", before.c_str(), 1);
}

bool honours_setuid(const fs::path& directory) {
  struct statvfs mount {};
  return statvfs(directory.c_str(), &mount) == 0 && (mount.f_flag & ST_NOSUID) == 0;
}

TEST_F(PreflightTest, SetuidOfSomebodyElseDoesNot) {
  const std::string mine = write("mine", dynamic().build(), 04755);
  EXPECT_EQ(check_program(mine).answer, Answer::yes) << "setuid to oneself gains nothing";
  if (getuid() != 0) GTEST_SKIP() << "only root can give a file to another user";
  if (!honours_setuid(directory_)) GTEST_SKIP() << "the temporary directory is mounted nosuid";
  const std::string program = write("setuid", dynamic().build());
  ASSERT_EQ(chown(program.c_str(), 65534, 65534), 0);
  chmod(program.c_str(), 04755);
  const Preflight setuid = check_program(program);
  EXPECT_EQ(setuid.answer, Answer::no);
  EXPECT_NE(setuid.reason.find("setuid"), std::string::npos);
  chmod(program.c_str(), 02755);
  EXPECT_EQ(check_program(program).answer, Answer::no);
  chmod(program.c_str(), 02745);
  EXPECT_EQ(check_program(program).answer, Answer::yes) << "without group execution it is a lock, not setgid";
}

// What check_program answers for nobody, who needs to reach the directory.
Answer ask_as_nobody(const fs::path& directory, const std::string& program) {
  chmod(directory.c_str(), 0755);
  const pid_t child = fork();
  if (child == 0) {
    if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0) _exit(99);
    _exit(static_cast<int>(check_program(program).answer));
  }
  int status = 0;
  waitpid(child, &status, 0);
  return static_cast<Answer>(WEXITSTATUS(status));
}

TEST_F(PreflightTest, UnreadableIsUnknown) {
  if (getuid() != 0) GTEST_SKIP() << "needs two users";
  EXPECT_EQ(ask_as_nobody(directory_, write("secret", dynamic().build(), 0711)), Answer::unknown);
}

TEST_F(PreflightTest, FileCapabilitiesDoNotUnlessRoot) {
  const std::string program = write("capable", dynamic().build());
  // VFS_CAP_REVISION_2 with the effective bit, CAP_NET_BIND_SERVICE permitted.
  const std::uint32_t capabilities[5] = {0x02000001, 1U << 10U, 0, 0, 0};
  if (getuid() != 0 ||
      setxattr(program.c_str(), "security.capability", capabilities, sizeof capabilities, 0) != 0) {
    GTEST_SKIP() << "file capabilities cannot be set here";
  }
  if (!honours_setuid(directory_)) GTEST_SKIP() << "the temporary directory is mounted nosuid";
  EXPECT_EQ(check_program(program).answer, Answer::yes);
  EXPECT_EQ(ask_as_nobody(directory_, program), Answer::no);
}

TEST(ProcessCheck, ThisProcess) {
  const Preflight result = check_process(getpid());
  EXPECT_EQ(result.answer, Answer::yes) << result.reason;
  EXPECT_EQ(result.path, fs::read_symlink("/proc/self/exe").string());
  EXPECT_FALSE(result.notes.empty());
}

TEST(ProcessCheck, NoSuchProcess) {
  EXPECT_EQ(check_process(-1).answer, Answer::missing);
  EXPECT_EQ(check_process(0).answer, Answer::missing);
  const pid_t child = fork();
  if (child == 0) _exit(0);
  siginfo_t ended{};
  waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT);
  EXPECT_EQ(check_process(child).answer, Answer::missing) << "a zombie is over";
  waitpid(child, nullptr, 0);
  EXPECT_EQ(check_process(child).answer, Answer::missing);
}

TEST(ProcessFacts, OfThisProcess) {
  bool libc = false;
  EXPECT_EQ(is_secure_exec(getpid()), Known::no);
  EXPECT_EQ(has_mapped(getpid(), "libno.so", &libc), Known::no);
  EXPECT_TRUE(libc);
  EXPECT_EQ(has_mapped(getpid(), fs::read_symlink("/proc/self/exe").filename().string()), Known::yes);
  EXPECT_EQ(uses_io_uring(getpid()), Known::no);
  EXPECT_EQ(status_field(getpid(), "Pid"), std::to_string(getpid()));
  EXPECT_EQ(status_field(getpid(), "Nothing"), "");
  EXPECT_EQ(is_secure_exec(-1), Known::not_told);
  EXPECT_EQ(has_mapped(-1, "x"), Known::not_told);
  EXPECT_EQ(uses_io_uring(-1), Known::not_told);
}

}  // namespace
}  // namespace socktrack
