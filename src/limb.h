// A limb: a Gaussian of the distance to a segment, rendered row by row.
#pragma once

#include <cstdint>
#include <vector>

#include "gaussian.h"
#include "volume.h"

namespace heatsvc {

// Limb pixels further from the segment than this many sigma are zero: exp(-5.8**2 / 2) < 2**-24, half a unit in the
// last place of 1. PYSKL computes them too, down to 1e-38, which is 300 times below the tolerance.
inline constexpr double limb_reach = 5.8;

}  // namespace heatsvc

namespace heatsvc::HEATSVC_INSTRUCTION_SET {

struct Segment {
    double x = 0, y = 0;    // where it starts
    double ux = 0, uy = 0;  // its direction
    double length = 0;  // 0 for a limb shorter than a pixel, which is rendered as its first point; under 0 for no limb
};

// The visible part of the limb between two points, given by their indices in the volume's keypoints.
Segment visible_segment(std::int64_t a, std::int64_t b, const Volume& volume);

// Some rows of a limb: row y has `size` pixels from `start` on.
class LimbRows {
  public:
    static constexpr std::int64_t max_rows = 16;
    struct Row {
        std::int64_t start, size;
    };

    explicit LimbRows(const Volume& volume);

    // Render the rows y0 to y1, at most max_rows of them: peak * exp(-d**2 / (2 sigma**2)), d the distance to the
    // segment. In the mirrored copy rows are mirrored. Returns how many pixels there are in all.
    std::int64_t render(const Window& window, std::int64_t y0, std::int64_t y1, const Segment& segment, float peak,
                        bool mirrored);

    const Row& operator[](std::int64_t row) const { return rows_[static_cast<std::size_t>(row)]; }
    // The pixels of all rows, each row from the next multiple of eight on, and at least 7 numbers after the last.
    const float* pixels() const { return pixels_.data(); }
    // Numbers from a row of `size` pixels to the next row.
    static std::int64_t stride(std::int64_t size) { return (size + block - 1) & -block; }

  private:
    static constexpr std::int64_t block = 8;
    // Where a block's first pixel is: how far past the middle of the segment, and beside the line.
    struct Origin {
        double along, beside;
    };

    void fill(std::int64_t count, double half, double ux, double uy, float peak);

    std::int64_t width_;
    double reach_, unit_;
    Row rows_[max_rows];
    std::vector<Origin> origins_;
    std::vector<float> pixels_;
};

}  // namespace heatsvc::HEATSVC_INSTRUCTION_SET
