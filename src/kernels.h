// Kernels that are compiled for several instruction sets, and the choice among them.
//
// The sources that CMakeLists.txt lists as KERNELS are compiled once for each set, in a namespace of its name.
// `kernel_table.cpp` among them makes the table of their functions, through which all others call them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "volume.h"

namespace heatsvc {

// Maximum side of a small primitive in pixels: the number of float32 in an AVX register.
inline constexpr std::int32_t simd_width = 8;

// The end of a map range, upper bounds of its non-zero pixels and of its runs, and its work: the pixels of all
// windows, overlaps counted each time, plus one for each person and channel.
struct MapRange {
    std::int64_t last, pixels, runs, work;
};

// Number of runs written, and of their pixels.
struct RunCounts {
    std::int64_t runs, pixels;
};

struct PatchCounts {
    std::int64_t count, pixels, rows;
};

// The number of primitives so far; the pixels of all of the volume's windows; those of the map that has the most.
struct PrimitiveCounts {
    std::int64_t count, work, heaviest;
};

// Thresholds for counting points: the frame's sides; the largest normalized coordinate; a far point's distance from
// (0, 0) in frame sides; the lowest score of a confident point; the range of scores.
struct CountLimits {
    float height, width, max_coordinate, far, confident, min_score, max_score;
};

// Of a clip: detected points, which are no NaN, have a score above 0 and are not exactly (0, 0); of these those inside
// the frame, those whose x and whose y is beyond `max_coordinate`, and those that are far; confident ones, of these
// those inside the frame, and those inside a frame of swapped sides. All points at exactly (0, 0) with a score above 0;
// all whose score is out of range.
struct PointCounts {
    std::int64_t detected, inside, beyond_x, beyond_y, far, confident, confident_inside, confident_transposed,
        at_origin, scores_out_of_range;
};

// See render.h, conversion.h and point_counts.h.
struct Kernels {
    const char* name;  // of the instruction set
    MapRange (*measure)(const Volume& volume, std::int64_t first, std::int64_t last, std::int64_t budget);
    RunCounts (*render)(const Volume& volume, std::int64_t first, std::int64_t last, double cut, float fill,
                        std::int64_t gap, std::span<std::int64_t> starts, std::span<std::int64_t> lengths,
                        std::span<float> values);
    PatchCounts (*separable_patches)(const Volume& volume, std::int64_t first, std::int64_t last, std::int64_t gap,
                                     std::span<std::int64_t> bounds, std::span<float> values);
    PrimitiveCounts (*primitives)(const Volume& volume, std::int64_t primitives_before, std::int64_t maps_before,
                                  std::span<std::int64_t> starts, std::span<std::uint8_t> has_limb,
                                  std::span<std::int32_t> boxes, std::span<double> numbers);
    void (*to_uint8)(std::span<const float> values, std::span<std::uint8_t> out);
    void (*to_float16)(std::span<const float> values, std::span<std::uint16_t> out);
    PointCounts (*count_points)(std::span<const float> keypoint, std::span<const float> score,
                                const CountLimits& limits);
};

namespace baseline {
extern const Kernels table;  // SSE2 on x86-64, NEON on arm64
}
namespace avx2 {
extern const Kernels table;  // AVX2, FMA, BMI; on x86-64 only
}

// The kernels in use: the fastest that this processor runs, the baseline where HEATSVC_TEST_BASELINE is set, or as
// `use_instruction_set` has set.
const Kernels& kernels();

// The instruction sets that this processor has, the fastest last.
std::vector<std::string_view> instruction_sets();

// Use the kernels for an instruction set from now on; for tests. Returns the previous one.
// Throws std::invalid_argument if the processor does not have it.
std::string_view use_instruction_set(std::string_view name);

}  // namespace heatsvc
