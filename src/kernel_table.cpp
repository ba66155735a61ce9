#include "conversion.h"
#include "kernels.h"

#define STRING_OF(name) #name
#define NAME_OF(name) STRING_OF(name)

namespace heatsvc::HEATSVC_INSTRUCTION_SET {

const Kernels table{
    .name = NAME_OF(HEATSVC_INSTRUCTION_SET),
    .to_uint8 = to_uint8,
};

}  // namespace heatsvc::HEATSVC_INSTRUCTION_SET
