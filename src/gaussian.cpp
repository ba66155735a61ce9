#include "gaussian.h"

namespace heatsvc::HEATSVC_INSTRUCTION_SET {

Axis gaussian_axis(double exact, double& center, std::int64_t side, const Volume& volume) {
    const Gaussian& gaussian = volume.gaussian;
    const double reach = 3.0 * volume.sigma, end = static_cast<double>(side);
    exact = gaussian.pixel(exact);
    center = gaussian.pixel(center);
    const auto rounded = static_cast<double>(std::trunc(static_cast<float>(center) + 0.5F));
    if (gaussian.rounded_center) {
        exact = center = rounded;
    }
    if (gaussian.window == WindowKind::pyskl) {
        return axis_window(exact, exact, reach, side);
    }
    if (gaussian.window == WindowKind::cutoff) {
        return axis_window(exact, exact, cutoff_reach * volume.sigma, side);
    }
    if (gaussian.window == WindowKind::mmpose) {
        const double size = 2.0 * reach + 1.0, first = std::trunc(rounded - reach);
        const double stop = std::min(std::trunc(rounded + reach + 1.0), first + std::ceil(size));
        center += first + std::floor(size / 2.0) - rounded;
        return {static_cast<std::int64_t>(std::clamp(first, 0.0, end)),
                static_cast<std::int64_t>(std::clamp(stop, 0.0, end))};
    }
    const auto c = static_cast<float>(center), r = static_cast<float>(reach);
    const bool misses = c - r >= static_cast<float>(side) || c + r + 1.0F < 0.0F;
    return {0, gaussian.window == WindowKind::dark && misses ? 0 : side};
}

void write_gaussian(double* out, double center, double scale, double shrink, double peak, std::int64_t start,
                    std::int64_t stop, bool backwards) {
    const double step = backwards ? -1.0 : 1.0;
    const double offset = static_cast<double>(backwards ? stop - 1 : start) - center;
    if (shrink == 0.0) {
        for (std::int64_t i = 0; i < stop - start; ++i) {
            const double away = offset + static_cast<double>(i) * step;
            out[i] = peak * std::exp(-away * away * scale);
        }
        return;
    }
    double value = peak * std::exp(-offset * offset * scale);
    double ratio = std::exp(-(2.0 * offset * step + 1.0) * scale);
    for (std::int64_t i = 0; i < stop - start; ++i) {
        out[i] = value;
        value *= ratio;
        ratio *= shrink;
    }
}

}  // namespace heatsvc::HEATSVC_INSTRUCTION_SET
