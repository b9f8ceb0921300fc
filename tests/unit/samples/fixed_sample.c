// A program at a fixed address: offsets in a recording are its addresses themselves.
__attribute__((noinline)) int fixed_function(int n) { return n * 3 + 1; }

int main(int argc, char** argv) {
  (void)argv;
  return fixed_function(argc) == 0;
}
