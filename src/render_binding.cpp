// The kernels that render, and those that read runs, as functions of the module.
#include <algorithm>

#include "array.h"
#include "kernels.h"
#include "runs.h"

namespace nb = nanobind;
using namespace nb::literals;
using Unlocked = nb::call_guard<nb::gil_scoped_release>;

namespace heatsvc {

void bind_render(nb::module_& module) {
    module.def(
        "scatter",
        [](const In<std::uint8_t>& values, const In<std::int64_t>& starts, const In<std::int64_t>& lengths, std::int64_t itemsize,
           const Out<std::uint8_t>& out) {
            const Runs runs{flat(values), flat(starts), flat(lengths), itemsize,
                            static_cast<std::int64_t>(out.size()) / std::max<std::int64_t>(itemsize, 1)};
            scatter(runs, flat(out));
        },
        array("values"), array("starts"), array("lengths"), "itemsize"_a, array("out"), Unlocked(),
        "Write runs into a dense array of bytes that already holds the fill.");
    module.def(
        "to_uint8",
        [](const In<float>& values, const Out<std::uint8_t>& out) {
            require(values.size() == out.size(), "as many values as pixels are needed");
            kernels().to_uint8(flat(values), flat(out));
        },
        array("values"), array("out"), Unlocked(), "Times 255, rounded to nearest, ties to even, at most 255.");
}

}  // namespace heatsvc
