#include "render.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "canvas.h"
#include "gaussian.h"
#include "limb.h"
#include "run_writer.h"

namespace heatsvc::HEATSVC_INSTRUCTION_SET {
namespace {

// A position among a volume's maps: the frame and channels of one map.
class MapCursor {
  public:
    MapCursor(const Volume& volume, std::int64_t number)
        : frames_(volume.frames),
          merged_(volume.merged()),
          channels_(std::max<std::int64_t>(volume.maps_per_frame(), 1)),
          length_(volume.reduce == Reduce::none && volume.clip > 0 ? volume.clip : 1),
          clip_start_(number / (channels_ * length_) * length_),
          channel_(number / length_ % channels_),
          clip_frame_(number % length_) {}

    void advance() {
        if (++clip_frame_ == length_) {
            clip_frame_ = 0;
            if (++channel_ == channels_) {
                channel_ = 0;
                clip_start_ += length_;
            }
        }
    }
    bool mirrored() const { return clip_start_ >= frames_; }
    std::int64_t first_channel() const { return channel_; }
    std::int64_t last_channel() const { return channel_ + merged_; }
    std::int64_t frame() const { return clip_start_ + clip_frame_ - (mirrored() ? frames_ : 0); }

  private:
    std::int64_t frames_, merged_, channels_;
    std::int64_t length_;      // of a clip; frames-first order is that of clips of one frame
    std::int64_t clip_start_;  // the clip's first frame; mirrored frames come after the others
    std::int64_t channel_, clip_frame_;
};

// The content of a channel: point a, or the limb from point a to point b.
struct Source {
    std::int64_t a, b;
    bool is_limb;

    Source(const Volume& volume, std::int64_t channel, bool mirrored) {
        const std::int64_t own = mirrored ? volume.mirror[static_cast<std::size_t>(channel)] : channel;
        const std::int64_t limb = own - volume.keypoint_channels;
        is_limb = limb >= 0;
        a = is_limb ? volume.limbs[static_cast<std::size_t>(2 * limb)] : own;
        b = is_limb ? volume.limbs[static_cast<std::size_t>(2 * limb + 1)] : own;
    }
};

// A channel's primitive of one person: a Gaussian around a point, or around a segment.
struct Primitive {
    std::int64_t a, b;  // the points' numbers in the volume's keypoints
    float peak = 1.0F;
    Window window;        // empty if nothing is rendered
    double x = 0, y = 0;  // a point's center

    Primitive(const Volume& volume, const Source& source, std::int64_t person, std::int64_t frame) {
        const std::int64_t points = (person * volume.frames + frame) * volume.points;
        a = points + source.a;
        b = points + source.b;
        const float score =
            std::min(volume.score[static_cast<std::size_t>(a)], volume.score[static_cast<std::size_t>(b)]);
        if (static_cast<double>(score) < volume.gaussian.eps) {
            return;
        }
        peak = volume.gaussian.unit_peak ? 1.0F : score;
        if (source.is_limb) {
            window = window_around(volume.position(a), volume.position(b), volume);
        } else {
            center_point(volume);
        }
    }

    // The visible part of a limb. A limb shorter than a pixel becomes its first point, with the score of that point.
    Segment find_segment(const Volume& volume) {
        const Segment segment = visible_segment(a, b, volume);
        if (segment.length == 0.0) {
            peak = volume.gaussian.unit_peak ? 1.0F : volume.score[static_cast<std::size_t>(a)];
            center_point(volume);
        }
        return segment;
    }

  private:
    void center_point(const Volume& volume) {
        const Position point = volume.position(a);
        x = point.single_x, y = point.single_y;
        if (volume.gaussian.is_pyskl) {
            window = window_around(point, point, volume);
        } else if (!std::isnan(point.x + point.y)) {
            // Copies: members whose address is taken would not stay in registers.
            double center_x = x, center_y = y;
            window = {gaussian_axis(point.x, center_x, volume.width, volume),
                      gaussian_axis(point.y, center_y, volume.height, volume)};
            x = center_x, y = center_y;
        }
    }
};

// The largest float32 that is not above `value`: no float32 lies between the two.
float floor_to_float(double value) {
    const auto nearest = static_cast<float>(value);
    return static_cast<double>(nearest) > value ? std::nextafter(nearest, -HUGE_VALF) : nearest;
}

class Renderer {
  public:
    Renderer(const Volume& volume, double cut, float fill, std::int64_t gap, RunWriter& writer)
        : volume_(volume),
          writer_(writer),
          cut_(floor_to_float(cut)),
          fill_(fill),
          gap_(gap),
          by_channel_(volume.reduce == Reduce::argmax),
          alone_(volume.merged() == 1 && volume.persons == 1 && !by_channel_ && !volume.gaussian.is_clipped()),
          adds_(volume.gaussian.sums_persons && !alone_),
          max_exponent_(volume.gaussian.covers_map()                   ? map_exponent
                        : volume.gaussian.window == WindowKind::cutoff ? cutoff_exponent
                                                                       : 0.0),
          small_(volume.sigma >= min_small_gaussian_sigma && max_exponent_ == 0.0),
          scale_(0.5 / (volume.sigma * volume.sigma)),
          // Across a whole map the first exponential may be 0.
          shrink_(volume.sigma >= min_recurrence_sigma && !volume.gaussian.covers_map() ? std::exp(-2.0 * scale_)
                                                                                        : 0.0),
          canvas_(alone_ ? 0 : volume.height, volume.width, by_channel_),
          sums_(adds_ ? volume.height : 0, volume.width, false),
          limb_(volume),
          across_(static_cast<std::size_t>(volume.width + 7)),
          down_(static_cast<std::size_t>(volume.height)),
          row_(static_cast<std::size_t>(volume.width + 7)) {}  // RunWriter reads 7 more

