#include "cli/top_terminal.h"

#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <clocale>
#include <cstring>

// Last: its macros are called erase, move, lines.
#define NCURSES_NOMACROS 1
#include <ncurses.h>
#include <term.h>
#undef lines
#undef columns

#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/terminal.h"

namespace socktrack {
namespace {

constexpr short kRed = 1, kCyan = 2;
constexpr int kEscapeKey = 27;

std::atomic<int> g_signal{0};

void note_signal(int signal) { g_signal.store(signal); }

void listen_to(int signal) {
  struct sigaction action {};
  action.sa_handler = note_signal;
  sigaction(signal, &action, nullptr);
}

bool is_utf8() { return std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0; }

// One '?' for each character that the terminal could not show.
std::string shown_as(const std::string& text, bool utf8) {
  if (utf8) return text;
  std::string plain;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) plain += c;
    if (byte >= 0xc0) plain += '?';
  }
  return plain;
}

TopInput input_of(int key) {
  switch (key) {
    case KEY_UP:
      return {TopKey::up};
    case KEY_DOWN:
      return {TopKey::down};
    case KEY_PPAGE:
      return {TopKey::page_up};
    case KEY_NPAGE:
      return {TopKey::page_down};
    case KEY_HOME:
      return {TopKey::home};
    case KEY_END:
      return {TopKey::end};
    case KEY_RIGHT:
    case KEY_ENTER:
    case '\n':
    case '\r':
      return {TopKey::in};
    case KEY_LEFT:
      return {TopKey::out};
    case kEscapeKey:
      return {TopKey::back};
    case KEY_BACKSPACE:
    case 127:
    case '\b':
      return {TopKey::erase};
    default:
      return key >= ' ' && key < 127 ? TopInput{TopKey::character, static_cast<char>(key)} : TopInput{};
  }
}

}  // namespace

bool is_screen_terminal() {
  if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1) return false;
  int error = 0;
  if (setupterm(nullptr, STDOUT_FILENO, &error) != OK) return false;
  const char* move_cursor = tigetstr("cup");
  return move_cursor != nullptr && move_cursor != reinterpret_cast<char*>(-1);
}

TopTerminal::TopTerminal() {
  std::setlocale(LC_CTYPE, "");
  if (newterm(nullptr, stdout, stdin) == nullptr) {
    throw Failure(kCannot, "the terminal is not known: set TERM, or use --once");
  }
  // ncurses ends the process in its own handlers, without our words.
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) listen_to(signal);
  cbreak();
  noecho();
  nonl();
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  set_escdelay(50);
  curs_set(0);
  if (!wants_colour(STDOUT_FILENO) || !has_colors()) return;
  start_color();
  use_default_colors();
  init_pair(kRed, COLOR_RED, -1);
  init_pair(kCyan, COLOR_CYAN, -1);
  colours_ = true;
}

TopTerminal::~TopTerminal() {
  curs_set(1);
  endwin();
}

std::size_t TopTerminal::width() const { return static_cast<std::size_t>(std::max(getmaxx(stdscr), 0)); }
std::size_t TopTerminal::height() const { return static_cast<std::size_t>(std::max(getmaxy(stdscr), 0)); }

unsigned long TopTerminal::attributes_of(TopLook look) const {
  switch (look) {
    case TopLook::title:
    case TopLook::question:
      return A_BOLD;
    case TopLook::header:
      return A_UNDERLINE;
    case TopLook::selected:
      return A_REVERSE;
    case TopLook::bad:
      return colours_ ? static_cast<unsigned long>(COLOR_PAIR(kRed)) : A_NORMAL;
    case TopLook::faint:
      return colours_ ? static_cast<unsigned long>(COLOR_PAIR(kCyan)) : A_NORMAL;
    case TopLook::plain:
      break;
  }
  return A_NORMAL;
}

void TopTerminal::show(const std::vector<TopRow>& rows) {
  const bool utf8 = is_utf8();
  werase(stdscr);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    wattrset(stdscr, static_cast<int>(attributes_of(rows[i].look)));
    mvwaddstr(stdscr, static_cast<int>(i), 0, shown_as(rows[i].text, utf8).c_str());
  }
  wattrset(stdscr, A_NORMAL);
  wrefresh(stdscr);
}

TopInput TopTerminal::wait(int milliseconds) {
  int key = wgetch(stdscr);
  if (key == ERR) {
    // A terminal that has gone answers at once and for ever: only poll tells it from one that is quiet.
    pollfd input{STDIN_FILENO, POLLIN, 0};
    const int answer = poll(&input, 1, milliseconds);
    key = wgetch(stdscr);  // after a signal, too: a new size is read here
    if (answer > 0 && key == ERR && (input.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) gone_ = true;
  }
  return key == ERR ? TopInput{} : input_of(key);
}

int TopTerminal::ended_by() const {
  const int signal = g_signal.load();
  return signal != 0 ? signal : gone_ ? -1 : 0;
}

}  // namespace socktrack
