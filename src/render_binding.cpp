// Python bindings of the kernels that render and that read runs.
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

constexpr Count max_gap = 1 << 20;

// A volume, and the arrays that it refers to.
class BoundVolume {
  public:
    using Keypoint = std::variant<In<float, 4>, In<double, 4>>;
    // Gaussian.native: sigma, eps, stride, offset; the codes of center, window, peak and persons.
    using GaussianFields = std::tuple<double, double, double, double, int, int, int, int>;

    BoundVolume(Keypoint keypoint, In<float, 3> score, In<std::int32_t, 2> limbs, In<std::int32_t> mirror,
                Count keypoint_channels, Count clip, int reduce, Count height, Count width,
                const GaussianFields& fields)
        : keypoint_(std::move(keypoint)),
          score_(std::move(score)),
          limbs_(std::move(limbs)),
          mirror_(std::move(mirror)) {
        require(limbs_.shape(1) == 2 && reduce >= 0 && reduce <= 2, "limbs are pairs, and reduce is 0, 1 or 2");
        const auto [sigma, eps, stride, offset, center, window, peak, persons] = fields;
        require(window >= 0 && window <= static_cast<int>(WindowKind::map), "window is not a WindowKind");
        const bool is_pyskl = stride == 1.0 && offset == 0.0 && center == 0 && window == 0;
        const auto* single = std::get_if<In<float, 4>>(&keypoint_);
        const auto* keypoint64 = std::get_if<In<double, 4>>(&keypoint_);
        volume_ = {static_cast<Count>(score_.shape(0)),
                   static_cast<Count>(score_.shape(1)),
                   static_cast<Count>(score_.shape(2)),
                   single != nullptr ? flat(*single) : std::span<const float>(),
                   keypoint64 != nullptr ? flat(*keypoint64) : std::span<const double>(),
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

    // The volume; ValueError unless it has the maps first to last.
    const Volume& checked(Count first, Count last) const {
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
                      Count, Count, const BoundVolume::GaussianFields&>(),
             array("keypoint"), array("keypoint_score"), array("limbs"), array("mirror"), "keypoint_channels"_a,
             "clip"_a, "reduce"_a, "height"_a, "width"_a, "gaussian"_a,
             "mirror: empty where there is no mirrored copy. clip: frames of an output clip, 0 for frames-first order. "
             "reduce: 0, 1 for the maximum over the channels, 2 for the channel that has it.");
    module.def(
        "measure",
        [](const BoundVolume& volume, Count first, Count last, Count budget) {
            const MapRange range = kernels().measure(volume.checked(first, last), first, last, budget);
            return std::tuple{range.last, range.pixels, range.runs, range.work};
        },
        "volume"_a, "first"_a, "last"_a, "budget"_a, Unlocked(),
        "Measure maps from `first` on until their work reaches `budget`, or up to `last`: the end of these maps, upper "
        "bounds of their pixels and runs, and their work.");
    module.def(
        "render",
        [](const BoundVolume& volume, Count first, Count last, double cut, float fill, Count gap,
           const Out<Count>& starts, const Out<Count>& lengths, const Out<float>& values) {
            require(starts.size() == lengths.size() && 1 <= gap && gap <= max_gap,
                    "starts and lengths differ, or the gap is too large");
            const RunCounts counts = kernels().render(volume.checked(first, last), first, last, cut, fill, gap,
                                                      flat(starts), flat(lengths), flat(values));
            return std::tuple{counts.runs, counts.pixels};
        },
        "volume"_a, "first"_a, "last"_a, "cut"_a, "fill"_a, "gap"_a, array("starts"), array("lengths"), array("values"),
        Unlocked(), "Render the maps first to last as runs of pixels above `cut`: how many runs, and their pixels.");
    module.def(
        "separable_patches",
        [](const BoundVolume& volume, Count first, Count last, Count gap, const Out<Count, 2>& bounds,
           const Out<float, 2>& values) {
            require(bounds.shape(1) == 3 && 0 <= gap && gap <= max_gap && values.shape(1) == 2 * simd_width,
                    "bounds are [S, 3], values [S, 16]");
            require((*volume).persons == 1 && (*volume).limbs.empty() && (*volume).reduce == Reduce::none,
                    "only keypoints of one person are separable patches");
            const PatchCounts patches =
                kernels().separable_patches(volume.checked(first, last), first, last, gap, flat(bounds), flat(values));
            return std::tuple{patches.count, patches.pixels, patches.rows};
        },
        "volume"_a, "first"_a, "last"_a, "gap"_a, array("bounds"), array("values"), Unlocked(),
        "Render the maps first to last as separable patches: how many, their pixels and rows; -1, 0, 0 where they are "
        "not of that kind.");
    module.def(
        "primitives",
        [](const BoundVolume& volume, Count primitives_before, Count maps_before, const Out<Count>& starts,
           const Out<std::uint8_t>& has_limb, const Out<std::int32_t, 2>& boxes, const Out<double, 2>& numbers) {
            const auto maps = static_cast<std::size_t>((*volume).maps());
            require(primitives_before >= 0 && maps_before >= 0 && boxes.shape(1) == 4 && numbers.shape(1) == 6,
                    "boxes are [F, 4], numbers [F, 6]");
            require(numbers.size() == 0 ||
                        (starts.size() >= maps && starts.size() - maps >= static_cast<std::size_t>(maps_before) &&
                         has_limb.size() >= maps && has_limb.size() - maps >= static_cast<std::size_t>(maps_before)),
                    "there are more maps than room for them");
            const PrimitiveCounts counts = kernels().primitives(*volume, primitives_before, maps_before, flat(starts),
                                                                flat(has_limb), flat(boxes), flat(numbers));
            return std::tuple{counts.count, counts.work, counts.heaviest};
        },
        "volume"_a, "primitives_before"_a, "maps_before"_a, array("starts"), array("has_limb"), array("boxes"),
        array("numbers"), Unlocked(),
        "List the primitives of all maps: how many, those before included, the work of all and of the heaviest map.");
}

template <typename Pixel>
void bind_conversion(nb::module_& module, const char* name,
                     void (*Kernels::*kernel)(std::span<const float>, std::span<Pixel>), const char* description) {
    module.def(
        name,
        [kernel](const In<float>& values, const Out<Pixel>& out) {
            require(values.size() == out.size(), "as many values as pixels are needed");
            (kernels().*kernel)(flat(values), flat(out));
        },
        array("values"), array("out"), Unlocked(), description);
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
    bind_conversion(module, "to_uint8", &Kernels::to_uint8,
                    "Times 255, rounded to nearest, ties to even, at most 255.");
    bind_conversion(module, "to_float16", &Kernels::to_float16,
                    "The bits of float16, rounded to nearest, at most 65504.");
}

}  // namespace

void bind_render(nb::module_& module) {
    bind_volume(module);
    bind_runs(module);
}

}  // namespace heatsvc
