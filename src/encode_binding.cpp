// Python bindings of content codings and checksums.
#include "array.h"
#include "checksums.h"
#include "deflate.h"
#include "zstd_fast.h"
#include "zstd_small.h"

namespace nb = nanobind;
using namespace nb::literals;
using Unlocked = nb::call_guard<nb::gil_scoped_release>;
using Count = std::int64_t;

namespace heatsvc {
namespace {

using Bytes = In<std::uint8_t>;
using Numbers = In<Count>;

// Define a function with runs as arguments; `extra`: the names of further arguments, and a docstring.
template <typename Result, typename... More, typename... Extra>
void def_of_runs(nb::module_& module, const char* name, Result (*function)(const Runs&, More...),
                 const Extra&... extra) {
    module.def(
        name,
        [function](const Bytes& values, const Numbers& starts, const Numbers& lengths, Count itemsize, Count size,
                   std::uint8_t fill, More... more) {
            return function({flat(values), flat(starts), flat(lengths), itemsize, size, fill}, more...);
        },
        array("values"), array("starts"), array("lengths"), "itemsize"_a, "size"_a, "fill"_a, extra...);
}

void bind_checksums(nb::module_& module) {
    def_of_runs(module, "adler32_of_runs", adler32, Unlocked(), "Adler-32 of a tile given as its runs.");
    def_of_runs(module, "crc32_of_runs", crc32, Unlocked(), "CRC-32 of a tile given as its runs.");
    module.def(
        "crc32_after_zeros",
        [](std::uint32_t check, Count size) {
            require(size >= 0, "the size is negative");
            return crc32_after_zeros(check, size);
        },
        "check"_a, "size"_a, "CRC-32 of A, shifted: XOR with the CRC-32 of the `size` bytes B to get that of A + B.");
}

template <auto encode>
std::size_t encode_checked(const Runs& runs, const Out<std::uint8_t>& out) {
    require_apart(flat(out), runs.values, runs.starts, runs.lengths);
    return encode(runs, flat(out));
}

void bind_codings(nb::module_& module) {
    def_of_runs(
        module, "deflate_block",
        +[](const Runs& runs, const Bytes& header, Count header_bits, const In<std::uint32_t>& literals,
            const In<std::uint32_t>& matches, const Out<std::uint8_t>& out) {
            const DeflateTable table{flat(header), header_bits, flat(literals), flat(matches)};
            require_apart(flat(out), runs.values, runs.starts, runs.lengths, table.header, table.literals,
                          table.matches);
            return deflate_block(runs, table, flat(out));
        },
        array("header"), "header_bits"_a, array("literals"), array("matches"), array("out"), Unlocked(),
        "Write a tile as one deflate block and an empty stored one after it; returns the bytes written.");
    def_of_runs(module, "zstd_blocks", encode_checked<zstd_blocks>, array("out"), Unlocked(),
                "Write a tile as zstd blocks, none of them the last; returns the bytes written.");
    def_of_runs(module, "zstd_small", encode_checked<zstd_small>, array("out"), Unlocked(),
                "Write a tile as zstd blocks with matches and entropy coding: smaller and slower than zstd_blocks. "
                "Returns the bytes written.");
    module.def(
        "zstd_patches",
        [](const In<Count, 2>& bounds, const In<float, 2>& values, Count width, Count size,
           const Out<std::uint8_t>& out) {
            require_apart(flat(out), flat(bounds), flat(values));
            return zstd_patches({flat(bounds), flat(values), width, size}, flat(out));
        },
        array("bounds"), array("values"), "width"_a, "size"_a, array("out"), Unlocked(),
        "Write a tile of patches as zstd blocks, none of them the last; returns the bytes written.");
}

}  // namespace

void bind_encode(nb::module_& module) {
    bind_checksums(module);
    bind_codings(module);
}

}  // namespace heatsvc
