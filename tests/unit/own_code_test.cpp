// Which frame of a stack leads to the fix.
#include "watch/own_code.h"

#include <gtest/gtest.h>

namespace socktrack {
namespace {

Frame frame(const std::string& module, const std::string& function, const std::string& file = "",
            int line = 0) {
  Frame made;
  made.module = module;
  made.function = function;
  made.file = file;
  made.line = line;
  return made;
}

TEST(OwnCode, SystemLibrariesAreToldByName) {
  for (const char* path : {"/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2", "libstdc++.so.6",
                           "/opt/socktrack/libsocktrack.so", "/lib/libpthread.so.0"}) {
    EXPECT_TRUE(is_system_library(path)) << path;
  }
  for (const char* path :
       {"/usr/bin/server", "/lib/libcurl.so.4", "/opt/libc.so.d/server", "", "/usr/lib/libssl.so.3"}) {
    EXPECT_FALSE(is_system_library(path)) << path;
  }
}

TEST(OwnCode, TheInnermostFrameOfTheProgram) {
  const std::vector<Frame> stack{frame("/lib/libc.so.6", "fdopen"), frame("/usr/lib/libssl.so.3", "SSL_read"),
                                 frame("/usr/bin/server", "", "", 0),
                                 frame("/usr/bin/server", "conn_free", "/src/conn.c", 88),
                                 frame("/usr/bin/server", "main", "/src/main.c", 5)};
  ASSERT_NE(telling_frame(stack), nullptr);
  EXPECT_EQ(telling_frame(stack)->function, "conn_free");
  EXPECT_EQ(telling_place(stack), "conn_free (conn.c:88)");
}

Frame line(const std::string& language, const std::string& function, const std::string& file, int number) {
  Frame made = frame("", function, file, number);
  made.language = language;
  return made;
}

TEST(OwnCode, OfJavaTheInnermostClassThatIsNotOfTheJdk) {
  std::vector<Frame> stack{frame("/jdk/lib/libnio.so", "Java_sun_nio_ch_Net_accept"),
                           line("java", "sun.nio.ch.Net.accept", "Net.java", 0),
                           line("java", "java.net.ServerSocket.accept", "ServerSocket.java", 532)};
  EXPECT_EQ(telling_place(stack), "java.net.ServerSocket.accept (ServerSocket.java:532)");
  stack.push_back(line("java", "shop.Server.lambda$main$0", "Server.java", 12));
  stack.push_back(line("java", "java.lang.Thread.run", "Thread.java", 840));
  EXPECT_EQ(telling_place(stack), "shop.Server.lambda$main$0 (Server.java:12)");
}

TEST(OwnCode, OfPythonTheInnermostLineThatDidNotComeWithIt) {
  const Frame library = line("python", "socket.accept", "/usr/lib/python3.11/socket.py", 294);
  const Frame frozen = line("python", "_call_with_frames_removed", "<frozen importlib._bootstrap>", 241);
  EXPECT_EQ(telling_place({library, frozen, line("python", "serve", "/srv/app.py", 7)}), "serve (app.py:7)");
  EXPECT_EQ(telling_place({library, line("python", "<module>", "<string>", 6)}), "<module> (<string>:6)")
      << "python -c";
  EXPECT_EQ(telling_place({library, frozen}), "socket.accept (socket.py:294)");
}

TEST(OwnCode, NamesWithoutParameters) {
  EXPECT_EQ(without_parameters("f"), "f");
  EXPECT_EQ(without_parameters("a::f(int, char (*)(int)) const"), "a::f");
  EXPECT_EQ(without_parameters("a::(anonymous namespace)::f(int)"), "a::(anonymous namespace)::f");
  EXPECT_EQ(without_parameters("(anonymous namespace)::f"), "(anonymous namespace)::f");
  EXPECT_EQ(without_parameters("a::operator()(int)"), "a::operator()");
  EXPECT_EQ(without_parameters("("), "");
}

TEST(OwnCode, ElseTheInnermostOneWithAName) {
  EXPECT_EQ(telling_place({frame("/usr/lib/libjvm.so", "JVM_Read"), frame("", "")}), "JVM_Read (libjvm.so)");
  EXPECT_EQ(telling_frame({frame("/usr/bin/server", "")}), nullptr);
  EXPECT_EQ(telling_place({}), "");
}

}  // namespace
}  // namespace socktrack
