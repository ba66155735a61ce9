#include "conversion.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

namespace heatsvc::HEATSVC_INSTRUCTION_SET {
namespace {

// Round a number from 0 to 255 to nearest, ties to even.
std::int32_t nearest(double number) {
#if defined(__AVX2__) || defined(__aarch64__) || defined(_M_ARM64)
    return static_cast<std::int32_t>(std::rint(number));
#else
    // SSE2 has no instruction for it. From 2**52 on a double has no fraction: the sum is rounded to its last bits.
    return static_cast<std::int32_t>(std::bit_cast<std::uint64_t>(number + 0x1p52) & 0xFF);
#endif
}

}  // namespace

void to_uint8(std::span<const float> values, std::span<std::uint8_t> out) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        out[i] = static_cast<std::uint8_t>(nearest(std::min(static_cast<double>(values[i]) * 255.0, 255.0)));
    }
}

void to_float16(std::span<const float> values, std::span<std::uint16_t> out) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto bits = std::bit_cast<std::int32_t>(values[i]);
        const std::int32_t magnitude = bits & 0x7FFFFFFF;
        // From 2**-14 on: the exponent counts from 15 instead of 127, and the last 13 bits are rounded away. A carry
        // out of the mantissa is the next exponent. 65504, the largest finite float16, has the bits 0x7BFF.
        const std::int32_t normal = (magnitude - 0x38000000 + 0xFFF + (magnitude >> 13 & 1)) >> 13;
        // Below: a multiple of 2**-24, the smallest float16; adding 2**23 rounds it to an integer in the low bits.
        const float small = std::min(std::bit_cast<float>(magnitude), 0x1p-14F) * 0x1p24F;
        std::int32_t half = std::bit_cast<std::int32_t>(small + 0x1p23F) & 0xFFFF;
        half = magnitude >= 0x38800000 ? std::min(normal, 0x7BFF) : half;
        half = magnitude <= 0x7F800000 ? half : 0x7E00;  // NaN
        out[i] = static_cast<std::uint16_t>(half | (bits >> 16 & 0x8000));
    }
}

}  // namespace heatsvc::HEATSVC_INSTRUCTION_SET
