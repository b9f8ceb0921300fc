#include "cli/top_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "watch/own_code.h"
#include "watch/vocabulary.h"

namespace socktrack {
namespace {

constexpr TopSort kSorts[] = {TopSort::leaked, TopSort::descriptors, TopSort::live,
                              TopSort::rate,   TopSort::age,         TopSort::name};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string identity(const ProcessReport& process) {
  return fmt::format("{} {} {}", process.pid, process.started, process.recording);
}

// Two groups of one fingerprint differ in what was seen.
std::string identity(const LeakGroup& group) {
  return fmt::format("{} {} {} {}", group.fingerprint, static_cast<int>(group.verdict), group.operation,
                     group.error);
}

double share_of_descriptors(const ProcessReport& process) {
  return process.fds_limit == 0
             ? 0
             : static_cast<double>(process.fds_open) / static_cast<double>(process.fds_limit);
}

// Larger comes first; names are told apart before.
double weight(const TopItem& item, TopSort sort) {
  const ProcessReport& process = *item.process;
  const LeakGroup* group = item.group;
  switch (sort) {
    case TopSort::descriptors:
      return share_of_descriptors(process);
    case TopSort::live:
      return static_cast<double>(process.live);
    case TopSort::rate:
      return group == nullptr ? rate_of(process) : group->per_minute;
    case TopSort::age:
      return group == nullptr ? oldest_of(process) : group->oldest_s;
    case TopSort::leaked:
      break;
    case TopSort::name:
      return 0;
  }
  return static_cast<double>(group == nullptr ? process.leaked : group->count);
}

std::string name_in(const TopItem& item) {
  const std::string& path = item.process->exe;
  const std::string program = path.substr(path.rfind('/') + 1);
  return item.group == nullptr ? program : telling_place(item.group->open_stack) + program;
}

// What a filter is looked for in.
std::string text_of(const LeakGroup& group) {
  std::string text = group.fingerprint + ' ' + name_of(group.verdict);
  for (const auto* stack : {&group.open_stack, &group.sighting_stack}) {
    for (const Frame& frame : *stack) text += ' ' + frame.function + ' ' + frame.file;
  }
  for (const SocketFacts& socket : group.sockets) text += ' ' + socket.peer + ' ' + socket.local;
  return text;
}

}  // namespace

const char* name_of(TopSort sort) {
  switch (sort) {
    case TopSort::leaked:
      return "leaked";
    case TopSort::descriptors:
      return "descriptors";
    case TopSort::live:
      return "live";
    case TopSort::rate:
      return "rate";
    case TopSort::age:
      return "age";
    case TopSort::name:
      break;
  }
  return "name";
}

double rate_of(const ProcessReport& process) {
  double sum = 0;
  for (const LeakGroup& group : process.groups)
    sum += group.severity == Severity::leak ? group.per_minute : 0;
  return sum;
}

double oldest_of(const ProcessReport& process) {
  double oldest = 0;
  for (const LeakGroup& group : process.groups) {
    if (group.severity == Severity::leak) oldest = std::max(oldest, group.oldest_s);
  }
  return oldest;
}

const Report& TopModel::report() const {
  static const Report nothing;
  return snapshot_ == nullptr ? nothing : *snapshot_;
}

void TopModel::take(std::shared_ptr<const Report> snapshot, const std::string& clock) {
  newer_ = std::move(snapshot);
  newer_clock_ = clock;
  // A list that moves under somebody who is asked about one of its lines would get the wrong answer.
  if (paused_ || asking_ == Asking::rung || asking_ == Asking::sure) return;
  snapshot_ = newer_;
  clock_ = newer_clock_;
  list();
}

// ---- what is shown

TopItem TopModel::subject() const {
  for (const ProcessReport& process : report().processes) {
    if (identity(process) != subject_process_) continue;
    for (const LeakGroup& group : process.groups) {
      if (identity(group) == subject_group_) return {&process, &group};
    }
    return {&process, nullptr};
  }
  return {};
}

const ProcessReport* TopModel::owner() const {
  for (const ProcessReport& process : report().processes) {
    if (!owner_.empty() && identity(process) == owner_) return &process;
  }
  return nullptr;
}

bool TopModel::passes(const TopItem& item) const {
  if (filter_.empty()) return true;
  const std::string wanted = lower(filter_);
  std::string text = fmt::format("{} {}", item.process->pid, item.process->exe);
  if (item.group != nullptr) {
    text += ' ' + text_of(*item.group);
  } else {
    for (const LeakGroup& group : item.process->groups) text += ' ' + text_of(group);
  }
  return lower(text).find(wanted) != std::string::npos;
}

bool TopModel::comes_first(const TopItem& a, const TopItem& b) const {
  if (sort_ == TopSort::name) return name_in(a) < name_in(b);
  return weight(a, sort_) > weight(b, sort_);
}

// Builds the list anew and finds the selected line in it; if that is gone, its place is taken by another.
void TopModel::list() {
  items_.clear();
  if (view_ == TopView::group) return;
  for (const ProcessReport& process : report().processes) {
    if (view_ == TopView::processes) {
      items_.push_back({&process, nullptr});
    } else if (owner_.empty() || identity(process) == owner_) {
      for (const LeakGroup& group : process.groups) items_.push_back({&process, &group});
    }
  }
  std::erase_if(items_, [this](const TopItem& item) { return !passes(item); });
  std::stable_sort(items_.begin(), items_.end(), [this](const TopItem& a, const TopItem& b) {
    return reversed_ ? comes_first(b, a) : comes_first(a, b);
  });
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const TopItem& item = items_[i];
    if (identity(*item.process) != selected_process_) continue;
    if (item.group != nullptr && identity(*item.group) != selected_group_) continue;
    selected_ = i;
    return;
  }
  selected_ = items_.empty() ? 0 : std::min(selected_, items_.size() - 1);
  remember();
}

