// Reads a document into a spec, field by field as the table says. What concerns several fields or the host is
// checked afterwards (checks.hpp).
#pragma once

#include "config/document.hpp"
#include "config/fields.hpp"
#include "config/issue.hpp"

namespace herd::config {

/// Sets what the document has and refuses the rest; fields that were refused or are absent keep their
/// defaults.
template <typename Spec>
void read_fields(const Table<Spec>& table, const Node& document, Issues& issues, Spec& spec);

extern template void read_fields(const Table<PoolSpec>&, const Node&, Issues&, PoolSpec&);
extern template void read_fields(const Table<DaemonSpec>&, const Node&, Issues&, DaemonSpec&);

}  // namespace herd::config
