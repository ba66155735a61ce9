// Runs of pixels: the start and length of each run, and the concatenated pixels of all.
#pragma once

#include <cstdint>
#include <span>

namespace heatsvc {

// A tile of `size` pixels given as its runs; every byte between them is `fill`.
struct Runs {
    std::span<const std::uint8_t> values;   // the runs' bytes
    std::span<const std::int64_t> starts;   // in pixels, ascending
    std::span<const std::int64_t> lengths;  // in pixels
    std::int64_t itemsize;                  // bytes per pixel
    std::int64_t size;
    std::uint8_t fill = 0;

    // Throws std::invalid_argument unless the runs are in order, within the tile, and match the number of values.
    void check() const;
};

// Write runs into a dense tile `out` of runs.size pixels that already holds the fill. The runs are checked.
void scatter(const Runs& runs, std::span<std::uint8_t> out);

// Add float32 runs of frames-first maps to their channel's color sums, each frame in its colors. The runs are
// checked.
//
// runs: its size is not read. first: the number of its first map, counted from the first map of the picture.
// weights: [T, colors], how much of each color a frame has. sums: [K, area, colors].
void add_colors(Runs runs, std::int64_t first, std::int64_t area, std::int64_t channels, std::int64_t colors,
                std::span<const float> weights, std::span<double> sums);

}  // namespace heatsvc
