// A volume before it is rendered: keypoints, and the layout of its maps. See HeatmapVolume in heatsvc/volume.py.
#pragma once

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
    bool is_pyskl;  // stride 1, offset 0, exact center, window pyskl

    bool covers_map() const { return window == WindowKind::dark || window == WindowKind::map; }
    // Whether even one person's values can exceed 1 and are cut to it.
    bool is_clipped() const { return sums_persons && !unit_peak; }
    // A coordinate in pixels of the map.
    double pixel(double coordinate) const { return (coordinate - offset) / stride; }
};

// A point, and the same in float32.
struct Position {
    double x, y, single_x, single_y;
};

struct Volume {
    std::int64_t persons, frames, points;  // M, T, V
    std::span<const float> keypoint;       // [M, T, V, 2], x and y; empty if they are float64
    std::span<const double> keypoint64;    // the same in float64, or empty
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
    // Channels per map.
    std::int64_t merged() const { return reduce == Reduce::none ? 1 : channels(); }
    // Maps of a frame: one per channel, or one for all with `reduce`; 0 without channels.
    std::int64_t maps_per_frame() const { return reduce == Reduce::none ? channels() : channels() > 0 ? 1 : 0; }
    std::int64_t maps() const { return maps_per_frame() * frames * (mirror.empty() ? 1 : 2); }
    std::int64_t area() const { return height * width; }
    // Point `number` of `keypoint`, unchanged and in float32.
    Position position(std::int64_t number) const {
        const auto at = static_cast<std::size_t>(2 * number);
        if (keypoint64.empty()) {
            const double x = keypoint[at], y = keypoint[at + 1];
            return {x, y, x, y};
        }
        const double x = keypoint64[at], y = keypoint64[at + 1];
        return {x, y, static_cast<double>(static_cast<float>(x)), static_cast<double>(static_cast<float>(y))};
    }
};

}  // namespace heatsvc
