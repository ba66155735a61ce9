// A volume before it is rendered: keypoints, and what its maps are. See HeatmapVolume in heatsvc/volume.py.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

namespace heatsvc {

enum class Reduce { none, max, argmax };

// The frame (the mirrored copy counted on), channel, and frame within its clip, of a map.
struct MapIndex {
    std::int64_t frame, channel, step;
};

struct Volume {
    std::int64_t persons, frames, points;  // M, T, V
    std::span<const float> keypoint;       // [M, T, V, 2], x and y in map pixels
    std::span<const float> score;          // [M, T, V]
    std::span<const std::int32_t> limbs;   // [L, 2], the two points of each limb channel
    std::span<const std::int32_t> mirror;  // [K], each channel's mirror image; empty where there is no mirrored copy
    std::int64_t keypoint_channels;        // V or 0
    std::int64_t clip;                     // frames of an output clip; 0 for frames-first order
    Reduce reduce;
    std::int64_t height, width;
    double sigma, eps;

    // Throws std::invalid_argument unless all sizes and indices fit together. The kernels rely on that.
    void check() const;

    // K: keypoints, then limbs.
    std::int64_t channels() const { return keypoint_channels + static_cast<std::int64_t>(limbs.size() / 2); }
    // Channels that share a map.
    std::int64_t merged() const { return reduce == Reduce::none ? 1 : channels(); }
    // Channels that have a map, or that share one.
    std::int64_t kept() const { return reduce == Reduce::none ? channels() : channels() > 0 ? 1 : 0; }
    std::int64_t maps() const { return kept() * frames * (mirror.empty() ? 1 : 2); }
    std::int64_t area() const { return height * width; }

    // The indices of map number `number` in output order, and those of the map after one.
    MapIndex map_index(std::int64_t number) const;
    MapIndex next(MapIndex map) const;
};

inline MapIndex Volume::map_index(std::int64_t number) const {
    const std::int64_t channels = std::max<std::int64_t>(kept(), 1), frames_of_clip = reduce == Reduce::none ? clip : 0;
    if (frames_of_clip == 0) {
        return {number / channels, number % channels, 0};
    }
    const std::int64_t clip_number = number / (channels * frames_of_clip), step = number % frames_of_clip;
    return {clip_number * frames_of_clip + step, number / frames_of_clip % channels, step};
}

inline MapIndex Volume::next(MapIndex map) const {
    const std::int64_t channels = kept(), frames_of_clip = reduce == Reduce::none ? clip : 0;
    if (frames_of_clip == 0) {
        return map.channel + 1 == channels ? MapIndex{map.frame + 1, 0, 0} : MapIndex{map.frame, map.channel + 1, 0};
    }
    if (map.step + 1 < frames_of_clip) {
        return {map.frame + 1, map.channel, map.step + 1};
    }
    if (map.channel + 1 < channels) {
        return {map.frame + 1 - frames_of_clip, map.channel + 1, 0};
    }
    return {map.frame + 1, 0, 0};
}

}  // namespace heatsvc
