#include "preload/symbols_behind.h"

#include <elf.h>

namespace socktrack {
namespace {

class Search {
 public:
  Search(const WantedSymbol* wanted, std::size_t count, void** addresses)
      : wanted_(wanted), count_(count), addresses_(addresses), left_(count) {}

  // The modules of a namespace are listed in the order in which names are looked up, those that were there
  // from the start first. Where that is not known to hold we ask the loader: a module that cannot be searched
  // here, or a libc that is not behind us, because somebody loaded us late.
  unsigned run() {
    dl_find_object us{};
    if (_dl_find_object(&ours, &us) == 0) {
      const link_map* module = us.dlfo_link_map;
      while (left_ > 0 && !libc_seen_ && (module = module->l_next) != nullptr) {
        const ElfSymbols symbols(*module);
        if (!symbols.searchable()) break;
        take_from(*module, symbols);
      }
    }
    for (std::size_t i = 0; i < count_ && left_ > 0; i++) ask_loader(i);
    return static_cast<unsigned>(left_);
  }

 private:
  enum class State : unsigned char { wanted, loader_knows, found };

  void take_from(const link_map& module, const ElfSymbols& symbols) {
    static constexpr WantedSymbol kOnlyLibc = wanted_symbol("gnu_get_libc_version");
    libc_seen_ = symbols.find(kOnlyLibc.name, kOnlyLibc.hash) != nullptr;
    for (std::size_t i = 0; i < count_; i++) {
      if (states_[i] != State::wanted) continue;
      const ElfW(Sym)* symbol = symbols.find(wanted_[i].name, wanted_[i].hash);
      if (symbol == nullptr) continue;
      const unsigned char type = ELF64_ST_TYPE(symbol->st_info);
      if (type == STT_GNU_IFUNC) states_[i] = State::loader_knows;
      if (type == STT_FUNC || type == STT_NOTYPE) found(i, module.l_addr + symbol->st_value);
    }
  }
  void found(std::size_t i, std::uintptr_t address) {
    __atomic_store_n(&addresses_[i], reinterpret_cast<void*>(address),
                     __ATOMIC_RELEASE);  // others call meanwhile
    states_[i] = State::found;
    left_--;
  }
  // Dear where the name is missing: the loader makes a message of it.
  void ask_loader(std::size_t i) {
    if (states_[i] == State::found || (states_[i] == State::wanted && libc_seen_)) return;
    void* address = dlsym(RTLD_NEXT, wanted_[i].name);
    if (address != nullptr) found(i, reinterpret_cast<std::uintptr_t>(address));
  }

  static char ours;
  const WantedSymbol* wanted_;
  std::size_t count_;
  void** addresses_;
  std::size_t left_;
  bool libc_seen_ = false;
  State states_[kMostWanted] = {};
};

char Search::ours;

}  // namespace

unsigned find_symbols_behind_us(const WantedSymbol* wanted, std::size_t count, void** addresses) {
  return Search(wanted, count, addresses).run();
}

}  // namespace socktrack
