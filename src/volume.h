// A volume before it is rendered: keypoints, and the layout of its maps. See HeatmapVolume in heatsvc/volume.py.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

namespace heatsvc {

enum class Reduce { none, max, argmax };
enum class WindowKind { pyskl, mmpose, cutoff, dark, map };

// See Gaussian in heatsvc/volume.py.
struct Gaussian {
    double sigma, eps, stride, offset;
    bool rounded_center;
    WindowKind window;
    bool unit_peak, sums_persons;
    bool is_pyskl;  // the window, and the center, in pixels of the map

    bool covers_map() const { return window == WindowKind::dark || window == WindowKind::map; }
    // A value, or a sum, above 1 is cut to 1.
    bool is_clipped() const { return sums_persons && !unit_peak; }
    // A coordinate in pixels of the map.
    double pixel(double coordinate) const { return (coordinate - offset) / stride; }
};

// A point, and the same in float32.
struct Position {
    double x, y, single_x, single_y;
};

// The frame (the mirrored copy counted on), channel, and frame within its clip, of a map.
struct MapIndex {
    std::int64_t frame, channel, step;
};

struct Volume {
    std::int64_t persons, frames, points;  // M, T, V
    std::span<const float> keypoint;       // [M, T, V, 2], x and y; empty where they are float64:
    std::span<const double> exact;         // the same
    std::span<const float> score;          // [M, T, V]
    std::span<const std::int32_t> limbs;   // [L, 2], the two points of each limb channel
    std::span<const std::int32_t> mirror;  // [K], each channel's mirror image; empty where there is no mirrored copy
    std::int64_t keypoint_channels;        // V or 0
    std::int64_t clip;                     // frames of an output clip; 0 for frames-first order
    Reduce reduce;
    std::int64_t height, width;
    Gaussian gaussian;
    double sigma;  // in map pixels

    // Throws std::invalid_argument unless all sizes and indices are consistent, which the kernels rely on.
    void check() const;

    // K: keypoints, then limbs.
    std::int64_t channels() const { return keypoint_channels + static_cast<std::int64_t>(limbs.size() / 2); }
    // Channels that share a map.
    std::int64_t merged() const { return reduce == Reduce::none ? 1 : channels(); }
    // Channels that have a map, or that share one.
    std::int64_t kept() const { return reduce == Reduce::none ? channels() : channels() > 0 ? 1 : 0; }
    std::int64_t maps() const { return kept() * frames * (mirror.empty() ? 1 : 2); }
    std::int64_t area() const { return height * width; }
    // Point `number` of `keypoint`, unchanged and in float32.
    Position position(std::int64_t number) const {
        const auto at = static_cast<std::size_t>(2 * number);
        if (exact.empty()) {
            const double x = keypoint[at], y = keypoint[at + 1];
            return {x, y, x, y};
        }
        const double x = exact[at], y = exact[at + 1];
        return {x, y, static_cast<double>(static_cast<float>(x)), static_cast<double>(static_cast<float>(y))};
    }

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
