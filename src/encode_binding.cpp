// The kernels of content codings and checksums, as functions of the module.
#include "array.h"

namespace nb = nanobind;

namespace heatsvc {

void bind_encode([[maybe_unused]] nb::module_& module) {}

}  // namespace heatsvc
