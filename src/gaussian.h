// A Gaussian, and the window of pixels that it is rendered in.
//
// A Gaussian is the product of a row and a column: exp(-(dx**2 + dy**2) / (2 sigma**2)).
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "kernels.h"
#include "volume.h"

namespace heatsvc {

// Below this sigma the recurrence of `write_gaussian` would leave the range of a double.
inline constexpr double min_recurrence_sigma = 0.05;
// From this sigma on, a primitive of at most simd_width pixels per side has no pixel that is too faint for a float32.
inline constexpr double min_small_gaussian_sigma = 0.25;
// Its pixels are at least exp(-81) of the peak: two axes of at most (3 + 1.5 / sigma)**2 / 2. With this peak or a
// higher one all of them are above 0 in a float32.
inline constexpr float min_patch_peak = 1e-6F;
// With WindowKind::cutoff, pixels of a larger exponent are 0, and so are pixels further away than so many sigma.
inline constexpr double cutoff_exponent = 4.6052, cutoff_reach = 3.05;
// On a whole map, larger exponents give 0: exp(-80) < 2e-35, so subnormal float32, which are slow, stay far away.
inline constexpr double map_exponent = 80.0;

}  // namespace heatsvc

namespace heatsvc::HEATSVC_INSTRUCTION_SET {

// The pixels of an axis from start up to stop.
struct Axis {
    std::int64_t start, stop;
};

// The pixels x0 up to x1 and y0 up to y1; x1 is 0 if there are none.
struct Window {
    std::int64_t x0 = 0, x1 = 0, y0 = 0, y1 = 0;

    Window() = default;
    Window(Axis x, Axis y)
        : x0(x.start), x1(y.start < y.stop && x.start < x.stop ? x.stop : 0), y0(y.start), y1(y.stop) {}
    bool empty() const { return x1 == 0; }
    std::int64_t columns() const { return x1 - x0; }
    std::int64_t rows() const { return y1 - y0; }
};

// a * b + c, rounded once where the processor can do that in one instruction: as exact or more, and faster.
template <typename T>
inline T fused(T a, T b, T c) {
#if defined(__FMA__) || defined(__AVX2__) || defined(__aarch64__) || defined(_M_ARM64)
    return std::fma(a, b, c);
#else
    return a * b + c;
#endif
}

// The pixels that a Gaussian over low..high touches on an axis of `side` pixels.
//
// PYSKL's max(int(low - reach), 0) and min(int(high + reach) + 1, side), int cutting toward zero. The numbers are cut
// to the axis before they become integers, so that 1e30 is as good as any.
inline Axis axis_window(double low, double high, double reach, std::int64_t side) {
    const double first = low - reach, last = high + reach, end = static_cast<double>(side);
    if (!(first < end && last > -1.0)) {
        return {0, 0};
    }
    return {static_cast<std::int64_t>(std::max(first, 0.0)), static_cast<std::int64_t>(std::min(last, end - 1.0)) + 1};
}

// PYSKL's window around a point, or a limb from a to b; empty if a coordinate is NaN.
inline Window window_around(const Position& a, const Position& b, const Volume& volume) {
    if (std::isnan(a.x + b.x + a.y + b.y)) {
        return {};
    }
    const double reach = 3.0 * volume.sigma;
    return {axis_window(std::min(a.x, b.x), std::max(a.x, b.x), reach, volume.width),
            axis_window(std::min(a.y, b.y), std::max(a.y, b.y), reach, volume.height)};
}

// What a Gaussian of any kind covers on an axis of `side` pixels; see Gaussian in heatsvc/volume.py.
//
// exact: the coordinate, from which the window is found.
// center: in: the coordinate in float32; out: the center in pixels of the map.
Axis gaussian_axis(double exact, double& center, std::int64_t side, const Volume& volume);

// exp(x) = 2**n * exp(r) for x below 0, or -0.0 (not +0.0: see the clamp), n the integer nearest to x / ln 2; for
// x < -87 as for -87. Relative error 1e-7.
//
// Written without branches and calls, so that compilers can vectorize a loop over it.
inline float exp_negative(float x) {
    constexpr float log2_e = 1.4426950408889634F;
    // ln 2 in two parts, the first one exact times any whole number of eight bits.
    constexpr float ln2 = 0.693359375F, ln2_rest = -2.12194440e-4F;
    // Clamp x to at least -87: exp(-87) is about the smallest normal float32. For negative floats the order of their
    // bits as integers is reversed, so that this is an integer minimum, one instruction.
    x = std::bit_cast<float>(std::min(std::bit_cast<std::int32_t>(x), std::bit_cast<std::int32_t>(-87.0F)));
    const auto n = static_cast<std::int32_t>(x * log2_e - 0.5F);
    const auto negative_n = -static_cast<float>(n);
    const float r = fused(negative_n, ln2_rest, fused(negative_n, ln2, x));
    // The Taylor series to the seventh power.
    float series = static_cast<float>(1.0 / 5040);
    series = fused(series, r, static_cast<float>(1.0 / 720));
    series = fused(series, r, static_cast<float>(1.0 / 120));
    series = fused(series, r, static_cast<float>(1.0 / 24));
    series = fused(series, r, static_cast<float>(1.0 / 6));
    series = fused(series, r, 0.5F);
    series = fused(series, r, 1.0F);
    series = fused(series, r, 1.0F);
    return series * std::bit_cast<float>((n + 127) << 23);
}

// A primitive of at most simd_width pixels a side. x, y: first column and row, relative to the center; step: to the
// next column, -1 if mirrored.
struct SmallGaussian {
    float x, y, step, peak;

    SmallGaussian() = default;
    SmallGaussian(const Window& window, double center_x, double center_y, float its_peak, bool mirrored)
        : x(static_cast<float>(static_cast<double>(mirrored ? window.x1 - 1 : window.x0) - center_x)),
          y(static_cast<float>(static_cast<double>(window.y0) - center_y)),
          step(mirrored ? -1.0F : 1.0F),
          peak(its_peak) {}

    // Write the row, then from simd_width on the column times the peak. Numbers beyond the window are undefined.
    // One loop over both, which compilers vectorize.
    void write(float* out, float scale) const {
        for (std::int32_t i = 0; i < 2 * simd_width; ++i) {
            const auto offset = static_cast<float>(i & (simd_width - 1));
            const float away = i < simd_width ? x + offset * step : y + offset;
            out[i] = exp_negative(away * away * -scale) * (i < simd_width ? 1.0F : peak);
        }
    }
};

// The smallest value of a small primitive; it is in a corner.
inline float min_value(const float* values, const Window& window) {
    const float* down = values + simd_width;
    return std::min(values[0], values[window.columns() - 1]) * std::min(down[0], down[window.rows() - 1]);
}

// out[i] = peak * exp(-(start + i - center)**2 * scale) for the pixels start to stop; or the last one first.
//
// The ratio of neighboring values of a Gaussian shrinks by a constant factor, exp(-2 scale), so two exponentials serve
// for all. A shrink of 0 says that they may leave the range of a double: then each value has its own.
void write_gaussian(double* out, double center, double scale, double shrink, double peak, std::int64_t start,
                    std::int64_t stop, bool backwards);

}  // namespace heatsvc::HEATSVC_INSTRUCTION_SET
