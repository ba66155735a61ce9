// The kernels that read JSON number arrays and the keypoints of datasets, as functions of the module.
#include "array.h"

namespace nb = nanobind;

namespace heatsvc {

void bind_input([[maybe_unused]] nb::module_& module) {}

}  // namespace heatsvc
