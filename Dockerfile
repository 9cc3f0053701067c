# The registry in a container: all it needs is installed while it is built, so that it runs without a network.
#   docker build -t hcc-registry .
#   mkdir -p keys example workspace
#   docker run --rm --network none --user "$(id -u):$(id -g)" -v "$PWD/keys:/keys" \
#     -v "$PWD/example:/registry/example" hcc-registry study
#   docker run --rm --network none --user "$(id -u):$(id -g)" -v "$PWD/keys:/keys" \
#     -v "$PWD/workspace:/workspace" hcc-registry ingest HOSPITAL=nanfang
# Other targets of make are run like `ingest`. The mounted folders must be there and belong to the user that is named (without
# --user: to user 1000). The image has no /keys and no /workspace of its own: a pseudonym key that is thrown away with its
# container would be lost, so without them the registry refuses.
FROM debian:bookworm-slim
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates make python3 python3-venv && rm -rf /var/lib/apt/lists/*
RUN useradd --no-create-home --uid 1000 registry
WORKDIR /registry
COPY . .
# The code stays root's, readable for everybody whatever it was in the folder it comes from; nobody who runs it can change it.
RUN chmod -R a+rX . && PIP_NO_CACHE_DIR=1 make setup && install -d -o registry example
# HOME is for what a library keeps between two calls; /tmp can be written by any user.
ENV LANG=C.UTF-8 HOME=/tmp WORKSPACE=/workspace REGISTRY_KEY_FILE=/keys/pseudonym.key
USER registry
# What is installed stays as it is, whatever the times of the files say.
ENTRYPOINT ["make", "--no-print-directory", "--old-file=.venv/.runtime"]
CMD ["help"]
