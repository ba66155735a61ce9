// Counts of a clip's points, for checking its plausibility (heatsvc/pose/plausibility.py).
#pragma once

#include <span>

#include "kernels.h"

namespace heatsvc::HEATSVC_INSTRUCTION_SET {

// Count the points of keypoint [n, 2] and score [n].
PointCounts count_points(std::span<const float> keypoint, std::span<const float> score, const CountLimits& limits);

}  // namespace heatsvc::HEATSVC_INSTRUCTION_SET
