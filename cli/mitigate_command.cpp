// socktrack mitigate PID [RUNG] [--allow ...] [--after ...] [--rate ...] [--at ...] [--dry-run]
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <vector>

#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/ladder_control.h"
#include "cli/live_recordings.h"
#include "cli/process_id.h"
#include "watch/eligibility.h"
#include "watch/endpoint_text.h"
#include "watch/fingerprint.h"
#include "watch/ladder_words.h"
#include "watch/options.h"
#include "watch/recording_reader.h"
#include "watch/report_builder.h"
#include "watch/vocabulary.h"

namespace socktrack {
namespace {

struct MitigateRequest {
  int pid = 0;
  std::string rung, allow, after, rate, at;
  bool dry_run = false;
};

constexpr const char* kFooter =
    "Without RUNG: what is in force, what was done and what was refused.\n"
    "Example, a rung is tried first:\n  socktrack mitigate 1234 park --allow 0123456789abcdef --dry-run\n"
    "Off, at once: socktrack mitigate 1234 observe\n"
    "What is not given stays as it is. Fingerprints are in the report. docs/mitigation.md has the whole "
    "story.";

void take(Options& options, const char* name, const std::string& text) {
  if (text.empty()) return;
  if (const char* wrong = set_option(options, name, text)) {
    throw Failure(kUsage, fmt::format("{}: '{}' {}", name, text, wrong));
  }
}

LadderPolicy changed(const LadderPolicy& active, const MitigateRequest& request) {
  Options options;
  options.ladder = active;
  take(options, "mitigate", request.rung);
  take(options, "allow", request.allow);
  take(options, "mitigate-after", request.after);
  take(options, "mitigate-rate", request.rate);
  take(options, "mitigate-at", request.at);
  const LadderPolicy& policy = options.ladder;
  if (policy.rung != Rung::observe && allows_nothing(policy)) {
    throw Failure(kUsage, "nothing is allowed: give --allow FINGERPRINT (from the report), or --allow all");
  }
  if (policy.rung == Rung::close && policy.allowed_count == 0) {
    std::cerr << "socktrack: close needs the fingerprint of each group; the others are parked\n";
  }
  return policy;
}

std::string duration(std::uint64_t nanoseconds) {
  const double seconds = static_cast<double>(nanoseconds) / 1e9;
  return seconds < 120 ? fmt::format("{:g} s", seconds) : fmt::format("{:g} min", seconds / 60);
}

std::string in_words(const LadderPolicy& policy) {
  if (policy.rung == Rung::observe) return "observe: nothing is done";
  std::string groups = policy.allow_all ? "all groups" : "no group";
  if (policy.allowed_count > 0) {
    groups = policy.allow_all ? "all groups, by name" : "groups";
    for (std::uint32_t i = 0; i < policy.allowed_count; ++i)
      groups += fmt::format(" {:016x}", policy.allowed[i]);
  }
  std::string text = fmt::format("{} {}, idle for {}, at most {:g} a second", name_of(policy.rung), groups,
                                 duration(policy.after_ns), static_cast<double>(policy.per_hour) / 3600);
  if (policy.at_percent > 0)
    text += fmt::format(", while {}% of the descriptors are open", policy.at_percent);
  return text;
}

std::string who(const RecordingView& recording, int pid) {
  const std::string program = recording.header().program;
  return fmt::format("{} (pid {})", program.substr(program.rfind('/') + 1), pid);
}

struct Listed {
  const Accusation* accusation;
  Rung rung;
};

std::string line_of(const RecordingView& recording, const Accusation& accusation) {
  const GroupLadder& ladder = recording.ladder()[accusation.group];
  const std::string local = endpoint_text(accusation.local), peer = endpoint_text(accusation.peer);
  return fmt::format("  fd {:<5} {} <- {}  {}, {}, fingerprint {:016x}", accusation.fd,
                     local.empty() ? "?" : local, peer.empty() ? "?" : peer, tcp_state_name(accusation.state),
                     name_of(recording.groups()[accusation.group].verdict), ladder.fingerprint.load());
}

std::string sockets(std::size_t count) { return fmt::format("{} socket{}", count, count == 1 ? "" : "s"); }

void show_plan(const RecordingView& recording) {
  std::map<Rung, std::vector<const Accusation*>> would;
  std::map<Refusal, std::vector<const Accusation*>> would_not;
  for (const Accusation& each : recording.accusations()) {
    if (each.ready.load() == 0 || each.ended_ns.load() != 0 || each.group >= recording.groups().size())
      continue;
    const std::uint8_t plan = each.answer.load();
    const Refusal refusal = plan_refusal(plan);
    if (refusal == Refusal::none) {
      would[plan_rung(plan)].push_back(&each);
    } else {
      would_not[refusal].push_back(&each);
    }
  }
  if (would.empty() && would_not.empty()) std::cout << "no socket is accused\n";
  for (const auto& [rung, accusations] : would) {
    std::cout << "would " << name_of(rung) << ' ' << sockets(accusations.size()) << ":\n";
    for (const Accusation* each : accusations) std::cout << line_of(recording, *each) << '\n';
  }
  for (const auto& [refusal, accusations] : would_not) {
    std::cout << "would leave " << sockets(accusations.size()) << ": " << sentence_of(refusal) << " ["
              << name_of(refusal) << "]\n";
    for (const Accusation* each : accusations) std::cout << line_of(recording, *each) << '\n';
  }
}

void show_group(const RecordingView& recording, std::size_t index) {
  const GroupLadder& ladder = recording.ladder()[index];
  std::string done, refused;
  for (std::uint32_t i = 1; i < kRungs; ++i) {
    if (const std::uint32_t count = ladder.acted[i].load())
      done += fmt::format(" {} {}", name_of(static_cast<Rung>(i)), count);
  }
  for (std::uint32_t i = 1; i < kRefusals; ++i) {
    const auto refusal = static_cast<Refusal>(i);
    const std::uint32_t count = ladder.refused[i].load();
    if (count > 0 && refusal != Refusal::done) refused += fmt::format(" {} {}", name_of(refusal), count);
  }
  const bool off = (ladder.flags.load() & ladder_flag::off) != 0;
  if (done.empty() && refused.empty() && !off) return;
  Fingerprints fingerprints;
  std::cout << fmt::format("  {} {}:{}{}{}\n", fingerprints.of(recording, recording.groups()[index]),
                           name_of(recording.groups()[index].verdict), done.empty() ? "" : " done:" + done,
                           refused.empty() ? "" : " left:" + refused, off ? " OFF THE LADDER" : "");
}

void show_state(const RecordingView& recording) {
  for (std::size_t i = 0; i < recording.groups().size(); ++i) {
    if (recording.groups()[i].ready.load() != 0) show_group(recording, i);
  }
  const LadderControl& control = recording.control();
  const auto reclaimed = control.reclaimed.load(), not_reclaimed = control.not_reclaimed.load();
  if (reclaimed + not_reclaimed > 0) {
    std::cout << fmt::format("  calls that found no descriptor: {} succeeded after a reclaim, {} did not\n",
                             reclaimed, not_reclaimed);
  }
  if (const auto lost = control.audit_lost.load(); lost > 0)
    std::cout << fmt::format("  {} lines of the audit could not be written\n", lost);
}

// Beside the recording, as the library writes it.
std::filesystem::path audit_of(const std::string& recording, int pid) {
  return std::filesystem::path(recording).parent_path() / fmt::format("audit-{}.jsonl", pid);
}

void mitigate(const MitigateRequest& request) {
  const std::string path = live_recording_of(request.pid);
  RemoteLadder ladder(request.pid, path);
  const LadderPolicy before = ladder.active();
  const bool changes = !(request.rung + request.allow + request.after + request.rate + request.at).empty();
  const LadderPolicy policy = changes || request.dry_run ? changed(before, request) : before;
  if (request.dry_run && policy.rung == Rung::observe)
    throw Failure(kUsage, "a dry run needs the RUNG that is tried: probe, finish, park or close");
  if (request.dry_run) {
    ladder.plan(policy);
    const RecordingView recording = RecordingView::of_file(path);
    std::cout << "dry run, " << who(recording, request.pid) << ": " << in_words(policy) << '\n';
    show_plan(recording);
  } else {
    if (changes) ladder.set(policy);
    const RecordingView recording = RecordingView::of_file(path);
    std::cout << who(recording, request.pid) << ": " << in_words(policy) << '\n';
    if (changes) std::cout << "  before: " << in_words(before) << '\n';
    if (!changes) show_state(recording);
    const std::filesystem::path audit = audit_of(path, request.pid);
    if (policy.rung != Rung::observe || exists(audit)) std::cout << "  audit: " << audit.string() << '\n';
  }
  std::cout << std::flush;
}

}  // namespace

void add_mitigate_command(CLI::App& app) {
  auto request = std::make_shared<MitigateRequest>();
  CLI::App* command = app.add_subcommand("mitigate", "Change what a running process does about its leaks");
  command->add_option("pid", request->pid, "The process")->required()->type_name("PID")->check(process_id());
  command->add_option("rung", request->rung, "observe, probe, finish, park or close")->type_name("RUNG");
  command->add_option("--allow", request->allow, "... for these leak groups; close needs fingerprints")
      ->type_name("FINGERPRINT,...|all");
  command->add_option("--after", request->after, "... after no progress for so long")->type_name("DURATION");
  command->add_option("--rate", request->rate, "... at most so many")->type_name("N/s|N/m|N/h");
  command->add_option("--at", request->at, "... only when so many of the descriptors are open")
      ->type_name("PERCENT");
  command->add_flag("--dry-run", request->dry_run,
                    "Change nothing; list what would be done, and why not for the rest");
  command->footer(kFooter);
  command->callback([request] { mitigate(*request); });
}

}  // namespace socktrack
