// Functions of the module for the kernels that render and that read runs.
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/variant.h>

#include <algorithm>
#include <tuple>
#include <variant>

#include "array.h"
#include "kernels.h"
#include "runs.h"
#include "volume.h"

namespace nb = nanobind;
using namespace nb::literals;
using Unlocked = nb::call_guard<nb::gil_scoped_release>;
using Count = std::int64_t;

namespace heatsvc {
namespace {

constexpr Count largest_gap = 1 << 20;

// A volume, and the arrays that it refers to.
class BoundVolume {
  public:
    using Keypoint = std::variant<In<float, 4>, In<double, 4>>;
    // Gaussian.native: sigma, eps, stride, offset; the numbers of center, window, peak and persons.
    using Numbers = std::tuple<double, double, double, double, int, int, int, int>;

    BoundVolume(Keypoint keypoint, In<float, 3> score, In<std::int32_t, 2> limbs, In<std::int32_t> mirror,
                Count keypoint_channels, Count clip, int reduce, Count height, Count width, const Numbers& numbers)
        : keypoint_(std::move(keypoint)),
          score_(std::move(score)),
          limbs_(std::move(limbs)),
          mirror_(std::move(mirror)) {
        require(limbs_.shape(1) == 2 && reduce >= 0 && reduce <= 2, "limbs are pairs, and reduce is 0, 1 or 2");
        const auto [sigma, eps, stride, offset, center, window, peak, persons] = numbers;
        require(window >= 0 && window <= static_cast<int>(WindowKind::map), "there is no such window");
        const bool is_pyskl = stride == 1.0 && offset == 0.0 && center == 0 && window == 0;
        const auto* single = std::get_if<In<float, 4>>(&keypoint_);
        const auto* exact = std::get_if<In<double, 4>>(&keypoint_);
        volume_ = {static_cast<Count>(score_.shape(0)),
                   static_cast<Count>(score_.shape(1)),
                   static_cast<Count>(score_.shape(2)),
                   single != nullptr ? flat(*single) : std::span<const float>(),
                   exact != nullptr ? flat(*exact) : std::span<const double>(),
                   flat(score_),
                   flat(limbs_),
                   flat(mirror_),
                   keypoint_channels,
                   clip,
                   static_cast<Reduce>(reduce),
                   height,
                   width,
                   {sigma, eps, stride, offset, center != 0, static_cast<WindowKind>(window), peak != 0, persons != 0,
                    is_pyskl},
                   sigma / stride};
        volume_.check();
    }

    const Volume& operator*() const { return volume_; }

    // The volume, for its maps first to last.
    const Volume& maps(Count first, Count last) const {
        require(0 <= first && first <= last && last <= volume_.maps(), "the volume has no such maps");
        return volume_;
    }

