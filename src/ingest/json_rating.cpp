// SPDX-License-Identifier: Apache-2.0
#include "ingest/json_rating.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace siren::inline ingest {
namespace {

using Json = nlohmann::json;

/// Receives parse events; keeps members of the outermost object only. Returning false stops the
/// parse.
class MemberPicker : public nlohmann::json_sax<Json> {
 public:
  MemberPicker(const KeyLayout& keys, JsonFields& fields) : keys_(keys), fields_(fields) {}

  bool null() override { return !is_wanted(); }
  bool boolean(bool) override { return !is_wanted(); }
  bool number_integer(number_integer_t value) override { return keep(fmt::format("{}", value)); }
  bool number_unsigned(number_unsigned_t value) override { return keep(fmt::format("{}", value)); }
  bool number_float(number_float_t, const string_t& text) override { return keep(text); }
  bool string(string_t& text) override { return keep(text); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return enter(); }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override { return depth_ > 0 && enter(); }
  bool end_array() override { return leave(); }
  bool key(string_t& name) override {
    if (depth_ != 1) return true;
    const auto at = std::find(keys_.begin(), keys_.end(), name);
    role_ = name.empty() ? keys_.size() : static_cast<std::size_t>(at - keys_.begin());
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  bool is_wanted() const { return depth_ == 1 && role_ < keys_.size(); }
  bool enter() {
    if (is_wanted()) return false;
    ++depth_;
    return true;
  }
  bool leave() {
    --depth_;
    return true;
  }
  bool keep(const std::string& text) {
    if (depth_ == 0) return false;
    if (!is_wanted()) return true;
    fields_.text[role_] = text;
    fields_.found[role_] = true;
    return true;
  }

  const KeyLayout& keys_;
  JsonFields& fields_;
  int depth_ = 0;
  std::size_t role_ = kColumnRoles;  // of the member being read; kColumnRoles: not wanted
};

}  // namespace

bool read_json_fields(std::string_view line, const KeyLayout& keys, JsonFields& fields) {
  fields.found.fill(false);
  MemberPicker picker(keys, fields);
  return Json::sax_parse(line.begin(), line.end(), &picker);
}

std::vector<std::string> json_keys(std::string_view line) {
  const auto object = nlohmann::ordered_json::parse(line.begin(), line.end(), nullptr, false);
  std::vector<std::string> keys;
  if (!object.is_object()) return keys;
  for (const auto& member : object.items()) keys.push_back(member.key());
  return keys;
}

}  // namespace siren::inline ingest