void TopModel::remember() {
  if (selected_ >= items_.size()) return;
  selected_process_ = identity(*items_[selected_].process);
  selected_group_ = items_[selected_].group == nullptr ? "" : identity(*items_[selected_].group);
}

// ---- keys

std::string TopModel::question() const {
  switch (asking_) {
    case Asking::filter:
      return "filter: " + filter_ + "_";
    case Asking::rung: {
      std::string choices;
      for (std::size_t i = 0; i < rungs_.size(); ++i)
        choices += fmt::format("{}{} {}", i == 0 ? "" : ", ", i + 1, rungs_[i]);
      return "what is to be done? " + choices + ", Esc nothing";
    }
    case Asking::sure: {
      const TopItem item = subject();
      if (item.group == nullptr) return "it is gone; any key";
      return fmt::format("{} {} of process {}, fingerprint {}? y/n", rung_,
                         item.group->count == 1 ? "1 socket" : fmt::format("{} sockets", item.group->count),
                         item.process->pid, item.group->fingerprint);
    }
    case Asking::nothing:
      break;
  }
  return "";
}

std::optional<TopOrder> TopModel::press(const TopInput& input) {
  if (input.key == TopKey::none) return {};
  message_.clear();
  if (asking_ != Asking::nothing) return answer(input);
  if (help_) {
    help_ = false;
    if (input.key != TopKey::character || input.character != 'q') return {};
  }
  if (input.key == TopKey::character) {
    command(input.character);
  } else {
    move(input);
  }
  return {};
}

std::optional<TopOrder> TopModel::answer(const TopInput& input) {
  const char c = input.key == TopKey::character ? input.character : '\0';
  if (asking_ == Asking::filter) {
    if (c != '\0') filter_ += c;
    if (input.key == TopKey::erase && !filter_.empty()) filter_.pop_back();
    if (input.key == TopKey::back) filter_ = filter_before_;
    if (input.key == TopKey::back || input.key == TopKey::in) asking_ = Asking::nothing;
    list();
    return {};
  }
  if (asking_ == Asking::rung) {
    const auto chosen = static_cast<std::size_t>(c - '1');
    asking_ = c >= '1' && chosen < rungs_.size() ? Asking::sure : Asking::nothing;
    if (asking_ == Asking::sure) rung_ = rungs_[chosen];
    return {};
  }
  asking_ = Asking::nothing;
  const TopItem item = subject();
  if (c != 'y' || item.group == nullptr) return {};
  return TopOrder{*item.process, *item.group, rung_};
}

