#include "runs.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <stdexcept>

namespace heatsvc {
namespace {

// As memcpy, without a call: most runs are short.
void copy_bytes(std::uint8_t* out, const std::uint8_t* source, std::int64_t size) {
    std::int64_t i = 0;
    for (; i + 16 <= size; i += 16) {
        std::memcpy(out + i, source + i, 16);
    }
    for (; i + 4 <= size; i += 4) {
        std::memcpy(out + i, source + i, 4);
    }
    for (; i < size; ++i) {
        out[i] = source[i];
    }
}

}  // namespace

void Runs::check() const {
    if (starts.size() != lengths.size() || itemsize < 1 || itemsize > 8 || size < 0 || size > INT64_MAX / 8) {
        throw std::invalid_argument("these are no runs");
    }
    // One test at the end, so that there is no branch for each run; unsigned sums may wrap around until then.
    bool sound = true;
    std::int64_t end = 0;
    std::uint64_t pixels = 0;
    for (std::size_t run = 0; run < starts.size(); ++run) {
        const std::int64_t start = starts[run], length = lengths[run];
        sound &= (length >= 0) & (length <= size) & (start >= end) & (start <= size - std::max<std::int64_t>(length, 0));
        end = static_cast<std::int64_t>(static_cast<std::uint64_t>(start) + static_cast<std::uint64_t>(length));
        pixels += static_cast<std::uint64_t>(length);
    }
    if (!sound) {
        throw std::invalid_argument("the runs overlap, or leave their stretch");
    }
    if (values.size() != pixels * static_cast<std::uint64_t>(itemsize)) {
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
        const std::int64_t bytes = runs.lengths[run] * runs.itemsize;
        copy_bytes(out.data() + runs.starts[run] * runs.itemsize, source, bytes);
        source += bytes;
    }
}

void add_colours(Runs runs, std::int64_t first, std::int64_t area, std::int64_t channels, std::int64_t colours,
                 std::span<const float> weights, std::span<double> sums) {
    if (area < 1 || channels < 1 || colours < 1 || std::ssize(sums) % colours != 0 ||
        std::ssize(sums) / colours % area != 0 || std::ssize(sums) / colours / area != channels) {
        throw std::invalid_argument("the sums have to be [K, H, W, colours]");
    }
    const std::int64_t maps = std::ssize(weights) / colours * channels;
    if (first < 0 || first > maps) {
        throw std::invalid_argument("there are maps of more frames than weights");
    }
    runs.size = (maps - first) * area;
    runs.check();
    const std::uint8_t* source = runs.values.data();
    const std::int64_t pixels = area * channels;  // of a frame
    for (std::size_t run = 0; run < runs.starts.size(); ++run) {
        const std::int64_t start = first * area + runs.starts[run];
        std::int64_t frame = start / pixels, pixel = start % pixels;
        for (std::int64_t i = 0; i < runs.lengths[run]; ++i, source += sizeof(float)) {
            float value;
            std::memcpy(&value, source, sizeof(float));
            for (std::int64_t colour = 0; colour < colours; ++colour) {
                sums[static_cast<std::size_t>(pixel * colours + colour)] +=
                    static_cast<double>(value * weights[static_cast<std::size_t>(frame * colours + colour)]);
            }
            if (++pixel == pixels) {
                pixel = 0;
                ++frame;
            }
        }
    }
}

}  // namespace heatsvc
