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

// A stripped program that a library does everything for, such as ruby.
TEST(OwnCode, NeverTheEntryPoint) {
  const Frame start = frame("/usr/bin/ruby3.3", "_start");
  EXPECT_EQ(
      telling_place({frame("/usr/lib/x86_64-linux-gnu/libruby-3.3.so.3.3", "rb_io_getbyte"),
                     frame("/usr/bin/ruby3.3", ""), frame("/lib/libc.so.6", "__libc_start_main"), start}),
      "rb_io_getbyte (libruby-3.3.so.3.3)");
  EXPECT_EQ(telling_place({frame("/srv/stripped", ""), start}), "");
}

TEST(OwnCode, NotTheHeadersOfALibraryNorAModuleOfPython) {
  const Frame asio = frame("/srv/server", "boost::asio::detail::socket_ops::recv1(int)",
                           "/usr/include/boost/asio/detail/impl/socket_ops.ipp", 803);
  const Frame stripped = frame("/srv/server", "boost::asio::detail::reactor_op::perform()");
  const Frame standard =
      frame("/srv/server", "std::thread::_State_impl<F>::_M_run()",
            "/usr/lib/gcc/x86_64-linux-gnu/12/../../include/c++/12/bits/std_thread.h", 210);
  const Frame greenlet =
      frame("/usr/lib/python3/dist-packages/greenlet/_greenlet.cpython-311.so", "g_switch");
  EXPECT_EQ(
      telling_place({asio, stripped, standard, greenlet, frame("/srv/server", "read_all", "/srv/a.cpp", 9)}),
      "read_all (a.cpp:9)");
}

TEST(OwnCode, TheCallOfALibraryOfTheDistributionNotTheLibrary) {
  const Frame library = frame("/usr/lib/x86_64-linux-gnu/libhiredis.so.0.14", "redisConnect");
  const Frame inner = frame("/lib64/libfoo.so", "foo_open");
  EXPECT_EQ(telling_place({inner, library, frame("/usr/bin/server", "get", "/src/get.c", 5)}),
            "get (get.c:5)");
  EXPECT_EQ(telling_place({frame("/lib/libc.so.6", "accept"), library}), "redisConnect (libhiredis.so.0.14)");
  for (const char* own :
       {"/usr/lib/app/libplugin.so", "/opt/x/lib/libx.so", "/usr/lib/x86_64-linux-gnu/app/plugin.so",
        "/usr/lib/nginx/modules/ngx_stream_module.so"}) {
    EXPECT_EQ(telling_frame({library, frame(own, "own")})->function, "own") << own;
  }
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
