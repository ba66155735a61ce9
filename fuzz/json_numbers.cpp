// libFuzzer: parse_number_arrays on any bytes, held against a plain recursive reader and strtod.
//
// `make fuzz` builds and runs it. It aborts where an array is not what the reader makes of the text; the
// outputs are as large as they must be and no larger, so that the address sanitizer sees each byte beyond them.
#include "json_numbers.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

void check(bool condition, const char* what) {
    if (!condition) {
        std::fprintf(stderr, "%s\n", what);
        std::abort();
    }
}

std::string_view digits(std::string_view text) { return text.substr(0, text.find_first_not_of("0123456789")); }

// The length of the number of RFC 8259, section 6, that the text begins with; 0 where there is none.
std::size_t number_length(std::string_view text) {
    std::size_t end = text.starts_with('-');
    const std::string_view whole = digits(text.substr(end));
    if (whole.empty() || (whole.size() > 1 && whole[0] == '0')) {
        return 0;
    }
    end += whole.size();
    if (text.substr(end).starts_with('.')) {
        const std::size_t decimals = digits(text.substr(end + 1)).size();
        if (decimals == 0) {
            return 0;
        }
        end += 1 + decimals;
    }
    if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
        const std::size_t sign = end + 1 < text.size() && (text[end + 1] == '-' || text[end + 1] == '+');
        const std::size_t exponent = digits(text.substr(end + 1 + sign)).size();
        if (exponent == 0) {
            return 0;
        }
        end += 1 + sign + exponent;
    }
    return end;
}

// Regular lists of numbers, read one by one.
struct Reader {
    std::string_view text;
    std::vector<float> numbers = {};
    std::vector<std::size_t> shape = {};

    void skip_space() { text.remove_prefix(std::min(text.find_first_not_of(" \t\n\r"), text.size())); }

    bool take(std::string_view token) {
        const bool there = text.starts_with(token);
        text.remove_prefix(there ? token.size() : 0);
        skip_space();
        return there;
    }

    void read_number() {
        if (text.starts_with("null")) {
            numbers.push_back(NAN);
            text.remove_prefix(4);
            return;
        }
        const std::string number(text.substr(0, number_length(text)));
        check(!number.empty(), "an array has an item that is no number");
        // Python reads a whole -0 as an integer.
        numbers.push_back(number == "-0" ? 0 : static_cast<float>(std::strtod(number.c_str(), nullptr)));
        text.remove_prefix(number.size());
    }

    // A list at this level. White space behind the outermost is not part of it.
    void read_list(std::size_t level) {
        check(take("["), "an array has no list");
        std::size_t length = 0;
        do {
            if (text.starts_with('[')) {
                read_list(level + 1);
            } else {
                check(shape.size() <= level + 1, "numbers beside lists");
                shape.resize(std::max(shape.size(), level + 1));
                read_number();
            }
            skip_space();
            ++length;
        } while (take(","));
        check(text.starts_with(']'), "a list does not end");
        text.remove_prefix(1);
        shape.resize(std::max(shape.size(), level + 1));
        check(shape[level] == 0 || shape[level] == length, "an array is ragged");
        shape[level] = length;
    }
};

void compare(std::string_view text, const heatsvc::NumberArrays& parsed,
             const std::vector<heatsvc::NumberArray>& arrays, std::size_t least, const float* values) {
    std::size_t nulls = 0;
    std::int64_t last = 0;
    for (std::size_t number = 0; number < parsed.found; ++number) {
        const auto& [begin, end, first, second, third, fourth] = arrays[number];
        check(last <= begin && end - begin >= static_cast<std::int64_t>(least), "where an array is");
        last = end;
        Reader reader{text.substr(static_cast<std::size_t>(begin))};
        reader.read_list(0);
        check(reader.text.size() == text.size() - static_cast<std::size_t>(end), "where an array ends");
        std::vector<std::size_t> shape;
        for (const std::int64_t length : {first, second, third, fourth}) {
            if (length > 0) {
                shape.push_back(static_cast<std::size_t>(length));
            }
        }
        check(reader.shape == shape, "an array's shape");
        for (const float wanted : reader.numbers) {
            const float value = *values++;
            nulls += std::isnan(value);
            check(std::isnan(wanted) ? std::isnan(value) : std::memcmp(&value, &wanted, sizeof value) == 0, "a number");
        }
    }
    check(nulls <= parsed.nulls, "null that was not counted");
}

// A number near the middle between two float32, where it is most difficult to round. Six bytes choose the float32, how
// many units in a double's last place the number is off the middle, and its digits.
std::string near_middle(std::string_view bytes) {
    float value;
    std::memcpy(&value, bytes.data(), sizeof value);
    value = std::isfinite(value) ? value : 1;
    double middle = (static_cast<double>(value) + static_cast<double>(std::nextafter(value, 0.0F))) / 2;
    for (int off = bytes[4] & 15; off > 0; --off) {
        middle = std::nextafter(middle, (bytes[4] & 16) != 0 ? INFINITY : 0);
    }
    char text[64];
    std::snprintf(text, sizeof text, (bytes[5] & 32) != 0 ? "%.*e" : "%.*g", 14 + (bytes[5] & 15), middle);
    return std::string(text) + ',';
}

}  // namespace

// The first two bytes choose what is written around the others, and how many numbers and arrays there is room for.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const std::uint8_t around = data[0], room = data[1];
    std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
    constexpr const char* before[] = {"", "{\"keypoint\":[", "{\"keypoint\":[[1.5,-2e1],[", "\"keypoint_score\":[0."};
    std::string text(before[around & 3]);
    for (; (around & 32) != 0 && input.size() >= 6; input.remove_prefix(6)) {
        text += near_middle(input);
    }
    text += input;
    text += (around & 4) != 0 ? "]]}" : (around & 8) != 0 ? "0]}" : (around & 16) != 0 ? "}" : "";
    const std::vector<std::uint8_t> bytes(text.begin(), text.end());
    std::vector<float> values(room >= 128 ? room & 15 : text.size() / 2 + 1);
    std::vector<heatsvc::NumberArray> arrays(room >= 128 ? room >> 4 & 3 : 8);
    const std::size_t most = (around & 64) != 0 ? 9 : 1000, least = (around & 128) != 0 ? 8 : 1;
    const auto parsed = heatsvc::parse_number_arrays(bytes, least, most, values, arrays);
    compare(text, parsed, arrays, least, values.data());
    return 0;
}
