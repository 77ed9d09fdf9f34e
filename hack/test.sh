#!/usr/bin/env bash
# All tests: what needs no cluster, then the pretended nodes, then the real one. Called by make, after setup.
# Clusters that were up before stay up; those that this started are stopped, however it ends (KEEP=1 leaves them).
set -euo pipefail
cd "$(dirname "$0")/.."
py=.venv/bin/python
kwok=(--node kwok --state .cluster/kwok)
real=(--node real --state .cluster)

step() { printf '\n== %s\n' "$1"; }

# Runs a command on a cluster. In the background: bash hands no signal on to a command that it waits for in the foreground.
lend() {
  local code=0
  $py -m hack.cluster lend ${KEEP:+--keep} "$@" &
  lending=$!
  wait "$lending" || code=$?
  lending=
  return $code
}

images=
lending=
end() {
  trap '' INT TERM HUP
  for pid in $images $lending; do
    kill "$pid" 2> /dev/null || true
    wait "$pid" || true
  done
}
trap end EXIT

real_node=yes
[ "$(id -u)" = 0 ] && [ "$(uname -s)" = Linux ] || real_node=no
# Before anything that takes minutes: what would keep the clusters from coming up, such as those of another clone.
$py -m hack.cluster check "${kwok[@]}"
if [ $real_node = yes ]; then
  $py -m hack.cluster check "${real[@]}"
  $py -m hack.cluster packages --node real  # before the images are built beside: two apt-gets do not go together
  # Cold, images take minutes, most of them spent waiting for the network: they are made beside the rest.
  $py -m hack.images build --only operator --only standins --only redis > /dev/null &
  images=$!
fi

hack/check.sh
lend "${kwok[@]}" -- hack/test_on_kwok.sh

if [ $real_node = no ]; then
  step "end-to-end tests are left out: a real node needs root on Linux (sudo make test)"
  exit 0
fi
step "end-to-end tests: real node, real images, real eas-cli"
wait "$images" || { echo "test: the images could not be built"; exit 1; }
images=
lend "${real[@]}" -- hack/test_on_node.sh -m "not long"
