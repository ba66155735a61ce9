// Conversion of float32 pixels into smaller types.
#pragma once

#include <cstdint>
#include <span>

namespace heatsvc::HEATSVC_INSTRUCTION_SET {

// Times 255 in float64, rounded to nearest, ties to even, at most 255. No value may be negative or NaN.
void to_uint8(std::span<const float> values, std::span<std::uint8_t> out);

// The bits of float16, rounded to nearest, ties to even (IEEE 754, 4.3.1); larger values become 65504.
void to_float16(std::span<const float> values, std::span<std::uint16_t> out);

}  // namespace heatsvc::HEATSVC_INSTRUCTION_SET
