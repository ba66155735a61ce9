#include "runs.h"

#include <cstring>
#include <stdexcept>

namespace heatsvc {

void Runs::check() const {
    if (starts.size() != lengths.size() || itemsize < 1 || itemsize > 8 || size < 0 || size > INT64_MAX / 8) {
        throw std::invalid_argument("these are no runs");
    }
    std::int64_t end = 0, pixels = 0;
    for (std::size_t run = 0; run < starts.size(); ++run) {
        if (lengths[run] < 0 || lengths[run] > size || starts[run] < end || starts[run] > size - lengths[run]) {
            throw std::invalid_argument("the runs overlap, or leave their stretch");
        }
        end = starts[run] + lengths[run];
        pixels += lengths[run];
    }
    if (static_cast<std::int64_t>(values.size()) != pixels * itemsize) {
        throw std::invalid_argument("the runs are of another size than their values");
    }
}

void scatter(const Runs& runs, std::span<std::uint8_t> out) {
    runs.check();
    if (static_cast<std::int64_t>(out.size()) != runs.size * runs.itemsize) {
        throw std::invalid_argument("the array is of another size than the stretch");
    }
    const std::uint8_t* source = runs.values.data();
    for (std::size_t run = 0; run < runs.starts.size(); ++run) {
        const auto bytes = static_cast<std::size_t>(runs.lengths[run] * runs.itemsize);
        std::memcpy(out.data() + runs.starts[run] * runs.itemsize, source, bytes);
        source += bytes;
    }
}

}  // namespace heatsvc
