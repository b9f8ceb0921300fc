// Healthy programs of python, node and java, unmodified: same output and status, and nobody accused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "harness/runtimes.h"
#include "real.h"

namespace scenario {
namespace {

const std::string kPython = "/usr/bin/python3";

std::string why_no_python() {
  if (access(kPython.c_str(), X_OK) != 0) return kPython + " is missing";
  if (sanitizer() == "thread") return "python does not live under a preloaded ThreadSanitizer";
  return "";
}

void expect_python_healthy(const std::string& name, std::uint64_t sockets, const Arguments& arguments = {}) {
  Arguments all{kPython, real_script(name)};
  all.insert(all.end(), arguments.begin(), arguments.end());
  // Whatever /usr/bin/python3 points to: its processes are those that are not the children's.
  expect_unchanged_and_healthy(all, std::filesystem::canonical(kPython).string(), sockets);
}

TEST(Real, PythonThreads) {
  if (const std::string reason = why_no_python(); !reason.empty()) GTEST_SKIP() << reason;
  expect_python_healthy("echo_threads.py", 51);
}

TEST(Real, PythonAsyncio) {
  if (const std::string reason = why_no_python(); !reason.empty()) GTEST_SKIP() << reason;
  expect_python_healthy("echo_asyncio.py", 81);
}

TEST(Real, PythonTls) {
  if (const std::string reason = why_no_python(); !reason.empty()) GTEST_SKIP() << reason;
  if (find_program("openssl").empty()) GTEST_SKIP() << "openssl is not installed";
  const TempDir directory;
  const Certificate made = make_certificate(directory.path());
  ASSERT_EQ(made.error, "");
  expect_python_healthy("echo_tls.py", 31, {made.certificate, made.key});
}

TEST(Real, PythonWithChildrenInBetween) {
  if (const std::string reason = why_no_python(); !reason.empty()) GTEST_SKIP() << reason;
  expect_python_healthy("subprocess_between.py", 25);
}

TEST(Real, NodeHttp) {
  if (const std::string reason = why_not("node"); !reason.empty()) GTEST_SKIP() << reason;
  const std::string node = std::filesystem::canonical(find_program("node")).string();
  // 30 connections that close, at least one that is kept, each with both ends here, and the listener.
  expect_unchanged_and_healthy({node, real_script("http.js")}, "/node", 63);
}

void expect_java_healthy(const std::string& name, std::uint64_t sockets) {
  const std::string java = find_program("java");
  expect_unchanged_and_healthy({java, "-cp", java_classes("real"), name}, "/java", sockets);
}

TEST(Real, JavaBlocking) {
  if (const std::string reason = why_not("java"); !reason.empty()) GTEST_SKIP() << reason;
  if (java_classes("real").empty()) GTEST_SKIP() << "no JDK when this was configured";
  expect_java_healthy("EchoBlocking", 41);
}

TEST(Real, JavaNio) {
  if (const std::string reason = why_not("java"); !reason.empty()) GTEST_SKIP() << reason;
  if (java_classes("real").empty()) GTEST_SKIP() << "no JDK when this was configured";
  expect_java_healthy("EchoNio", 41);
}

}  // namespace
}  // namespace scenario