  private:
    Keypoint keypoint_;
    In<float, 3> score_;
    In<std::int32_t, 2> limbs_;
    In<std::int32_t> mirror_;
    Volume volume_;
};

void bind_volume(nb::module_& module) {
    nb::class_<BoundVolume>(module, "Volume", "A volume to render; see HeatmapVolume.")
        .def(nb::init<BoundVolume::Keypoint, In<float, 3>, In<std::int32_t, 2>, In<std::int32_t>, Count, Count, int,
                      Count, Count, const BoundVolume::Numbers&>(),
             array("keypoint"), array("keypoint_score"), array("limbs"), array("mirror"), "keypoint_channels"_a,
             "clip"_a, "reduce"_a, "height"_a, "width"_a, "gaussian"_a,
             "mirror: empty where there is no mirrored copy. clip: frames of an output clip, 0 for frames-first order. "
             "reduce: 0, 1 for the maximum over the channels, 2 for the channel that has it.");
    module.def(
        "measure",
        [](const BoundVolume& volume, Count first, Count last, Count budget) {
            const Measured measured = kernels().measure(volume.maps(first, last), first, last, budget);
            return std::tuple{measured.last, measured.pixels, measured.rows, measured.work};
        },
        "volume"_a, "first"_a, "last"_a, "budget"_a, Unlocked(),
        "The end of the largest range of maps whose work is at most about `budget`: the map after its last one, upper "
        "bounds of its "
        "pixels and runs, and its work.");
    module.def(
        "render",
        [](const BoundVolume& volume, Count first, Count last, double cut, float fill, Count gap,
           const Out<Count>& starts, const Out<Count>& lengths, const Out<float>& values) {
            require(starts.size() == lengths.size() && 1 <= gap && gap <= largest_gap,
                    "starts and lengths differ, or the gap is too large");
            const Rendered rendered = kernels().render(volume.maps(first, last), first, last, cut, fill, gap,
                                                       flat(starts), flat(lengths), flat(values));
            return std::tuple{rendered.runs, rendered.pixels};
        },
        "volume"_a, "first"_a, "last"_a, "cut"_a, "fill"_a, "gap"_a, array("starts"), array("lengths"), array("values"),
        Unlocked(), "Render the maps first to last as runs of pixels above `cut`: how many runs, and their pixels.");
    module.def(
        "separable_patches",
        [](const BoundVolume& volume, Count first, Count last, Count gap, const Out<Count, 2>& bounds,
           const Out<float, 2>& values) {
            require(bounds.shape(1) == 3 && 0 <= gap && gap <= largest_gap && values.shape(1) == 2 * simd_width,
                    "bounds are [S, 3], values [S, 16]");
            require((*volume).persons == 1 && (*volume).limbs.empty() && (*volume).reduce == Reduce::none,
                    "only keypoints of one person are separable patches");
            const Patches patches =
                kernels().separable_patches(volume.maps(first, last), first, last, gap, flat(bounds), flat(values));
            return std::tuple{patches.count, patches.pixels, patches.rows};
        },
        "volume"_a, "first"_a, "last"_a, "gap"_a, array("bounds"), array("values"), Unlocked(),
        "Render the maps first to last as separable patches: how many, their pixels and rows; -1, 0, 0 where they are "
        "not of that kind.");
    module.def(
        "primitives",
        [](const BoundVolume& volume, Count at, Count base, const Out<Count>& starts, const Out<std::uint8_t>& segments,
           const Out<std::int32_t, 2>& boxes, const Out<double, 2>& numbers) {
            const auto maps = static_cast<std::size_t>((*volume).maps());
            require(at >= 0 && base >= 0 && boxes.shape(1) == 4 && numbers.shape(1) == 6,
                    "boxes are [F, 4], numbers [F, 6]");
            require(numbers.size() == 0 ||
                        (starts.size() >= maps && starts.size() - maps >= static_cast<std::size_t>(base) &&
                         segments.size() >= maps && segments.size() - maps >= static_cast<std::size_t>(base)),
                    "there are more maps than room for them");
            const Listed listed =
                kernels().primitives(*volume, at, base, flat(starts), flat(segments), flat(boxes), flat(numbers));
            return std::tuple{listed.last, listed.work, listed.heaviest};
        },
        "volume"_a, "at"_a, "base"_a, array("starts"), array("segments"), array("boxes"), array("numbers"), Unlocked(),
        "List the primitives of all maps: how many, those before included, the work of all and of the heaviest map.");
}

void bind_runs(nb::module_& module) {
    module.def(
        "scatter",
        [](const In<std::uint8_t>& values, const In<Count>& starts, const In<Count>& lengths, Count itemsize,
           const Out<std::uint8_t>& out) {
            const Runs runs{flat(values), flat(starts), flat(lengths), itemsize,
                            static_cast<Count>(out.size()) / std::max<Count>(itemsize, 1)};
            require_apart(flat(out), runs.values, runs.starts, runs.lengths);
            scatter(runs, flat(out));
        },
        array("values"), array("starts"), array("lengths"), "itemsize"_a, array("out"), Unlocked(),
        "Write runs into a dense array of bytes that already holds the fill.");
    module.def(
        "color",
        [](const In<float>& values, const In<Count>& starts, const In<Count>& lengths, Count first, Count area,
           Count channels, const In<float, 2>& weights, const Out<double>& sums) {
            const auto bytes = std::span(reinterpret_cast<const std::uint8_t*>(values.data()), values.nbytes());
            add_colors({bytes, flat(starts), flat(lengths), sizeof(float), 0}, first, area, channels,
                       static_cast<Count>(weights.shape(1)), flat(weights), flat(sums));
        },
        array("values"), array("starts"), array("lengths"), "first"_a, "area"_a, "channels"_a, array("weights"),
        array("sums"), Unlocked(),
        "Add runs of frames-first maps to the sums [K x H x W x colors] of a PoTion picture.");
    module.def(
        "to_uint8",
        [](const In<float>& values, const Out<std::uint8_t>& out) {
            require(values.size() == out.size(), "as many values as pixels are needed");
            kernels().to_uint8(flat(values), flat(out));
        },
        array("values"), array("out"), Unlocked(), "Times 255, rounded to nearest, ties to even, at most 255.");
    module.def(
        "to_float16",
        [](const In<float>& values, const Out<std::uint16_t>& out) {
            require(values.size() == out.size(), "as many values as pixels are needed");
            kernels().to_float16(flat(values), flat(out));
        },
        array("values"), array("out"), Unlocked(), "The bits of float16, rounded to nearest, at most 65504.");
}

}  // namespace

void bind_render(nb::module_& module) {
    bind_volume(module);
    bind_runs(module);
}

}  // namespace heatsvc
