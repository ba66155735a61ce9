#include "kernels.h"

#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <string>

#if defined(_MSC_VER) && defined(HEATSVC_AVX2)
#include <windows.h>
#endif

namespace heatsvc {
namespace {

#if defined(HEATSVC_AVX2)
bool has_avx2() {
#if defined(_MSC_VER)
    return IsProcessorFeaturePresent(PF_AVX2_INSTRUCTIONS_AVAILABLE) != 0;
#else
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
#endif
}
#endif

std::vector<const Kernels*> available() {
    std::vector<const Kernels*> tables{&baseline::table};
#if defined(HEATSVC_AVX2)
    if (has_avx2()) {
        tables.push_back(&avx2::table);
    }
#endif
    return tables;
}

const Kernels* first_choice() {
    const char* test = std::getenv("HEATSVC_TEST_BASELINE");
    return test != nullptr && *test != '\0' ? &baseline::table : available().back();
}

std::atomic<const Kernels*> chosen{first_choice()};

}  // namespace

const Kernels& kernels() { return *chosen.load(std::memory_order_relaxed); }

std::vector<std::string_view> instruction_sets() {
    std::vector<std::string_view> names;
    for (const Kernels* table : available()) {
        names.emplace_back(table->name);
    }
    return names;
}

std::string_view use_instruction_set(std::string_view name) {
    for (const Kernels* table : available()) {
        if (name == table->name) {
            return chosen.exchange(table)->name;
        }
    }
    throw std::invalid_argument("this processor has no instruction set " + std::string(name));
}

}  // namespace heatsvc
