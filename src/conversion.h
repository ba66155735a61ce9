// Conversion of float32 pixels into smaller types.
#pragma once

#include <cstdint>
#include <span>

namespace heatsvc::HEATSVC_INSTRUCTION_SET {

// Times 255 in float64, rounded to nearest, ties to even, at most 255. No value may be negative or NaN.
void to_uint8(std::span<const float> values, std::span<std::uint8_t> out);

}  // namespace heatsvc::HEATSVC_INSTRUCTION_SET
