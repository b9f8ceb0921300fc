/* Nothing at all: what LD_PRELOAD itself costs. */
extern const int socktrack_bench_empty;
const int socktrack_bench_empty = 0;
