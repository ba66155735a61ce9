// Runs of pixels: where each starts, how long it is, and the pixels of all, one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace heatsvc {

// A stretch of `size` pixels given as its runs; every byte between them is `fill`.
struct Runs {
    std::span<const std::uint8_t> values;   // the runs' bytes
    std::span<const std::int64_t> starts;   // in pixels, ascending
    std::span<const std::int64_t> lengths;  // in pixels
    std::int64_t itemsize;                  // bytes per pixel
    std::int64_t size;
    std::uint8_t fill = 0;

    // Throws std::invalid_argument unless the runs follow each other within the stretch and have just these values.
    void check() const;
};

// Write runs into a dense stretch `out` of runs.size pixels that already holds the fill. The runs are checked.
void scatter(const Runs& runs, std::span<std::uint8_t> out);

}  // namespace heatsvc
