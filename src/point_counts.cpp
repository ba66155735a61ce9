#include "point_counts.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace heatsvc::HEATSVC_INSTRUCTION_SET {
namespace {

// Points of a block: its counts have 32 bits, as a float has, so that compilers make vectors of the loop.
constexpr std::size_t block = 1 << 20;

}  // namespace

PointCounts count_points(std::span<const float> keypoint, std::span<const float> score, const CountLimits& limits) {
    if (keypoint.size() != 2 * score.size()) {
        throw std::invalid_argument("keypoint is [M, T, V, 2], score [M, T, V]");
    }
    const auto [height, width, max_coordinate, far_frames, sure_score, min_score, max_score] = limits;
    const float far_x = far_frames * width, far_y = far_frames * height;
    const float* const points = keypoint.data();
    const float* const scores = score.data();
    PointCounts counts{};
    for (std::size_t first = 0; first < score.size(); first += block) {
        const std::size_t last = std::min(score.size(), first + block);
        std::int32_t detected = 0, inside = 0, beyond_x = 0, beyond_y = 0, far = 0, at_origin = 0;
        std::int32_t confident = 0, confident_inside = 0, confident_transposed = 0, scores_out_of_range = 0;
        for (std::size_t i = first; i < last; ++i) {
            const float x = points[2 * i], y = points[2 * i + 1], s = scores[i];
            const float distance_x = std::fabs(x), distance_y = std::fabs(y);
            const std::int32_t scored = s > 0.0F, zero = (x == 0.0F) & (y == 0.0F);
            const std::int32_t here = scored & (zero ^ 1) & (x == x) & (y == y);
            const std::int32_t positive = here & (x >= 0.0F) & (y >= 0.0F);
            const std::int32_t in_frame = positive & (x <= width) & (y <= height), sure = here & (s >= sure_score);
            detected += here;
            inside += in_frame;
            beyond_x += here & (distance_x > max_coordinate);
            beyond_y += here & (distance_y > max_coordinate);
            far += here & ((distance_x > far_x) | (distance_y > far_y));
            confident += sure;
            confident_inside += sure & in_frame;
            confident_transposed += sure & positive & (x <= height) & (y <= width);
            at_origin += scored & zero;
            scores_out_of_range += (s < min_score) | (s > max_score);
        }
        counts.detected += detected;
        counts.inside += inside;
        counts.beyond_x += beyond_x;
        counts.beyond_y += beyond_y;
        counts.far += far;
        counts.confident += confident;
        counts.confident_inside += confident_inside;
        counts.confident_transposed += confident_transposed;
        counts.at_origin += at_origin;
        counts.scores_out_of_range += scores_out_of_range;
    }
    return counts;
}

}  // namespace heatsvc::HEATSVC_INSTRUCTION_SET
