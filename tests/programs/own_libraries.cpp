// A program that brings libunwind, spdlog and fmt of its own, and uses them all: unwinds, throws, logs from
// another thread. Leaks 5 sockets.
#define UNW_LOCAL_ONLY
#include <fmt/format.h>
#include <libunwind.h>
#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <stdexcept>

#include "loopback.h"

namespace {

NAMED int depth_of_stack() {
  unw_context_t context;
  unw_cursor_t cursor;
  unw_getcontext(&context);
  unw_init_local(&cursor, &context);
  int depth = 0;
  while (unw_step(&cursor) > 0) depth++;
  return depth;
}

NAMED int serve(int listener) {
  const int client = connect_to(listener);
  const int server = accept_client(listener);
  close(client);
  read_to_end(server);
  if (depth_of_stack() < 2) throw std::logic_error("no stack");
  throw std::runtime_error(fmt::format("forgot {}", server));
}

}  // namespace

int main() {
  auto log = spdlog::stdout_logger_mt<spdlog::async_factory>("own");
  log->set_pattern("%n: %v");
  const int listener = listen_any();
  for (int i = 0; i < 5; i++) {
    try {
      serve(listener);
    } catch (const std::runtime_error& error) {
      log->info("{}", error.what());
    }
  }
  spdlog::shutdown();
  return done();
}
