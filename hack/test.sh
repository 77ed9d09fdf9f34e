#!/usr/bin/env bash
# All tests: what needs no cluster, then the pretended nodes, then the real one. Called by make, after setup.
# Clusters that were up before stay up; those that this started are stopped, however it ends (KEEP=1 leaves them).
set -euo pipefail
umask go-w  # nobody else writes to what is made here
unset PYTHONSAFEPATH  # Python finds the drivers in this folder
set -m  # each background job is a group of its own, which is ended as a whole
CDPATH= cd -- "$(dirname -- "$0")/.."
py=.venv/bin/python
kwok=(--node kwok --state .cluster/kwok)
real=(--node real --state .cluster)

step() { printf '\n== %s\n' "$1"; }

# Runs a stage beside the images. In the background: bash hands no signal on to a command that it waits for in the
# foreground, and images that fail end the stage.
stage() {
  local ended code=0
  "$@" &
  running=$!
  while [ -n "$images" ]; do
    code=0
    wait -n -p ended "$running" "$images" || code=$?
    [ "$ended" = "$images" ] || { running=; return $code; }
    images=
    [ $code = 0 ] || images_failed
  done
  wait "$running" || code=$?
  running=
  return $code
}

images_failed() {
  end
  echo "test: the images could not be built (python -m hack.images build):"
  tail -n 20 "$images_log"
  exit 1
}

lend() { stage $py -m hack.cluster lend ${KEEP:+--keep} "$@"; }

images=
running=
mkdir -p .cluster
images_log=.cluster/images.log
end() {
  trap '' INT TERM HUP EXIT
  for pid in $images $running; do
    kill -- "-$pid" 2> /dev/null || true
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
  # Cold, images take minutes, most of them spent waiting for the network: they are made beside the rest.
  $py -m hack.images build --only operator --only standins --only redis > /dev/null 2> "$images_log" &
  images=$!
fi

stage hack/check.sh
lend "${kwok[@]}" -- hack/test_on_kwok.sh

if [ $real_node = no ]; then
  step "end-to-end tests are left out: a real node needs root on Linux (sudo make test)"
  exit 0
fi
step "end-to-end tests: real node, real images, real eas-cli"
[ -z "$images" ] || wait "$images" || images_failed
images=
lend "${real[@]}" -- hack/test_on_node.sh -m "not long"
