// Servers under `socktrack run`, on a free port, with their files in a private directory.
#pragma once

#include <memory>
#include <string>

#include "harness/socktrack.h"

namespace scenario {

// A port nobody has now. Another process could take it before the server does; then the test fails loudly.
int free_port();

// Waits until somebody accepts connections there. False if the safety limit comes first.
bool accepts_connections(int port);

class Nginx {
 public:
  // Master and two workers with their default user. `keepalive` false makes it close after each answer.
  Nginx(bool tracked, bool keepalive);
  bool ready() const { return accepts_connections(port_); }
  std::string url(const std::string& path) const;
  std::string page() const;        // what /page.txt contains
  std::string complaints() const;  // alerts and worse of its error log
  Process& process() { return *process_; }
  Json report() const { return read_report(directory_ / "report.json"); }

 private:
  void write_configuration(bool keepalive);

  TempDir directory_;
  TempDir pages_;
  int port_ = free_port();
  std::unique_ptr<Process> process_;
};

class Redis {
 public:
  Redis();
  bool ready() const { return accepts_connections(port_); }
  Outcome ask(const Arguments& command) const;  // through redis-cli
  std::string port() const { return std::to_string(port_); }
  Process& process() { return *process_; }
  Json report() const { return read_report(directory_ / "report.json"); }

 private:
  TempDir directory_;
  int port_ = free_port();
  std::unique_ptr<Process> process_;
};

}  // namespace scenario
