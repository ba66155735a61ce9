// Kernels that are compiled for several instruction sets, and the choice among them.
//
// The sources that CMakeLists.txt lists as KERNELS are compiled once for each set, in a namespace of its name.
// `kernel_table.cpp` among them makes the table of their functions, through which all others call them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace heatsvc {

struct Kernels {
    const char* name;  // of the instruction set
    void (*to_uint8)(std::span<const float> values, std::span<std::uint8_t> out);
};

namespace baseline {
extern const Kernels table;  // SSE2 on x86-64, NEON on arm64
}
namespace avx2 {
extern const Kernels table;  // AVX2, FMA, BMI; on x86-64 only
}

// The kernels in use: the fastest that this processor runs, or as `use_instruction_set` says.
const Kernels& kernels();

// The instruction sets that this processor has, the fastest last.
std::vector<std::string_view> instruction_sets();

// Use the kernels for this one from now on; for tests. std::invalid_argument where the processor does not have it.
void use_instruction_set(std::string_view name);

}  // namespace heatsvc
