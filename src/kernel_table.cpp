#include "conversion.h"
#include "kernels.h"
#include "point_counts.h"
#include "render.h"

#define STRING_OF(name) #name
#define NAME_OF(name) STRING_OF(name)

namespace heatsvc::HEATSVC_INSTRUCTION_SET {

const Kernels table{
    .name = NAME_OF(HEATSVC_INSTRUCTION_SET),
    .measure = measure,
    .render = render,
    .separable_patches = separable_patches,
    .primitives = primitives,
    .to_uint8 = to_uint8,
    .to_float16 = to_float16,
    .count_points = count_points,
};

}  // namespace heatsvc::HEATSVC_INSTRUCTION_SET
