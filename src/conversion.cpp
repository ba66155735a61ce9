#include "conversion.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace heatsvc::HEATSVC_INSTRUCTION_SET {

void to_uint8(std::span<const float> values, std::span<std::uint8_t> out) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        // 2**52 has no fraction bits left: the sum is rounded as the processor rounds, to nearest, ties to even.
        const double scaled = std::min(static_cast<double>(values[i]) * 255.0, 255.0);
        out[i] = static_cast<std::uint8_t>(static_cast<std::int32_t>((scaled + 0x1p52) - 0x1p52));
    }
}

}  // namespace heatsvc::HEATSVC_INSTRUCTION_SET
