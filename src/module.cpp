#include <nanobind/nanobind.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include "kernels.h"

namespace nb = nanobind;

namespace heatsvc {

void bind_render(nb::module_& module);
void bind_encode(nb::module_& module);
void bind_input(nb::module_& module);

}  // namespace heatsvc

NB_MODULE(_native, module) {
    module.doc() = "The kernels in C++. Arrays are C-contiguous and never copied; the interpreter lock is released.";
    module.def("instruction_sets", &heatsvc::instruction_sets, "Instruction sets of this processor, the fastest last.");
    module.def("use_instruction_set", &heatsvc::use_instruction_set, nb::arg("name"),
               "Use the kernels for this instruction set from now on; for tests. Returns the previous one.");
    heatsvc::bind_render(module);
    heatsvc::bind_encode(module);
    heatsvc::bind_input(module);
}
