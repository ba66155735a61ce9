// A volume before it is rendered: keypoints, and what its maps are. See HeatmapVolume in heatsvc/volume.py.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

namespace heatsvc {

enum class Reduce { none, max, argmax };

// The frame (the mirrored copy counted on), channel, and frame within its clip, of a map.
struct Place {
    std::int64_t frame, channel, step;
};

struct Volume {
    std::int64_t persons, frames, points;   // M, T, V
    std::span<const float> keypoint;        // [M, T, V, 2], x and y in map pixels
    std::span<const float> score;           // [M, T, V]
    std::span<const std::int32_t> limbs;    // [L, 2], the two points of each limb channel
    std::span<const std::int32_t> mirror;   // [K], each channel's mirror image; empty where there is no mirrored copy
    std::int64_t keypoint_channels;         // V or 0
    std::int64_t clip;                      // frames of an output clip; 0 for frames-first order
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

    // The place of map number `index` in output order, and that of the map after one.
    Place place(std::int64_t index) const;
    Place next(Place place) const;
};

inline Place Volume::place(std::int64_t index) const {
    const std::int64_t channels = std::max<std::int64_t>(kept(), 1), frames_of_clip = reduce == Reduce::none ? clip : 0;
    if (frames_of_clip == 0) {
        return {index / channels, index % channels, 0};
    }
    const std::int64_t number = index / (channels * frames_of_clip), step = index % frames_of_clip;
    return {number * frames_of_clip + step, index / frames_of_clip % channels, step};
}

inline Place Volume::next(Place place) const {
    const std::int64_t channels = kept(), frames_of_clip = reduce == Reduce::none ? clip : 0;
    if (frames_of_clip == 0) {
        return place.channel + 1 == channels ? Place{place.frame + 1, 0, 0} : Place{place.frame, place.channel + 1, 0};
    }
    if (place.step + 1 < frames_of_clip) {
        return {place.frame + 1, place.channel, place.step + 1};
    }
    if (place.channel + 1 < channels) {
        return {place.frame + 1 - frames_of_clip, place.channel + 1, 0};
    }
    return {place.frame + 1, 0, 0};
}

}  // namespace heatsvc
