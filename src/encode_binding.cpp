// The kernels of content codings and checksums, as functions of the module.
#include <nanobind/stl/array.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <numeric>
#include <tuple>

#include "array.h"
#include "checksums.h"
#include "deflate.h"
#include "zstd_fast.h"
#include "zstd_fse.h"
#include "zstd_huffman.h"
#include "zstd_small.h"

namespace nb = nanobind;
using namespace nb::literals;
using Unlocked = nb::call_guard<nb::gil_scoped_release>;
using Count = std::int64_t;

namespace heatsvc {
namespace {

using Bytes = In<std::uint8_t>;
using Numbers = In<Count>;

// Define a function of runs and more; `extra`: the names of what more there is, and a docstring.
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
        "check"_a, "size"_a, "A finished CRC-32 moved by `size` bytes: XOR the finished CRC-32 of those bytes to it.");
}

void bind_codings(nb::module_& module) {
    def_of_runs(
        module, "deflate_block",
        +[](const Runs& runs, const Bytes& header, Count header_bits, const In<std::uint64_t>& literal_code,
            const Numbers& literal_bits, const In<std::uint64_t>& match_code, const Numbers& match_bits,
            const Out<std::uint8_t>& out) {
            const DeflateTable table{flat(header),       header_bits,      flat(literal_code),
                                     flat(literal_bits), flat(match_code), flat(match_bits)};
            require_apart(flat(out), runs.values, runs.starts, runs.lengths, flat(header), flat(literal_code),
                          flat(literal_bits), flat(match_code), flat(match_bits));
            return deflate_block(runs, table, flat(out));
        },
        array("header"), "header_bits"_a, array("literal_code"), array("literal_bits"), array("match_code"),
        array("match_bits"), array("out"), Unlocked(),
        "Write a tile as one deflate block and an empty stored one after it; returns the bytes written.");
    def_of_runs(
        module, "zstd_blocks",
        +[](const Runs& runs, const Out<std::uint8_t>& out) {
            require_apart(flat(out), runs.values, runs.starts, runs.lengths);
            return zstd_blocks(runs, flat(out));
        },
        array("out"), Unlocked(), "Write a tile as zstd blocks, none of them the last; returns the bytes written.");
    def_of_runs(
        module, "zstd_small",
        +[](const Runs& runs) {
            EncodedBytes encoded = [&] {
                const nb::gil_scoped_release unlocked;
                return zstd_small(runs);
            }();
            const nb::capsule owner(encoded.bytes.get(),
                                    [](void* bytes) noexcept { delete[] static_cast<std::uint8_t*>(bytes); });
            return nb::ndarray<nb::numpy, std::uint8_t, nb::ndim<1>>(encoded.bytes.release(), {encoded.size}, owner);
        },
        "A tile as small zstd blocks, none of them the last: uint8 [bytes].");
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

// The tables of zstd's small way, for tests.
void bind_tables(nb::module_& module) {
    const auto shares_of = [](const std::vector<std::int16_t>& shares, int log) {
        Shares made{log, {}};
        const auto states = [](int sum, int share) { return sum + (share < -1 ? 1 << 20 : share < 0 ? 1 : share); };
        require(shares.size() <= fse_symbols && log >= 5 && log <= fse_largest_log &&
                    std::accumulate(shares.begin(), shares.end(), 0, states) == 1 << log,
                "the shares are not those of a table");
        std::ranges::copy(shares, made.of.begin());
        return made;
    };
    module.def(
        "fse_normalise",
        [](const std::vector<std::uint32_t>& counts, int log) {
            const auto used = counts.size() - static_cast<std::size_t>(std::ranges::count(counts, 0U));
            require(counts.size() <= fse_symbols && log >= 5 && log <= fse_largest_log && used > 0 &&
                        used <= std::size_t{1} << log,
                    "these counts make no table");
            Counts made{};
            std::ranges::copy(counts, made.begin());
            const Shares shares = normalise(made, log);
            return std::vector<int>(shares.of.begin(), shares.of.begin() + counts.size());
        },
        "counts"_a, "log"_a, "How many of 2**log states each symbol gets.");
    module.def(
        "fse_describe",
        [shares_of](const std::vector<std::int16_t>& shares, int log) {
            Description description;
            description.size = describe(shares_of(shares, log), description.bytes.data());
            return nb::bytes(description.bytes.data(), description.size);
        },
        "shares"_a, "log"_a, "A table's description (RFC 8878, 4.1.1).");
    module.def(
        "fse_table",
        [shares_of](const std::vector<std::int16_t>& shares, int log) {
            const FseTable table(shares_of(shares, log));
            return std::tuple{table.delta, table.first,
                              std::vector<int>(table.states.begin(), table.states.begin() + (1 << log))};
        },
        "shares"_a, "log"_a,
        "A table to encode with: of each symbol what its number of bits follows from, and where its states are; and "
        "the states.");
    module.def(
        "huffman_code_lengths",
        [](const std::vector<std::uint32_t>& counts) {
            ByteCounts made{};
            require(counts.size() <= made.size() &&
                        counts.size() >= 2U + static_cast<std::size_t>(std::ranges::count(counts, 0U)),
                    "at least two of 256 bytes have to be counted");
            std::ranges::copy(counts, made.begin());
            const auto lengths = code_lengths(made);
            return std::vector<int>(lengths.begin(), lengths.begin() + counts.size());
        },
        "counts"_a, "The lengths of a Huffman code, none of them over 11 bits.");
    module.def(
        "huffman_code",
        [](const Bytes& literals, Count blocks) {
            require(blocks >= 0, "the number of blocks is negative");
            const HuffmanCode code(flat(literals), blocks);
            return std::tuple{std::vector<int>(code.codes.begin(), code.codes.end()),
                              nb::bytes(code.description.bytes.data(), code.description.size)};
        },
        array("literals"), "blocks"_a,
        "The code for literals that go over so many blocks, with its bits in the lowest four, and its description; "
        "empty where the literals are better left as they are.");
}

}  // namespace

void bind_encode(nb::module_& module) {
    bind_checksums(module);
    bind_codings(module);
    bind_tables(module);
}

}  // namespace heatsvc
