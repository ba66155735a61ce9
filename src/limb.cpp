#include "limb.h"

#include <algorithm>
#include <cmath>

namespace heatsvc::HEATSVC_INSTRUCTION_SET {
namespace {

constexpr double far_away = 1e5;  // pixels

// exp(-q) is about 1 + q * (e1 + q * (e2 + ...)), with a relative error under 4.1e-8 for q from 0 to max_q: the
// polynomial of degree 6 that is 1 at 0 and whose largest relative error is the smallest (found by Remez's exchange).
constexpr float max_q = 17.0F / 16.0F;
constexpr auto e1 = static_cast<float>(-0.9999979271), e2 = static_cast<float>(0.4999651116),
               e3 = static_cast<float>(-0.1664654839), e4 = static_cast<float>(0.04111951141),
               e5 = static_cast<float>(-0.007557181673), e6 = static_cast<float>(0.000815397572);

struct Interval {
    double begin, end;
};

// The part of the segment's interval that is within `margin` of the map on one axis.
Interval clip_axis(Interval part, double position, double step, double side, double margin) {
    if (std::abs(step) > 1e-12) {
        const double one = (-margin - position) / step, other = (side + margin - position) / step;
        return {std::max(part.begin, std::min(one, other)), std::min(part.end, std::max(one, other))};
    }
    return position < -margin || position > side + margin ? Interval{part.begin, -1.0} : part;
}

}  // namespace

Segment visible_segment(std::int64_t a, std::int64_t b, const Volume& volume) {
    const Position start = volume.position(a), end = volume.position(b);
    const double bx = end.single_x, by = end.single_y, margin = limb_reach * volume.sigma + 2.0;
    double ax = start.single_x, ay = start.single_y;
    // Subtracted in the type of the coordinates, all else in float64: this is how PYSKL decides what is short.
    double dx = end.x - start.x, dy = end.y - start.y;
    if (volume.keypoint64.empty()) {
        dx = static_cast<float>(dx), dy = static_cast<float>(dy);
    }
    if (dx * dx + dy * dy < 1.0) {
        return {ax, ay, 1.0, 0.0, 0.0};
    }
    if (!volume.keypoint64.empty() && std::isfinite(bx - ax) && std::isfinite(by - ay)) {
        dx = bx - ax, dy = by - ay;  // of the rounded ends, so that the limb ends at b however far a is
    }
    const auto w = static_cast<double>(volume.width), h = static_cast<double>(volume.height);
    if (std::min(std::max(std::abs(ax), std::abs(ay)), std::max(std::abs(bx), std::abs(by))) > far_away) {
        // Neither end is near: the limb begins where it reaches the map, on its longer axis.
        dx = bx - ax, dy = by - ay;
        const bool along_x = std::abs(dx) > std::abs(dy);
        double &position = along_x ? ax : ay, &other = along_x ? ay : ax;
        const double step = along_x ? dx : dy, side = along_x ? w : h;
        const double edge = step > 0.0 ? -margin : side + margin;
        if ((edge - position) * step > 0.0) {
            other += (edge - position) * ((along_x ? dy : dx) / step), position = edge;
        }
        dx = bx - ax, dy = by - ay;
    }
    const double length = std::sqrt(dx * dx + dy * dy);
    double ux = dx / length, uy = dy / length;
    // Positions along it are counted from its start, as PYSKL counts them. But an end may be 1e30 pixels away, where
    // float64 does not resolve them: from `far_away` on they are counted from the other end, where that is nearer.
    if (std::max(std::abs(ax), std::abs(ay)) > std::max({far_away, std::abs(bx), std::abs(by)})) {
        ax = bx, ay = by, ux = -ux, uy = -uy;
    }
    const Interval part = clip_axis(clip_axis({0.0, length}, ax, ux, w, margin), ay, uy, h, margin);
    return {std::clamp(ax + part.begin * ux, -margin, w + margin),
            std::clamp(ay + part.begin * uy, -margin, h + margin), ux, uy, part.end - part.begin};
}

LimbRows::LimbRows(const Volume& volume)
    : width_(volume.width),
      reach_(limb_reach * volume.sigma),
      unit_(0.25 * std::sqrt(0.5 / (volume.sigma * volume.sigma))) {
    if (!volume.limbs.empty()) {
        const auto blocks = static_cast<std::size_t>(max_rows * stride(width_) / block);
        origins_.resize(blocks);
        // One more block of pixels: RunWriter reads up to 7 beyond the last.
        pixels_.resize((blocks + 1) * block);
    }
}

std::int64_t LimbRows::render(const Window& window, std::int64_t y0, std::int64_t y1, const Segment& segment,
                              float peak, bool mirrored) {
    const double inverse_uy = std::abs(segment.uy) > 1e-9 ? 1.0 / segment.uy : 1e9;
    // The line's way in x from row to row, and the strip's half width.
    const double lean = segment.ux * inverse_uy, half = reach_ * std::abs(inverse_uy);
    const double first = static_cast<double>(window.x0), last = static_cast<double>(window.x1) - 1.0;
    // Lengths times `unit` have squares that are a sixteenth of the exponent.
    const double unit = unit_, ux = (mirrored ? -unit : unit) * segment.ux, uy = (mirrored ? -unit : unit) * segment.uy;
    const double middle = 0.5 * segment.length;
    Origin* origin = origins_.data();
    std::int64_t pixels = 0;
    for (std::int64_t y = y0; y < y1; ++y) {
        const double py = static_cast<double>(y) - segment.y, center = segment.x + py * lean;
        const double left = std::max(center - half, first), right = std::min(center + half, last);
        if (!(left <= right)) {  // also where one is NaN
            rows_[y - y0] = {window.x0, 0};
            continue;
        }
        const auto start = static_cast<std::int64_t>(std::ceil(left));
        const std::int64_t size = static_cast<std::int64_t>(right) + 1 - start;
        pixels += size;
        rows_[y - y0] = {mirrored ? width_ - start - size : start, size};
        const double px = static_cast<double>(mirrored ? start + size - 1 : start) - segment.x;
        double along = (px * segment.ux + py * segment.uy - middle) * unit;
        double beside = (px * segment.uy - py * segment.ux) * unit;
        for (std::int64_t x = 0; x < size; x += block) {
            *origin++ = {along, beside};
            along += static_cast<double>(block) * ux;
            beside += static_cast<double>(block) * uy;
        }
    }
    fill(origin - origins_.data(), middle * unit, ux, uy, peak);
    return pixels;
}

// The pixels of `count` blocks: peak * exp(-16 q), q the squared distance to the segment.
//
// Distances are float64 and so are right on a map of any size, for a sigma however small; the rest takes float32.
// half: half of the segment's length. ux, uy: by how much the next pixel is further along the line, and beside it.
void LimbRows::fill(std::int64_t count, double half, double ux, double uy, float peak) {
    const Origin* origin = origins_.data();
    float* out = pixels_.data();
    for (std::int64_t n = 0; n < count; ++n, ++origin, out += block) {
        for (std::int32_t i = 0; i < block; ++i) {
            const double along = fused(static_cast<double>(i), ux, origin->along);
            const double beside = fused(static_cast<double>(i), uy, origin->beside);
            const double beyond = std::max(std::abs(along) - half, 0.0);
            const auto q = static_cast<float>(fused(beyond, beyond, beside * beside));
            float e = fused(q, fused(q, fused(q, fused(q, fused(q, fused(q, e6, e5), e4), e3), e2), e1), 1.0F);
            e *= e;
            e *= e;
            e *= e;
            e *= e;
            out[i] = q < max_q ? peak * e : 0.0F;
        }
    }
}

}  // namespace heatsvc::HEATSVC_INSTRUCTION_SET