    // Render a map, whose first pixel has the number `base`; returns whether there was room for all its runs.
    bool render(const MapCursor& map, std::int64_t base) {
        const bool mirrored = map.mirrored();
        for (std::int64_t channel = map.first_channel(); channel < map.last_channel(); ++channel) {
            const Source source(volume_, channel, mirrored);
            channel_ = static_cast<std::int32_t>(channel);
            for (std::int64_t person = 0; person < volume_.persons; ++person) {
                Primitive primitive(volume_, source, person, map.frame());
                if (primitive.window.empty()) {
                    continue;
                }
                const Segment segment = source.is_limb ? primitive.find_segment(volume_) : Segment{};
                if (segment.length < 0.0 || primitive.window.empty()) {
                    continue;
                }
                if (!(segment.length > 0.0 ? render_limb(primitive, segment, mirrored, base)
                                           : render_point(primitive, mirrored, base))) {
                    return false;
                }
            }
            if (adds_) {
                sums_.move_to(canvas_, channel_);
            }
        }
        return alone_ || canvas_.flush(base, cut_, gap_, fill_, writer_);
    }

  private:
    bool render_limb(const Primitive& primitive, const Segment& segment, bool mirrored, std::int64_t base) {
        const Window& window = primitive.window;
        for (std::int64_t y = window.y0; y < window.y1; y += LimbRows::max_rows) {
            const std::int64_t until = std::min(y + LimbRows::max_rows, window.y1);
            const std::int64_t pixels = limb_.render(window, y, until, segment, primitive.peak, mirrored);
            if (alone_ && !writer_.has_room(until - y, pixels)) {
                return false;
            }
            const float* row = limb_.pixels();
            for (std::int64_t i = 0; i < until - y; ++i) {
                const auto [start, size] = limb_[i];
                write_row(base, y + i, start, size, row);
                row += LimbRows::stride(size);
            }
        }
        return true;
    }

    bool render_point(const Primitive& primitive, bool mirrored, std::int64_t base) {
        const auto& [x0, x1, y0, y1] = primitive.window;
        const std::int64_t columns = x1 - x0, rows = y1 - y0, left = mirrored ? volume_.width - x1 : x0;
        if (alone_ && !writer_.has_room(rows, columns * rows)) {
            return false;
        }
        if (small_ && columns <= simd_width && rows <= simd_width) {
            float values[2 * simd_width];
            SmallGaussian(primitive.window, primitive.x, primitive.y, primitive.peak, mirrored)
                .write(values, static_cast<float>(scale_));
            const float* down = values + simd_width;
            const std::int64_t at = base + y0 * volume_.width + left;
            if (alone_ && min_value(values, primitive.window) > cut_ && volume_.width - columns >= gap_ &&
                writer_.is_apart(at) && writer_.room() >= rows * columns + simd_width) {
                float* __restrict out = writer_.add_block(at, volume_.width, rows, columns);
                // Excess numbers are overwritten, or stay after the last ones.
                // Not a constant, so that compilers do not unroll the loop over rows.
                const std::int64_t whole = (columns + simd_width - 1) & -simd_width;
                for (std::int64_t y = 0; y < rows; ++y, out += columns) {
                    for (std::int64_t i = 0; i < whole; ++i) {
                        out[i] = values[i] * down[y];
                    }
                }
                return true;
            }
            float row[2 * simd_width] = {};
            for (std::int64_t y = 0; y < rows; ++y) {
                for (std::int64_t i = 0; i < simd_width; ++i) {
                    row[i] = values[i] * down[y];
                }
                write_row(base, y0 + y, left, columns, row);
            }
            return true;
        }
        write_gaussian(across_.data(), primitive.x, scale_, shrink_, 1.0, x0, x1, mirrored);
        write_gaussian(down_.data(), primitive.y, scale_, shrink_, static_cast<double>(primitive.peak), y0, y1, false);
        for (std::int64_t y = 0; y < rows; ++y) {
            const double factor = down_[static_cast<std::size_t>(y)];
            std::int64_t start = left, size = columns;
            if (max_exponent_ > 0.0) {
                const Axis seen = within_exponent(primitive, y0 + y);
                if (seen.start >= seen.stop) {
                    continue;
                }
                start = mirrored ? volume_.width - seen.stop : seen.start;
                size = seen.stop - seen.start;
            }
            const bool in_place =
                alone_ && writer_.room() >= size + 7 && writer_.needs_no_fill(base + (y0 + y) * volume_.width + start);
            float* row = in_place ? writer_.next() : row_.data();
            const double* from = across_.data() + (start - left);
            // Whole eights, for which there is room: vectors without a remainder.
            for (std::int64_t x = 0; x < size; x += 8) {
                const double* across = from + x;
                for (std::int64_t i = 0; i < 8; ++i) {
                    row[x + i] = static_cast<float>(across[i] * factor);
                }
            }
            write_row(base, y0 + y, start, size, row);
        }
        return true;
    }

