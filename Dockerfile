# Two images: `operator` (small: Python and its own packages) and `runner` (Python, git, ssh, node, eas-cli).
# Built from public bases by default; `python -m hack.images build` hands in a base made on the spot where no image
# registry can be reached. What changes least comes first, so that a change of source costs one thin layer.
# Built twice from the same tree and packages they are the same to the byte (`make images-reproducible`): no times, no random
# hashes (PYTHONHASHSEED) and no machine's caches get in.
ARG PYTHON_BASE=python:3.12-slim-bookworm
ARG NODE_BASE=node:22-bookworm-slim

# --- base: the user. git and ssh refuse to work for a number without a name, hence the line in passwd.
FROM ${PYTHON_BASE} AS base
RUN echo 'publishbuild:x:65532:65532:publishbuild:/workspace/home:/usr/sbin/nologin' >> /etc/passwd \
 && echo 'publishbuild:x:65532:' >> /etc/group

# --- requirements: dependencies only, with a fixed time, so that a linter setting in pyproject.toml reinstalls nothing.
FROM base AS requirements
COPY pyproject.toml hack/images/list_dependencies.py /src/
RUN python3 /src/list_dependencies.py /src/pyproject.toml > /src/runner.txt \
 && python3 /src/list_dependencies.py /src/pyproject.toml operator > /src/operator.txt \
 && touch -d @0 /src/runner.txt /src/operator.txt

# --- tools: a venv with pip, and the build backend, so that a later build of the source needs no network.
FROM base AS tools
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1 PIP_ROOT_USER_ACTION=ignore PYTHONHASHSEED=0
COPY constraints.txt /src/
ARG HATCHLING_VERSION=1.33.0
RUN python3 -m venv /opt/venv \
 && /opt/venv/bin/pip install --quiet --constraint /src/constraints.txt "hatchling==${HATCHLING_VERSION}"

# --- package: this repository alone, laid out as it will lie in /opt/venv. The README is no part of the program.
# Byte code is compiled here and never checked against its source: the root file system is read-only. Forced, since pip has
# compiled some that is checked by its source's time.
FROM tools AS package
WORKDIR /src
COPY pyproject.toml LICENSE ./
COPY operator/publishbuild operator/publishbuild
RUN touch README.md \
 && /opt/venv/bin/pip install --quiet --no-deps --no-build-isolation --no-warn-script-location \
      --root /out . \
 && /opt/venv/bin/python -m compileall -q -f --invalidation-mode unchecked-hash -s /out /out/opt/venv/lib

# --- operator-venv, runner-venv: third-party packages; pip itself stays behind.
FROM base AS operator-venv
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1 PIP_ROOT_USER_ACTION=ignore PYTHONHASHSEED=0
COPY constraints.txt /src/
COPY --from=requirements /src/operator.txt /src/requirements.txt
RUN python3 -m venv /opt/venv \
 && /opt/venv/bin/pip install --quiet --constraint /src/constraints.txt --requirement /src/requirements.txt \
 && /opt/venv/bin/pip uninstall --quiet --yes pip setuptools \
 && find /opt/venv -name __pycache__ -prune -exec rm -rf {} + \
 && /opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib

FROM base AS runner-venv
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1 PIP_ROOT_USER_ACTION=ignore PYTHONHASHSEED=0
COPY constraints.txt /src/
COPY --from=requirements /src/runner.txt /src/requirements.txt
RUN python3 -m venv /opt/venv \
 && /opt/venv/bin/pip install --quiet --constraint /src/constraints.txt --requirement /src/requirements.txt \
 && /opt/venv/bin/pip uninstall --quiet --yes pip setuptools \
 && find /opt/venv -name __pycache__ -prune -exec rm -rf {} + \
 && /opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib

# --- operator. Settings stand before the files: a step that comes after a changed file is done anew each time.
FROM base AS operator
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="publishbuild-operator" \
      org.opencontainers.image.description="Kubernetes operator that queues and runs PublishBuild resources" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
ENTRYPOINT ["publishbuild"]
CMD ["operator"]
COPY --from=operator-venv /opt/venv /opt/venv
COPY --from=package /out/opt/venv /opt/venv
USER 65532:65532

# --- node: only a place to copy from.
FROM ${NODE_BASE} AS node

# --- runner: git with LFS and ssh, node and npm (an app's own dependencies; corepack brings yarn and pnpm), eas-cli.
FROM base AS runner
RUN if ! { command -v git && command -v git-lfs && command -v ssh && test -e /etc/ssl/certs/ca-certificates.crt; } > /dev/null; then \
      apt-get -qq update \
   && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends \
        git git-lfs openssh-client ca-certificates > /dev/null \
   && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/cache/ldconfig/* /var/log/* \
        /usr/share/doc /usr/share/man /usr/share/locale; \
    fi
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules/npm /usr/local/lib/node_modules/npm
# Type declarations, source maps and readmes are two fifths of eas-cli, and nothing at run time reads them.
ARG EAS_CLI_VERSION=24.8.0
ARG COREPACK_VERSION=0.36.0
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
 && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx \
 && npm install --global --prefix /usr/local --ignore-scripts --no-audit --no-fund --no-update-notifier \
      --cache /tmp/npm --loglevel error "eas-cli@${EAS_CLI_VERSION}" "corepack@${COREPACK_VERSION}" \
 && find /usr/local/lib/node_modules/eas-cli -type f ! -path '*/typescript/lib/*' \
      \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \
      -o -iname 'readme.md' -o -iname 'changelog.md' -o -iname 'history.md' \) -delete \
 && rm -rf /tmp/npm \
 && mkdir -p /workspace/home && chown -R 65532:65532 /workspace
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="publishbuild-runner" \
      org.opencontainers.image.description="Runs inside a PublishBuild's Job: clone, eas build, eas submit" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOME=/workspace/home NPM_CONFIG_UPDATE_NOTIFIER=false
WORKDIR /workspace
ENTRYPOINT ["python", "-m", "publishbuild.runner"]
COPY --from=runner-venv /opt/venv /opt/venv
COPY --from=package /out/opt/venv /opt/venv
USER 65532:65532
