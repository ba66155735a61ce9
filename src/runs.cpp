#include "runs.h"

#include <cstring>
#include <iterator>
#include <stdexcept>

namespace heatsvc {
namespace {

// `size` bytes in pieces of one size, the last of which may overlap the one before.
template <std::int64_t piece>
void copy_pieces(std::uint8_t* out, const std::uint8_t* source, std::int64_t size) {
    for (std::int64_t i = 0; i < size - piece; i += piece) {
        std::memcpy(out + i, source + i, piece);
    }
    std::memcpy(out + size - piece, source + size - piece, piece);
}

// As memcpy, without a call: most runs are short.
void copy_bytes(std::uint8_t* out, const std::uint8_t* source, std::int64_t size) {
    if (size >= 16) {
        copy_pieces<16>(out, source, size);
    } else if (size >= 4) {
        copy_pieces<4>(out, source, size);
    } else {
        for (std::int64_t i = 0; i < size; ++i) {
            out[i] = source[i];
        }
    }
}

}  // namespace

void Runs::check() const {
    if (starts.size() != lengths.size() || itemsize < 1 || itemsize > 8 || size < 0 || size > INT64_MAX / 8) {
        throw std::invalid_argument("starts and lengths differ in size, or itemsize or size is out of range");
    }
    // A difference is negative if a run is invalid. Signs are checked once at the end, so that the loop is vectorized;
    // sums may wrap around, so each number is checked too.
    const auto tile = static_cast<std::uint64_t>(size);
    std::uint64_t signs = 0, pixels = 0;
    for (std::size_t run = 0; run < starts.size(); ++run) {
        const auto start = static_cast<std::uint64_t>(starts[run]), length = static_cast<std::uint64_t>(lengths[run]);
        signs |= start | length | (tile - start) | (tile - start - length);
        pixels += length;
    }
    for (std::size_t run = 1; run < starts.size(); ++run) {
        signs |= static_cast<std::uint64_t>(starts[run]) - static_cast<std::uint64_t>(starts[run - 1]) -
                 static_cast<std::uint64_t>(lengths[run - 1]);
    }
    if (signs >> 63 != 0) {
        throw std::invalid_argument("the runs overlap, or leave their tile");
    }
    if (values.size() != pixels * static_cast<std::uint64_t>(itemsize)) {
        throw std::invalid_argument("the runs are of another size than their values");
    }
}

void scatter(const Runs& runs, std::span<std::uint8_t> out) {
    runs.check();
    if (static_cast<std::int64_t>(out.size()) != runs.size * runs.itemsize) {
        throw std::invalid_argument("the array is of another size than the tile");
    }
    const std::uint8_t* source = runs.values.data();
    for (std::size_t run = 0; run < runs.starts.size(); ++run) {
        const std::int64_t bytes = runs.lengths[run] * runs.itemsize;
        copy_bytes(out.data() + runs.starts[run] * runs.itemsize, source, bytes);
        source += bytes;
    }
}

void add_colors(Runs runs, std::int64_t first, std::int64_t area, std::int64_t channels, std::int64_t colors,
                std::span<const float> weights, std::span<double> sums) {
    if (area < 1 || channels < 1 || colors < 1 || std::ssize(sums) % colors != 0 ||
        std::ssize(sums) / colors % area != 0 || std::ssize(sums) / colors / area != channels) {
        throw std::invalid_argument("the sums have to be [K, H, W, colors]");
    }
    const std::int64_t maps = std::ssize(weights) / colors * channels;
    if (first < 0 || first > maps) {
        throw std::invalid_argument("there are fewer weights than frames");
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
            for (std::int64_t color = 0; color < colors; ++color) {
                sums[static_cast<std::size_t>(pixel * colors + color)] +=
                    static_cast<double>(value * weights[static_cast<std::size_t>(frame * colors + color)]);
            }
            if (++pixel == pixels) {
                pixel = 0;
                ++frame;
            }
        }
    }
}

}  // namespace heatsvc
