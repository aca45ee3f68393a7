# The page, the binary, and a small image with a shell and Python for tasks.
FROM node:22-bookworm-slim AS page
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web ./
RUN npm run build

FROM rust:1.95-bookworm AS binary
WORKDIR /src
COPY . .
COPY --from=page /src/web/dist web/dist
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked -p updraft && cp target/release/updraft /usr/local/bin/updraft

FROM debian:bookworm-slim
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates curl python3 tini tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home updraft && install -d -o updraft /var/lib/updraft /dags
COPY --from=binary /usr/local/bin/updraft /usr/local/bin/updraft
USER updraft
ENV UPDRAFT_HOME=/var/lib/updraft UPDRAFT_DAGS=/dags UPDRAFT_HOST=0.0.0.0
VOLUME /var/lib/updraft
EXPOSE 8080
# Not a volume check: the API answers as soon as the daemon is up.
HEALTHCHECK --interval=10s --start-period=20s CMD curl -fsS http://127.0.0.1:8080/api/v2/monitor/health || exit 1
# tini takes in processes whose parents have died; supervisors end with the container.
ENTRYPOINT ["tini", "--", "updraft"]
CMD ["standalone"]
