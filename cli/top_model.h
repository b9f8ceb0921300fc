// What `socktrack top` knows and what keys do to it: no terminal, no clock, no file. A snapshot comes in
// (take), keys come in (press), rows go out (top_screen.h).
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "watch/report.h"

namespace socktrack {

enum class TopKey {
  none,
  up,
  down,
  page_up,
  page_down,
  home,
  end,
  in,    // Enter, right
  out,   // left
  back,  // Escape
  erase,
  character,
};

struct TopInput {
  TopKey key = TopKey::none;
  char character = 0;  // with TopKey::character: printable
};

enum class TopView { processes, groups, group };
enum class TopSort { leaked, descriptors, live, rate, age, name };

// What somebody at the keyboard has confirmed.
struct TopOrder {
  ProcessReport process;
  LeakGroup group;
  std::string rung;
};

// One line of a list. Points into the snapshot that the model holds.
struct TopItem {
  const ProcessReport* process = nullptr;
  const LeakGroup* group = nullptr;  // nullptr in the list of processes
};

class TopModel {
 public:
  // `rungs`: what may be ordered for a group; none: mitigation is not offered.
  explicit TopModel(std::vector<std::string> rungs = {}) : rungs_(std::move(rungs)) {}

  // `clock`: when it was taken, as people write it. While paused it is kept for later.
  void take(std::shared_ptr<const Report> snapshot, const std::string& clock);
  // Returns what is to be carried out, if the key confirmed something.
  std::optional<TopOrder> press(const TopInput& input);
  void say(const std::string& message) { message_ = message; }

  bool quits() const { return quits_; }
  bool paused() const { return paused_; }
  bool shows_help() const { return help_; }
  TopView view() const { return view_; }
  TopSort sort() const { return sort_; }
  bool reversed() const { return reversed_; }
  bool has_snapshot() const { return snapshot_ != nullptr; }
  const Report& report() const;
  const std::string& clock() const { return clock_; }
  const std::string& filter() const { return filter_; }
  const std::string& message() const { return message_; }
  // The question at the bottom, "" = none. While there is one, keys answer it.
  std::string question() const;

  // The lines of the present list, filtered and sorted.
  const std::vector<TopItem>& items() const { return items_; }
  std::size_t selected() const { return selected_; }  // index into items(); of the text: first line shown
  // Of the view of one group: whose. Null members if it is gone.
  TopItem subject() const;
  const ProcessReport* owner() const;  // of the groups shown; nullptr = of all processes

  // How many lines of a list or a text are seen at once: what the page keys move by.
  void set_page(std::size_t lines, std::size_t text_lines) {
    page_ = lines;
    text_lines_ = text_lines;
  }

 private:
  enum class Asking { nothing, filter, rung, sure };

  std::optional<TopOrder> answer(const TopInput& input);
  void command(char c);
  void move(const TopInput& input);
  void scroll(TopKey key);
  void enter();
  void leave();
  void ask_for_rung();
  void start_filter();
  void list();
  bool passes(const TopItem& item) const;
  bool comes_first(const TopItem& a, const TopItem& b) const;
  void remember();

  std::vector<std::string> rungs_;
  std::shared_ptr<const Report> snapshot_, newer_;
  std::string clock_, newer_clock_;
  std::vector<TopItem> items_;
  std::size_t selected_ = 0, page_ = 10, text_lines_ = 0;
  std::string selected_process_, selected_group_;  // identities: what is selected stays so when lines move
  std::string owner_, subject_process_, subject_group_;
  TopView view_ = TopView::processes;
  TopSort sort_ = TopSort::leaked;
  bool reversed_ = false, paused_ = false, help_ = false, quits_ = false;
  Asking asking_ = Asking::nothing;
  std::string filter_, filter_before_, message_, rung_;
};

const char* name_of(TopSort sort);

// Sums over the leak groups of a process.
double rate_of(const ProcessReport& process);
double oldest_of(const ProcessReport& process);

}  // namespace socktrack
