#!/usr/bin/env bash
# All tests: what needs no cluster, then the pretended nodes, then the real one. Called by make, after setup.
# Clusters that were up before stay up; those that this started are stopped, however it ends.
set -euo pipefail
cd "$(dirname "$0")/.."
py=.venv/bin/python
kwok=.cluster/kwok
real=.cluster
archives=.cluster/images.txt

step() { printf '\n== %s\n' "$1"; }
is_up() { $py -m hack.cluster status --state "$1" > /dev/null 2>&1; }

started=()
images=
stop_started() {
  [ -z "$images" ] || kill "$images" 2> /dev/null || true
  for state in "${started[@]}"; do
    $py -m hack.cluster down --state "$state" || echo "test: could not stop the cluster in $state"
  done
}
trap stop_started EXIT

real_node=yes
[ "$(id -u)" = 0 ] && [ "$(uname -s)" = Linux ] || real_node=no
if [ $real_node = yes ]; then
  $py -m hack.cluster packages --node real  # before the images are built beside: two apt-gets do not go together
  # Cold, images take minutes, most of them spent waiting for the network: they are made beside the rest.
  mkdir -p .cluster
  $py -m hack.images build --only operator --only standins --only redis > $archives &
  images=$!
fi

hack/check.sh

step "integration tests: real API server, Job controller and Redis, pretended nodes"
is_up "$kwok" || started+=("$kwok")
$py -m hack.cluster up --node kwok --state "$kwok"
.venv/bin/pytest tests/integration -q -n 4

step "GitOps: what kstatus and Argo CD make of each state; the examples at work"
.venv/bin/pytest tests/gitops -q -n 2

step "fault suite, three seeds: kills, lost answers, silent watches, Redis and API server away"
.venv/bin/pytest tests/faults -q -n 3

step "the runner with the real eas-cli against the stand-in EAS"
.venv/bin/pytest tests/runner_real -q

if [ $real_node = no ]; then
  step "end-to-end tests are left out: a real node needs root on Linux (sudo make test)"
  exit 0
fi
step "end-to-end tests: real node, real images, real eas-cli"
wait "$images" || { echo "test: the images could not be built"; exit 1; }
images=
is_up "$real" || started+=("$real")
$py -m hack.cluster up --state "$real"
# shellcheck disable=SC2046  # one archive a word
$py -m hack.cluster load --state "$real" $(cat $archives)
.venv/bin/pytest tests/e2e -q -m "not long"
