// Renders a volume's maps as runs of pixels.
#pragma once

#include <cstdint>
#include <span>

#include "kernels.h"
#include "volume.h"

namespace heatsvc::HEATSVC_INSTRUCTION_SET {

// Measure maps from `first` on until their work reaches `budget`, or up to `last`.
MapRange measure(const Volume& volume, std::int64_t first, std::int64_t last, std::int64_t budget);

// Render the maps first to last, and write their pixels above `cut` as runs.
//
// Runs with fewer than `gap` pixels between them are joined, with `fill` between them. runs is -1 if there was no room
// for all. The room from `measure` suffices, unless rounding makes holes in a limb's faint border.
RunCounts render(const Volume& volume, std::int64_t first, std::int64_t last, double cut, float fill, std::int64_t gap,
                 std::span<std::int64_t> starts, std::span<std::int64_t> lengths, std::span<float> values);

// List the primitives of all maps, for a renderer on another device.
//
// primitives_before, maps_before: what is already written.
// starts: takes for each map its first primitive. has_limb: takes 1 for each map that has a limb channel, else 0.
// boxes: [F, 4], takes the windows x0, x1, y0, y1 in the map's pixels; those of a mirrored map are not mirrored.
// numbers: [F, 6], takes each segment's start x and y, direction x and y, and length, and the peak; a keypoint is a
// segment of length 0. Where it is empty nothing is written, and primitives are only counted.
PrimitiveCounts primitives(const Volume& volume, std::int64_t primitives_before, std::int64_t maps_before,
                           std::span<std::int64_t> starts, std::span<std::uint8_t> has_limb,
                           std::span<std::int32_t> boxes, std::span<double> numbers);

// Render the maps first to last as separable patches: of a volume with one person, no limbs and no `reduce`.
//
// gap: so many pixels have to be between a row of a patch and the next one, of this patch or of another.
// bounds: [S, 3], takes the first pixel of each patch, its columns and its rows.
// values: [S, 2 simd_width], takes a row and a column, whose product the patch is; numbers beyond them are undefined.
// The count is -1 where the maps are not of that kind: a patch of more than simd_width pixels a side, one whose peak is
// under min_patch_peak, one too near to the one before, or more than S.
PatchCounts separable_patches(const Volume& volume, std::int64_t first, std::int64_t last, std::int64_t gap,
                              std::span<std::int64_t> bounds, std::span<float> values);

}  // namespace heatsvc::HEATSVC_INSTRUCTION_SET
