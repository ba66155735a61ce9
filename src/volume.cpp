#include "volume.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace heatsvc {
namespace {

// Limits such that no product of them exceeds 63 bits.
constexpr std::int64_t max_maps = std::int64_t{1} << 31, max_pixels = std::int64_t{1} << 60, max_side = 1 << 20;

bool all_below(std::span<const std::int32_t> indices, std::int64_t limit) {
    return std::ranges::all_of(indices, [limit](std::int32_t index) { return index >= 0 && index < limit; });
}

}  // namespace

void Volume::check() const {
    const std::int64_t size = std::ssize(score);
    if (size != persons * frames * points || std::ssize(keypoint) + std::ssize(keypoint64) != 2 * size) {
        throw std::invalid_argument("keypoint has to be [M, T, V, 2] and keypoint_score [M, T, V]");
    }
    if (keypoint_channels != 0 && keypoint_channels != points) {
        throw std::invalid_argument("either all points have channels, or none");
    }
    if (height < 1 || width < 1 || height > max_side || width > max_side || maps() > max_maps ||
        maps() > max_pixels / area()) {
        throw std::invalid_argument(
            "a map has 1 to 2**20 pixels a side, and a volume at most 2**31 maps and 2**60 pixels");
    }
    if (!(sigma > 0.0) || !std::isfinite(sigma) || !(gaussian.stride > 0.0)) {
        throw std::invalid_argument("sigma and stride have to be above 0");
    }
    if (clip < 0 || (clip > 0 && frames % clip != 0)) {
        throw std::invalid_argument("clips have to be of one length");
    }
    if (!all_below(limbs, points) || !all_below(mirror, channels()) ||
        (!mirror.empty() && static_cast<std::int64_t>(mirror.size()) != channels())) {
        throw std::invalid_argument("a keypoint of `limbs` or a channel of `mirror` does not exist");
    }
}

}  // namespace heatsvc
