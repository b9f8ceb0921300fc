/* Calls of every row of entrypoints.def, told in one line each. */
#pragma once

struct scene;
enum { NEEDS_A_PROCESS = 1 };
struct row {
  const char* name;
  void (*call)(struct scene* s);
  int needs;
};
extern const struct row every_row[]; /* ends with a row without a name */

void call_row(const struct row* row, int to);
void call_every_row(int to, int without); /* `without`: the rows that need something are left out */
