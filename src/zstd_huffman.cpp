#include "zstd_huffman.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <numeric>

#include "bytes.h"
#include "zstd_fse.h"

namespace heatsvc {
namespace {

constexpr int max_code_bits = 11;  // 4.2.1
constexpr std::size_t max_description_size = 128;
constexpr std::size_t block_extra = 10;  // bytes of a block's streams beside their bits: sizes, and partial bytes

using ByteCounts = std::array<std::uint32_t, 256>;
using CodeLengths = std::array<std::uint8_t, 256>;

ByteCounts count_bytes(std::span<const std::uint8_t> literals) {
    ByteCounts counts{}, others{};  // two, so that a byte need not wait for the same one before it
    std::size_t i = 0;
    for (; i + 2 <= literals.size(); i += 2) {
        ++counts[literals[i]];
        ++others[literals[i + 1]];
    }
    if (i < literals.size()) {
        ++counts[literals[i]];
    }
    std::ranges::transform(counts, others, counts.begin(), std::plus());
    return counts;
}

// The lengths of the best code for bytes that are counted, at least two of them; 0 for those that do not occur.
CodeLengths code_lengths(const ByteCounts& counts) {
    std::array<std::uint64_t, 256> order;
    std::size_t used = 0;
    for (std::size_t s = 0; s < counts.size(); ++s) {
        if (counts[s] > 0) {
            order[used++] = std::uint64_t{counts[s]} << 8 | s;
        }
    }
    std::sort(order.begin(), order.begin() + used);
    // The tree is built from two ascending queues, of bytes and of pairs.
    std::array<std::uint64_t, 512> weight;
    std::array<std::size_t, 512> parent;
    for (std::size_t i = 0; i < used; ++i) {
        weight[i] = order[i] >> 8;
    }
    const std::size_t root = 2 * used - 2;
    std::size_t leaf = 0, pair = used;
    for (std::size_t made = used; made <= root; ++made) {
        weight[made] = 0;
        for (int child = 0; child < 2; ++child) {
            const std::size_t lowest = pair == made || (leaf < used && weight[leaf] <= weight[pair]) ? leaf++ : pair++;
            weight[made] += weight[lowest];
            parent[lowest] = made;
        }
    }
    // Nodes that are too deep are moved up to max_code_bits; for two of them a leaf that is less deep makes room.
    std::array<int, max_code_bits + 1> of_length{};
    std::array<int, 512> depth;
    depth[root] = 0;
    int too_deep = 0;
    for (std::size_t i = root; i-- > 0;) {
        depth[i] = depth[parent[i]] + 1;
        if (depth[i] > max_code_bits) {
            depth[i] = max_code_bits;
            ++too_deep;
        }
        if (i < used) {
            ++of_length[depth[i]];
        }
    }
    for (; too_deep > 0; too_deep -= 2) {
        int length = max_code_bits - 1;
        while (of_length[length] == 0) {
            --length;
        }
        --of_length[length];
        of_length[length + 1] += 2;
        --of_length[max_code_bits];
    }
    CodeLengths lengths{};
    std::size_t at = 0;
    for (int length = max_code_bits; length > 0; --length) {
        for (int i = 0; i < of_length[length]; ++i) {
            lengths[order[at++] & 0xFF] = static_cast<std::uint8_t>(length);
        }
    }
    return lengths;
}

// Describe the weights of the bytes before the last one, whose own follows from them (4.2.1); returns the end.
std::uint8_t* write_weights(std::span<const std::uint8_t> weights, std::uint8_t* out) {
    if (std::ranges::count(weights, weights[0]) == std::ssize(weights) && weights.size() <= 128) {
        *out++ = static_cast<std::uint8_t>(127 + weights.size());
        return std::fill_n(out, (weights.size() + 1) / 2, static_cast<std::uint8_t>(weights[0] << 4 | weights[0]));
    }
    // An FSE stream of two states, which take turns (4.2.1.2), after its size.
    Counts counts{};
    for (const std::uint8_t weight : weights) {
        ++counts[weight];
    }
    const Distribution distribution = normalize(counts, 6);
    const FseTable table(distribution);
    BitWriter writer(write_table_description(distribution, out + 1));
    // A decoder takes the last two symbols from its states, since no bits follow.
    std::array<std::uint32_t, 2> states;
    for (std::size_t i = weights.size(); i-- > 0;) {
        std::uint32_t& x = states[i & 1];
        if (i + 2 >= weights.size()) {
            x = table.start(weights[i]);
        } else {
            const int bits = table.bits(weights[i], x);
            writer.add(x & ((1U << bits) - 1), bits);
            writer.flush();
            x = table.next(weights[i], x, bits);
        }
    }
    for (const std::size_t i : {1, 0}) {
        writer.add(states[i] - (1U << table.accuracy_log), table.accuracy_log);
    }
    std::uint8_t* const end = writer.finish_backward();
    *out = static_cast<std::uint8_t>(end - out - 1);
    return end;
}

}  // namespace

HuffmanCode::HuffmanCode(std::span<const std::uint8_t> literals, std::size_t blocks) {
    const ByteCounts counts = count_bytes(literals);
    if (std::ranges::count(counts, 0U) > 254) {
        return;
    }
    const CodeLengths lengths = code_lengths(counts);
    const int max_length = *std::ranges::max_element(lengths);
    CodeLengths weights;
    std::size_t last = 0;
    for (std::size_t s = 0; s < lengths.size(); ++s) {
        weights[s] = static_cast<std::uint8_t>(lengths[s] > 0 ? max_length + 1 - lengths[s] : 0);
        last = lengths[s] > 0 ? s : last;
    }
    description_size = static_cast<std::size_t>(write_weights(std::span(weights).first(last), description.data()) -
                                                description.data());
    const std::uint64_t bits = std::inner_product(counts.begin(), counts.end(), lengths.begin(), std::uint64_t{0});
    if (description_size > max_description_size ||
        description_size + bits / 8 + block_extra * blocks >= literals.size()) {
        description_size = 0;
        return;
    }
    // Codes rise with the symbols of one length, from the longest ones on (4.2.1.3).
    unsigned code = 0;
    for (int length = max_length; length > 0; --length, code >>= 1) {
        for (std::size_t s = 0; s < lengths.size(); ++s) {
            if (lengths[s] == length) {
                codes[s] = static_cast<std::uint16_t>(code++ << 4 | lengths[s]);
            }
        }
    }
}

std::uint8_t* write_literals(std::span<const std::uint8_t> literals, const HuffmanCode& code, std::uint8_t* out) {
    BitWriter writer(out);
    // A decoder begins at the end, so the last literal is written first.
    const auto add = [&](std::size_t i) {
        const unsigned each = code.codes[literals[i]];
        writer.add(each >> 4, static_cast<int>(each & 15));
    };
    std::size_t i = literals.size();
    for (; i >= 5; i -= 5) {
        for (std::size_t k = 1; k <= 5; ++k) {
            add(i - k);
        }
        writer.flush();
    }
    while (i > 0) {
        add(--i);
    }
    return writer.finish_backward();
}

}  // namespace heatsvc
