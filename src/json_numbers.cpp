// The text ends with a closing brace, which is no part of a number, of white space or of a list's punctuation: it ends
// each of these, so that only strings and words of eight bytes need to be checked for the end of the text.
#include "json_numbers.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace heatsvc {
namespace json {

// A place in the text.
struct Cursor {
    const std::uint8_t* at;
    const std::uint8_t* end;

    std::uint8_t operator*() const {
        assert(at < end);
        return *at;
    }
    // The value of the digit here, above 9 where there is none.
    std::uint8_t digit() const { return static_cast<std::uint8_t>(**this - '0'); }
    bool exponent() const { return (**this | 0x20) == 'e'; }
    // Go on by one byte, and to the first that is no white space.
    void next() {
        ++at;
        skip_space();
    }
    void skip_space() {
        while (**this <= ' ' && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) {
            ++at;
        }
    }
};

struct Number {
    double value;
    const std::uint8_t* end;  // nullptr where there is none
};

namespace {

static_assert(std::endian::native == std::endian::little);
static_assert(std::numeric_limits<double>::is_iec559);

using Text = std::span<const std::uint8_t>;

// Those that a double holds exactly.
constexpr std::array<double, 23> powers{1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr std::int64_t most_power = 22;
constexpr std::uint64_t most_exact = std::uint64_t{1} << 53;
constexpr std::int64_t surely_exact_digits = 15;
// So many digits make a number under 2**63; those after them change it by less than 1e-17 of itself.
constexpr std::int64_t kept_digits = 18;
// What is further from 1 is no float32, however many digits it has.
constexpr std::int64_t far_power = 3 * most_power;
constexpr double least = 1.2e-38, most_normal = 3.4e38;  // both within the normal float32 numbers
constexpr std::int64_t longest_exponent = 1 << 20;

// A double's last 29 bits are lost in a float32, and half way between two float32 they are these.
constexpr std::uint64_t lost_bits = (1 << 29) - 1;
constexpr std::int64_t half_way = 1 << 28;
// In units of a double's last place, see `rounded`.
constexpr std::int64_t doubt = 8;

constexpr Number no_number{0, nullptr};

struct Scaled {
    std::uint64_t number;
    std::int64_t power;  // of ten
};

// The first 18 digits that count, of a number without its sign and exponent.
Scaled first_digits(Text text) {
    Scaled scaled{0, 0};
    std::int64_t taken = 0;
    bool point = false;
    for (const std::uint8_t byte : text) {
        if (byte == '.') {
            point = true;
        } else if (taken < kept_digits) {
            scaled.number = scaled.number * 10 + static_cast<std::uint64_t>(byte - '0');
            taken += scaled.number > 0;
            scaled.power -= point;
        } else {
            scaled.power += !point;
        }
    }
    return scaled;
}

// The double number * 10**power or one near it; nothing where it might not become the same float32 as the number.
//
// The number becomes a double, and is multiplied or divided by three powers of ten at most. Each of the four steps is
// wrong by no more than 2**-53 of the value, and the digits left out are by less: five such parts in all, of which one
// is at most a unit in the last place. The double nearest to the text, from which the float32 is to be rounded, is
// another half unit away. So both lie on one side of a point half way between two float32 that is more than `doubt`
// units off.
std::optional<double> rounded(Scaled scaled) {
    auto value = static_cast<double>(static_cast<std::int64_t>(scaled.number));
    std::int64_t power = scaled.power;
    if (power < -far_power || power > far_power) {
        return {};
    }
    for (; power < -most_power; power += most_power) {
        value /= powers[most_power];
    }
    for (; power > most_power; power -= most_power) {
        value *= powers[most_power];
    }
    value = power < 0 ? value / powers[-power] : value * powers[power];
    const auto lost = static_cast<std::int64_t>(std::bit_cast<std::uint64_t>(value) & lost_bits);
    const bool sure = least < value && value < most_normal && std::abs(lost - half_way) > doubt;
    return sure ? std::optional(value) : std::nullopt;
}

}  // namespace

// As `read_number`, for one of many digits or with an exponent. The digits and the point are from `first` to the
// cursor, their number modulo 2**64 is `number`; `digits` of them are there in all, `decimals` after the point.
//
// Not in the anonymous namespace: compilers inline what is called once there, and this would take registers from the
// loop over the numbers.
Number read_long_number(Cursor text, const std::uint8_t* first, std::uint64_t number, std::int64_t digits,
                        std::int64_t decimals) {
    const bool few = digits <= kept_digits;
    Scaled scaled = few ? Scaled{number, -decimals} : first_digits({first, text.at});
    bool whole = decimals == 0;
    if (text.exponent()) {
        ++text.at;
        const bool below = *text == '-';
        text.at += below || *text == '+';
        const std::uint8_t* start = text.at;
        std::int64_t exponent = 0;
        for (; text.digit() <= 9; ++text.at) {
            exponent = std::min(exponent * 10 + text.digit(), longest_exponent);
        }
        if (text.at == start || exponent == longest_exponent) {
            return no_number;
        }
        scaled.power += below ? -exponent : exponent;
        whole = false;
    }
    double value = 0;
    if (few && scaled.number <= most_exact && -most_power <= scaled.power && scaled.power <= most_power) {
        const auto exact = static_cast<double>(static_cast<std::int64_t>(scaled.number));
        value = scaled.power < 0 ? exact / powers[-scaled.power] : exact * powers[scaled.power];
    } else if (scaled.number > 0) {
        const std::optional<double> near = rounded(scaled);
        if (!near) {
            return no_number;
        }
        value = *near;
    }
    const bool negative = first[-1] == '-';
    return {negative && !(whole && scaled.number == 0) ? -value : value, text.at};
}

namespace {

constexpr std::array<std::uint64_t, 9> tens{1, 10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000, 100'000'000};

// The number of eight digits 0 to 9, the first one in the lowest byte: pairs, then fours, then all of them.
std::uint64_t eight_digits(std::uint64_t digits) {
    const std::uint64_t pairs = digits * 10 + (digits >> 8), low = 0x000000FF000000FF;
    const std::uint64_t even = (pairs & low) * 0x000F424000000064;       // 1,000,000 and 100
    const std::uint64_t odd = (pairs >> 16 & low) * 0x0000271000000001;  // 10,000 and 1
    return (even + odd) >> 32;
}

// `number` with the digits at the cursor appended, modulo 2**64. Moves the cursor after them.
std::uint64_t read_digits(Cursor& text, std::uint64_t number) {
    while (text.end - text.at >= 8) {
        std::uint64_t eight;
        std::memcpy(&eight, text.at, 8);
        eight ^= 0x3030303030303030;
        // The top bit of each byte that is over 9: of the lowest such byte for certain, and only that one counts.
        const std::uint64_t other = ((eight + 0x7676767676767676) | eight) & 0x8080808080808080;
        const int count = std::countr_zero(other) >> 3;
        if (count == 0) {
            return number;
        }
        // As if zeros stood before them.
        number = number * tens[count] + eight_digits(eight << (64 - 8 * count));
        text.at += count;
        if (text.digit() > 9) {
            return number;
        }
    }
    for (; text.digit() <= 9; ++text.at) {
        number = number * 10 + text.digit();
    }
    return number;
}

// The number here as a double that becomes the float32 it should (RFC 8259, section 6); `null` is NaN.
Number read_number(Cursor text) {
    const bool negative = *text == '-';
    text.at += negative;
    const std::uint8_t* first = text.at;
    std::uint64_t number = 0;
    // Few, and mostly as many as in the number before: to guess that is faster than to count them in a word.
    for (; text.digit() <= 9; ++text.at) {
        number = number * 10 + text.digit();
    }
    std::int64_t digits = text.at - first, decimals = 0;
    if (digits == 0) {
        const bool null = !negative && text.end - first > 4 && std::memcmp(first, "null", 4) == 0;
        return null ? Number{std::numeric_limits<double>::quiet_NaN(), first + 4} : no_number;
    }
    if (digits > 1 && *first == '0') {
        return no_number;
    }
    if (*text == '.') {
        const std::uint8_t* point = text.at++;
        number = read_digits(text, number);
        decimals = text.at - point - 1;
        if (decimals == 0) {
            return no_number;
        }
    }
    digits += decimals;
    if (digits > surely_exact_digits || text.exponent()) {
        return read_long_number(text, first, number, digits, decimals);
    }
    // Both are doubles, and so the one operation rounds as it should (Clinger 1990).
    const double value = static_cast<double>(static_cast<std::int64_t>(number)) / powers[decimals];
    // A whole -0 is read as an integer, which has no such zero.
    return {negative && (number > 0 || decimals > 0) ? -value : value, text.at};
}

using Shape = std::array<std::size_t, number_array_levels + 1>;

struct Lists {
    bool regular;
    const std::uint8_t* end;  // the place after them, or one where they have ceased to be regular
    std::size_t count;        // numbers in `values` then
    std::size_t nulls;        // read here
};

// The level that is left open by the brackets that close here. Lists that are not as long as those before them are left
// open, and so found to lack a comma.
std::size_t close_lists(Cursor& text, std::size_t level, Shape& shape, Shape& counts) {
    while (level > 0 && *text == ']' && (shape[level] == 0 || shape[level] == counts[level])) {
        shape[level] = counts[level];
        counts[level] = 0;
        ++counts[--level];
        ++text.at;
        if (level > 0) {
            text.skip_space();
        }
    }
    return level;
}

// The lists here, their numbers written to `values` from `at` on. `shape` takes the number of levels, and how long the
// lists of each are, those further out first.
Lists read_lists(Cursor text, std::span<float> values, std::size_t at, std::size_t most, Shape& shape) {
    const std::size_t room = at + std::min(values.size() - at, most);
    std::size_t levels = 0, nulls = 0;
    std::size_t width = 0, rows = 0;  // of the innermost lists, and of those around them
    Shape counts{};
    shape = {};
    for (; *text == '['; text.next()) {
        if (++levels > number_array_levels) {
            return {false, text.at, at, nulls};
        }
    }
    shape[0] = levels;
    while (true) {
        const std::size_t row = at;
        while (true) {
            const Number number = read_number(text);
            if (number.end == nullptr || at >= room) {
                return {false, text.at, at, nulls};
            }
            values[at++] = static_cast<float>(number.value);
            nulls += std::isnan(number.value);
            text.at = number.end;
            text.skip_space();
            if (*text != ',') {
                break;
            }
            text.next();
        }
        if (*text != ']' || (width > 0 && at - row != width)) {
            return {false, text.at, at, nulls};
        }
        width = at - row;
        ++rows;
        ++text.at;
        std::size_t level = levels - 1;
        if (level > 0) {
            text.skip_space();
            if (*text == ']') {
                counts[level] = rows;
                rows = 0;
                level = close_lists(text, level, shape, counts);
            }
        }
        if (level == 0) {
            shape[levels] = width;
            return {true, text.at, at, nulls};
        }
        if (*text != ',') {
            return {false, text.at, at, nulls};
        }
        // Lists begin where as many have ended.
        for (text.next(); level < levels; ++level, text.next()) {
            if (*text != '[') {
                return {false, text.at, at, nulls};
            }
        }
    }
}

}  // namespace
}  // namespace json

using namespace json;

NumberArrays parse_number_arrays(Text text, Text mark, std::size_t most, std::span<std::uint8_t> rest,
                                 std::span<float> values, std::span<std::int32_t> shapes) {
    if (rest.size() < text.size()) {
        throw std::invalid_argument("the rest needs as many bytes as the text");
    }
    if (text.empty() || text.back() != '}') {
        return {};
    }
    std::array<char, 24> counter;  // of a placeholder, and its closing quote
    constexpr std::size_t counter_length = 9, most_arrays = 100'000'000;
    const std::size_t room = std::min(shapes.size() / std::tuple_size_v<Shape>, most_arrays);
    most = std::min<std::size_t>(most, std::numeric_limits<std::int32_t>::max());
    NumberArrays arrays{};
    const auto write = [&](const void* bytes, std::size_t size) {
        std::memcpy(rest.subspan(arrays.length, size).data(), bytes, size);
        arrays.length += size;
    };
    Shape shape;
    std::size_t i = 0, copied = 0, numbers = 0;
    while (i < text.size() && arrays.found < room) {
        if (text[i++] != '"') {
            continue;
        }
        const std::size_t start = i;
        while (i < text.size() && text[i] != '"') {
            i += text[i] == '\\' ? 2 : 1;
        }
        if (i >= text.size()) {
            break;
        }
        const std::string_view key(reinterpret_cast<const char*>(&text[start]), i++ - start);
        if (key != "keypoint" && key != "keypoint_score") {
            continue;
        }
        Cursor value{text.data() + i, text.data() + text.size()};
        value.skip_space();
        const bool colon = *value == ':';
        if (colon) {
            value.next();
        }
        i = static_cast<std::size_t>(value.at - text.data());
        if (!colon || *value != '[') {
            continue;
        }
        const Lists lists = read_lists(value, values, numbers, most, shape);
        const std::size_t first = std::exchange(i, static_cast<std::size_t>(lists.end - text.data()));
        arrays.nulls += lists.nulls;
        if (!lists.regular || i - first < mark.size() + counter_length + 1) {
            continue;
        }
        std::snprintf(counter.data(), counter.size(), "%08zu\"", arrays.found);
        write(&text[copied], first - copied);
        write("\"", 1);
        write(mark.data(), mark.size());
        write(counter.data(), counter_length);
        std::copy(shape.begin(), shape.end(), shapes.subspan(arrays.found++ * shape.size(), shape.size()).begin());
        copied = i;
        numbers = lists.count;
    }
    write(&text[copied], text.size() - copied);
    return arrays;
}

}  // namespace heatsvc