void TopModel::start_filter() {
  if (view_ == TopView::group) return say("a filter is for lists");
  asking_ = Asking::filter;
  filter_before_ = filter_;
}

void TopModel::command(char c) {
  switch (c) {
    case 'q':
      quits_ = true;
      return;
    case 'h':
    case '?':
      help_ = true;
      return;
    case 'p':
    case ' ':
      paused_ = !paused_;
      if (!paused_ && newer_ != nullptr) take(newer_, newer_clock_);
      return;
    case 's':
    case 'S': {
      const auto count = static_cast<int>(std::size(kSorts));
      const int next = static_cast<int>(sort_) + (c == 's' ? 1 : count - 1);
      sort_ = kSorts[next % count];
      return list();
    }
    case 'r':
      reversed_ = !reversed_;
      return list();
    case '/':
      return start_filter();
    case 'g':
      view_ = view_ == TopView::processes ? TopView::groups : TopView::processes;
      owner_.clear();
      selected_ = 0;
      return list();
    case 'm':
      return ask_for_rung();
    case 'j':
      return move({TopKey::down});
    case 'k':
      return move({TopKey::up});
    default:
      return say("? shows the keys");
  }
}

void TopModel::move(const TopInput& input) {
  if (input.key == TopKey::in) return enter();
  if (input.key == TopKey::out || input.key == TopKey::back || input.key == TopKey::erase) return leave();
  scroll(input.key);
}

void TopModel::scroll(TopKey key) {
  const std::size_t count = view_ == TopView::group ? text_lines_ : items_.size();
  // A text stops when its last line is seen, a list when its last line is selected.
  const std::size_t seen = view_ == TopView::group ? page_ : 1;
  const std::size_t last = count > seen ? count - seen : 0;
  const std::size_t page = std::max<std::size_t>(page_, 1);
  switch (key) {
    case TopKey::up:
      selected_ -= selected_ > 0 ? 1 : 0;
      break;
    case TopKey::down:
      ++selected_;
      break;
    case TopKey::page_up:
      selected_ -= std::min(selected_, page);
      break;
    case TopKey::page_down:
      selected_ += page;
      break;
    case TopKey::home:
      selected_ = 0;
      break;
    case TopKey::end:
      selected_ = last;
      break;
    default:
      return;
  }
  selected_ = std::min(selected_, last);
  if (view_ != TopView::group) remember();
}

void TopModel::enter() {
  if (view_ == TopView::group || selected_ >= items_.size()) return;
  const TopItem item = items_[selected_];
  if (view_ == TopView::processes) {
    owner_ = identity(*item.process);
    view_ = TopView::groups;
    selected_ = 0;
    selected_group_.clear();
    return list();
  }
  subject_process_ = identity(*item.process);
  subject_group_ = identity(*item.group);
  view_ = TopView::group;
  selected_ = 0;
}

void TopModel::leave() {
  if (view_ == TopView::processes) {
    if (!filter_.empty()) {
      filter_.clear();
      list();
    }
    return;
  }
  view_ = view_ == TopView::group ? TopView::groups : TopView::processes;
  selected_ = 0;
  if (view_ == TopView::processes) {
    if (!owner_.empty()) selected_process_ = owner_;
    owner_.clear();
  } else {
    selected_process_ = subject_process_;
    selected_group_ = subject_group_;
  }
  list();
}

void TopModel::ask_for_rung() {
  if (rungs_.empty()) return say("mitigation is not offered here");
  if (view_ == TopView::processes) return say("choose a group first: Enter, or g");
  if (view_ == TopView::groups) {
    if (selected_ >= items_.size()) return;
    subject_process_ = identity(*items_[selected_].process);
    subject_group_ = identity(*items_[selected_].group);
  }
  const TopItem item = subject();
  if (item.group == nullptr) return say("the group is gone");
  if (!item.process->running) return say("the process has ended");
  asking_ = Asking::rung;
}

}  // namespace socktrack
