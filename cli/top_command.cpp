// socktrack top [PID] [--once|--json] [--interval 1s]
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <memory>
#include <thread>

#include "cli/commands.h"
#include "cli/duration_option.h"
#include "cli/dwarf_names.h"
#include "cli/live_recordings.h"
#include "cli/process_id.h"
#include "cli/terminal.h"
#include "cli/top_hand.h"
#include "cli/top_model.h"
#include "cli/top_screen.h"
#include "cli/top_source.h"
#include "cli/top_terminal.h"
#include "watch/render.h"

namespace socktrack {
namespace {

constexpr int kKeyboardWait = 100;  // ms: how long a new snapshot may wait to be shown

struct TopRequest {
  int pid = 0;
  bool once = false, json = false;
  std::uint64_t interval_ns = 1'000'000'000;

  std::chrono::milliseconds interval() const {
    return std::chrono::milliseconds(std::max<std::uint64_t>(interval_ns / 1'000'000, 50));
  }
};

// Lines instead of a screen: once, or again and again for terminals that can do no more.
void print_lists(const TopRequest& request, bool once) {
  const std::unique_ptr<Names> names = make_dwarf_names();
  TopReader reader(request.pid);
  while (true) {
    const Snapshot snapshot = reader.read(*names);
    write_out(request.json ? render_json(*snapshot.report) : top_once(*snapshot.report, snapshot.clock));
    if (once) return;
    std::this_thread::sleep_for(request.interval());
    write_out("\n");
  }
}

void take_newer(TopSource& source, std::uint64_t& number, TopModel& model) {
  Snapshot snapshot;
  if (source.newer_than(number, snapshot)) model.take(snapshot.report, snapshot.clock);
}

// Returns the signal that ended it, 0 = somebody pressed q.
int show_screen(const TopRequest& request) {
  TopSource source(request.pid, request.interval());  // outlives the terminal: that is given back first
  TopModel model(rungs_offered());
  TopTerminal terminal;
  std::uint64_t number = 0;
  while (!model.quits() && terminal.ended_by() == 0) {
    take_newer(source, number, model);
    terminal.show(top_screen(model, terminal.width(), terminal.height()));
    if (const auto order = model.press(terminal.wait(kKeyboardWait))) {
      model.say(carry_out(*order));
      source.hurry();
    }
  }
  return terminal.ended_by();
}

int top(const TopRequest& request) {
  if (request.pid != 0) live_recording_of(request.pid);  // or a sentence why there is none
  if (request.once || request.json || isatty(STDOUT_FILENO) != 1) {
    print_lists(request, true);
  } else if (!is_screen_terminal()) {
    print_lists(request, false);
  } else {
    const int signal = show_screen(request);
    return signal == 0 ? 0 : signal < 0 ? kCannot : 128 + signal;
  }
  return 0;
}

}  // namespace

void add_top_command(CLI::App& app, int& exit_status) {
  auto request = std::make_shared<TopRequest>();
  CLI::App* command = app.add_subcommand("top", "Watch the programs that record, live");
  command->add_option("pid", request->pid, "This process only")->type_name("PID")->check(process_id());
  command->add_flag("--once", request->once, "Print the lists once; so does any output but a terminal");
  command->add_flag("--json", request->json, "The same as JSON, in the form of 'report --json'");
  add_duration(*command, "--interval", request->interval_ns, "Time between two looks (1s)");
  command->footer(
      "Shows all programs of this user, of everybody for root. Press ? for the keys. Pause with p.\n"
      "Example:\n"
      "  socktrack top $(pidof server)");
  command->callback([request, &exit_status] { exit_status = top(*request); });
}

}  // namespace socktrack