    // The pixels of a row of a window whose exponent is not above the largest.
    Axis within_exponent(const Primitive& primitive, std::int64_t y) const {
        const double dy = static_cast<double>(y) - primitive.y, square = max_exponent_ / scale_ - dy * dy;
        if (square < 0.0) {
            return {0, 0};
        }
        const double half = std::sqrt(square), first = static_cast<double>(primitive.window.x0);
        const double last = static_cast<double>(primitive.window.x1) - 1.0;
        return {static_cast<std::int64_t>(std::ceil(std::clamp(primitive.x - half, first, last + 1.0))),
                static_cast<std::int64_t>(std::floor(std::clamp(primitive.x + half, first - 1.0, last))) + 1};
    }

    // Write a row of a primitive to the runs if it is the only one in its map, else to the canvas.
    void write_row(std::int64_t base, std::int64_t y, std::int64_t start, std::int64_t size, const float* row) {
        if (alone_) {
            const TrimmedRow seen(row, row + size, cut_);
            if (seen.size() > 0) {
                writer_.add(base + y * volume_.width + start + (seen.first - row), seen.first, seen.size());
            }
        } else if (adds_) {
            sums_.add(y, start, size, row);
        } else {
            canvas_.merge(y, start, size, row, channel_);
        }
    }

    const Volume& volume_;
    RunWriter& writer_;
    float cut_, fill_;
    std::int64_t gap_;
    bool by_channel_;
    bool alone_;           // each map has one primitive at most, as it is
    bool adds_;            // persons are summed
    double max_exponent_;  // of a pixel that is rendered; 0 for all of a window
    bool small_;           // a small window is rendered at once
    double scale_, shrink_;
    std::int32_t channel_ = 0;
    Canvas canvas_;
    Canvas sums_;  // of a channel's persons
    LimbRows limb_;
    std::vector<double> across_, down_;
    std::vector<float> row_;
};

}  // namespace

MapRange measure(const Volume& volume, std::int64_t first, std::int64_t last, std::int64_t budget) {
    MapRange range{last, 0, 0, 0};
    MapCursor map(volume, first);
    for (std::int64_t index = first; index < last; ++index, map.advance()) {
        std::int64_t area = 0;
        for (std::int64_t channel = map.first_channel(); channel < map.last_channel(); ++channel) {
            const Source source(volume, channel, map.mirrored());
            for (std::int64_t person = 0; person < volume.persons; ++person) {
                const Window window = Primitive(volume, source, person, map.frame()).window;
                if (!window.empty()) {
                    area += window.columns() * window.rows();
                    range.runs += window.rows();
                }
            }
        }
        range.pixels += std::min(area, volume.area());
        range.work += area + volume.merged() * volume.persons;
        if (range.work >= budget) {
            range.last = index + 1;
            break;
        }
    }
    return range;
}

RunCounts render(const Volume& volume, std::int64_t first, std::int64_t last, double cut, float fill, std::int64_t gap,
                 std::span<std::int64_t> starts, std::span<std::int64_t> lengths, std::span<float> values) {
    RunWriter writer(starts, lengths, values, gap, fill);
    Renderer renderer(volume, cut, fill, gap, writer);
    MapCursor map(volume, first);
    for (std::int64_t index = first; index < last; ++index, map.advance()) {
        if (!renderer.render(map, (index - first) * volume.area())) {
            return {-1, 0};
        }
    }
    return {writer.runs(), writer.pixels()};
}

PatchCounts separable_patches(const Volume& volume, std::int64_t first, std::int64_t last, std::int64_t gap,
                              std::span<std::int64_t> bounds, std::span<float> values) {
    const Gaussian& gaussian = volume.gaussian;
    if (volume.sigma < min_small_gaussian_sigma || gaussian.window == WindowKind::cutoff || gaussian.covers_map() ||
        gaussian.is_clipped()) {
        return {-1, 0, 0};
    }
    const auto scale = static_cast<float>(0.5 / (volume.sigma * volume.sigma));
    const std::int64_t room = std::min(std::ssize(bounds) / 3, std::ssize(values) / (2 * simd_width));
    const std::int64_t width = volume.width, area = volume.area();
    // Found first, many at a time, so that the loop over their values has nothing else to do.
    std::array<SmallGaussian, 64> found;
    std::size_t waiting = 0;
    float* value = values.data();
    const auto write = [&] {
        for (std::size_t i = 0; i < waiting; ++i, value += 2 * simd_width) {
            found[i].write(value, scale);
        }
        waiting = 0;
    };
    PatchCounts patches{0, 0, 0};
    std::int64_t* bound = bounds.data();
    std::int64_t end = -gap;
    MapCursor map(volume, first);
    for (std::int64_t index = first; index < last; ++index, map.advance()) {
        const bool mirrored = map.mirrored();
        const Primitive primitive(volume, Source(volume, map.first_channel(), mirrored), 0, map.frame());
        if (primitive.window.empty()) {
            continue;
        }
        const auto& [x0, x1, y0, y1] = primitive.window;
        const std::int64_t columns = x1 - x0, rows = y1 - y0, left = mirrored ? width - x1 : x0;
        const std::int64_t at = (index - first) * area + y0 * width + left;
        if (columns > simd_width || rows > simd_width || at - end < gap || width - columns < gap ||
            patches.count == room || !(primitive.peak >= min_patch_peak)) {
            return {-1, 0, 0};
        }
        found[waiting++] = {primitive.window, primitive.x, primitive.y, primitive.peak, mirrored};
        if (waiting == found.size()) {
            write();
        }
        *bound++ = at;
        *bound++ = columns;
        *bound++ = rows;
        patches.count += 1;
        patches.pixels += columns * rows;
        patches.rows += rows;
        end = at + (rows - 1) * width + columns;
    }
    write();
    return patches;
}

PrimitiveCounts primitives(const Volume& volume, std::int64_t primitives_before, std::int64_t maps_before,
                           std::span<std::int64_t> starts, std::span<std::uint8_t> has_limb,
                           std::span<std::int32_t> boxes, std::span<double> numbers) {
    const bool write = !numbers.empty();
    const std::int64_t room = std::min(std::ssize(boxes) / 4, std::ssize(numbers) / 6);
    PrimitiveCounts counts{primitives_before, 0, 0};
    MapCursor map(volume, 0);
    for (std::int64_t index = maps_before; index < maps_before + volume.maps(); ++index, map.advance()) {
        bool any_limb = false;
        if (write) {
            starts[static_cast<std::size_t>(index)] = counts.count;
        }
        std::int64_t area = 0;
        for (std::int64_t channel = map.first_channel(); channel < map.last_channel(); ++channel) {
            const Source source(volume, channel, map.mirrored());
            any_limb |= source.is_limb;
            for (std::int64_t person = 0; person < volume.persons; ++person) {
                Primitive primitive(volume, source, person, map.frame());
                if (primitive.window.empty()) {
                    continue;
                }
                const Segment segment =
                    source.is_limb ? primitive.find_segment(volume) : Segment{primitive.x, primitive.y, 1.0, 0.0, 0.0};
                if (segment.length < 0.0 || primitive.window.empty()) {
                    continue;
                }
                const auto& [x0, x1, y0, y1] = primitive.window;
                area += (x1 - x0) * (y1 - y0);
                if (write) {
                    if (counts.count >= room) {
                        throw std::invalid_argument("there are more primitives than room for them");
                    }
                    const std::int64_t box[] = {x0, x1, y0, y1};
                    std::copy_n(box, 4, boxes.data() + 4 * counts.count);
                    const double number[] = {segment.x,  segment.y,      segment.ux,
                                             segment.uy, segment.length, static_cast<double>(primitive.peak)};
                    std::copy_n(number, 6, numbers.data() + 6 * counts.count);
                }
                counts.count += 1;
            }
        }
        if (write) {
            has_limb[static_cast<std::size_t>(index)] = any_limb ? 1 : 0;
        }
        counts.work += area;
        counts.heaviest = std::max(counts.heaviest, area);
    }
    return counts;
}

}  // namespace heatsvc::HEATSVC_INSTRUCTION_SET
