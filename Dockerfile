# The registry in a container: all it needs is installed while it is built, so that it runs without a network.
#   docker build -t hcc-registry .
#   docker run --network none -v "$PWD/workspace:/workspace" -v "$PWD/keys:/keys" hcc-registry ingest HOSPITAL=nanfang
FROM debian:bookworm-slim
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates make python3 python3-venv && rm -rf /var/lib/apt/lists/*
WORKDIR /registry
COPY . .
RUN make setup
ENV WORKSPACE=/workspace REGISTRY_KEY_FILE=/keys/pseudonym.key
VOLUME ["/workspace", "/keys"]
ENTRYPOINT ["make", "--no-print-directory"]
CMD ["help"]
