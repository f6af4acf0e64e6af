// A pool whose plans are looked at.
#pragma once

#include "config/pool_spec.hpp"

namespace herd::test {

inline config::PoolSpec web_pool() {
  config::PoolSpec spec;
  spec.name = "web";
  spec.command = {"/usr/bin/worker", "--id=${WORKER_ID}"};
  return spec;
}

}  // namespace herd::test
