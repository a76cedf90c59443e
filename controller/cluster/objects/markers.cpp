#include "cluster/objects/markers.h"

#include "cluster/objects/names.h"

namespace imagebatch::cluster {

std::string Markers::Next(const std::string& job) {
  return Sha256(secret_ + "/" + job + "/" + std::to_string(++count_)).substr(0, 32);
}

}  // namespace imagebatch::cluster
