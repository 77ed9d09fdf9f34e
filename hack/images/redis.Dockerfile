# A Redis for the chart's embedded one where no image registry can be reached: Debian's own, for any numeric user.
ARG PYTHON_BASE=python:3.12-slim-bookworm
FROM ${PYTHON_BASE}
RUN apt-get -qq update \
 && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends redis-server redis-tools > /dev/null \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/cache/ldconfig/* /var/log/* /etc/redis \
      /usr/share/doc /usr/share/man /usr/share/locale
LABEL org.opencontainers.image.title="publishbuild-redis" \
      org.opencontainers.image.description="Test image: Debian's redis-server"
USER 65532:65532
ENTRYPOINT ["redis-server"]
