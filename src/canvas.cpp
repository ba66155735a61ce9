#include "canvas.h"

#include <utility>

namespace heatsvc::HEATSVC_INSTRUCTION_SET {

void Canvas::add(std::int64_t y, std::int64_t start, std::int64_t size, const float* __restrict row) {
    float* __restrict pixels = touch(y, start, size);
    for (std::int64_t i = 0; i < size; ++i) {
        pixels[i] = std::min(pixels[i] + row[i], 1.0F);
    }
}

void Canvas::move_to(Canvas& other, std::int32_t channel) {
    for (std::int64_t y = top_; y < bottom_; ++y) {
        const auto [first, last] = std::exchange(touched_[static_cast<std::size_t>(y)], untouched);
        if (first < last) {
            float* row = pixels_.data() + y * width_;
            other.merge(y, first, last - first, row + first, channel);
            std::fill(row + first, row + last, 0.0F);
        }
    }
    top_ = std::numeric_limits<std::int64_t>::max();
    bottom_ = 0;
}

}  // namespace heatsvc::HEATSVC_INSTRUCTION_SET
