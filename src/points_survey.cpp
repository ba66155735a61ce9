#include "points_survey.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace heatsvc::HEATSVC_INSTRUCTION_SET {
namespace {

// Points of a block: its counts have 32 bits, as a float has, so that compilers make vectors of the loop.
constexpr std::size_t block = 1 << 20;

}  // namespace

PointCounts survey_points(std::span<const float> keypoint, std::span<const float> score, const SurveyLimits& limits) {
    if (keypoint.size() != 2 * score.size()) {
        throw std::invalid_argument("keypoint is [M, T, V, 2], score [M, T, V]");
    }
    const auto [height, width, near, lowest, highest] = limits;
    const float* const points = keypoint.data();
    const float* const scores = score.data();
    PointCounts counts{};
    for (std::size_t first = 0; first < score.size(); first += block) {
        const std::size_t last = std::min(score.size(), first + block);
        std::int32_t detected = 0, inside = 0, turned = 0, zeros = 0, away = 0, odd = 0;
        for (std::size_t i = first; i < last; ++i) {
            const float x = points[2 * i], y = points[2 * i + 1], s = scores[i];
            const std::int32_t scored = s > 0.0f, zero = (x == 0.0f) & (y == 0.0f);
            const std::int32_t here = scored & (zero ^ 1) & (x == x) & (y == y);
            const std::int32_t positive = here & (x >= 0.0f) & (y >= 0.0f);
            detected += here;
            zeros += scored & zero;
            inside += positive & (x <= width) & (y <= height);
            turned += positive & (x <= height) & (y <= width);
            away += here & ((std::fabs(x) > near) | (std::fabs(y) > near));
            odd += (s < lowest) | (s > highest);
        }
        counts.detected += detected;
        counts.inside += inside;
        counts.turned += turned;
        counts.zeros += zeros;
        counts.away += away;
        counts.odd += odd;
    }
    return counts;
}

}  // namespace heatsvc::HEATSVC_INSTRUCTION_SET
