# syntax=docker/dockerfile:1
# Builds one binary that needs nothing of the system but the C library, and runs it as nobody in particular.

FROM rust:1.95-slim-bookworm AS build
# Compilers for SQLite, libpq and the TLS that libpq uses.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev make perl pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
RUN cargo build --locked --release --features bundled --target-dir /target

FROM debian:bookworm-slim
# The authorities that vouch for mail servers.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin rekey \
    && install -d -o rekey -g rekey -m 0700 /var/lib/rekey
COPY --from=build /target/release/rekey /usr/local/bin/rekey
COPY config/production.toml /etc/rekey/production.toml
# The file system may be read-only: database, key ring and checkpoints live on this volume, and nothing else is written.
VOLUME /var/lib/rekey
WORKDIR /var/lib/rekey
USER 10001
ENV REKEY__HTTP__LISTEN=0.0.0.0:8080 \
    REKEY__METRICS__LISTEN=0.0.0.0:9464
EXPOSE 8080 9464
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["rekey", "check", "--live", "--config", "/etc/rekey/production.toml"]
ENTRYPOINT ["rekey"]
CMD ["serve", "--config", "/etc/rekey/production.toml"]
