# Two images, by target:
#
#   troupe   the binary and the scenarios on a slim Debian
#   agents   that, and Claude Code, Codex, Node, Python and git
#
# Docker, podman and buildah build it alike: docker build --target troupe -t troupe .
# (podman and buildah leave out the health check without --format docker).
# It downloads through the Go module proxy, Debian's packages and npm alone.

# The images that it builds on. Others do as well: what is used of them is Go,
# Debian, and Node with npm below /usr/local.
ARG BUILD_IMAGE=docker.io/library/golang:1.26-bookworm
ARG BASE_IMAGE=docker.io/library/debian:bookworm-slim
ARG NODE_IMAGE=docker.io/library/node:22-bookworm-slim

# The one place where the agents' programs are pinned, by version: a build can
# take others, and tests that want the same ones read these lines.
ARG CLAUDE_CODE_VERSION=2.1.331
ARG CODEX_VERSION=0.169.0


FROM ${BUILD_IMAGE} AS build
WORKDIR /src
# For networks with a module proxy of their own.
ARG GOPROXY
ARG GOSUMDB
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# What troupe --version says. There is no .git here to read it from.
ARG VERSION
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false \
	-ldflags "-s -w -X github.com/troupe-dev/troupe/runtime.stamp=${VERSION}" \
	-o /out/bin/troupe ./cmd/troupe
# Any user may read them, whatever the checkout's modes were.
RUN mkdir -p /out/share/troupe \
	&& cp -r scenarios /out/share/troupe/ \
	&& find /out -name '*.go' -delete \
	&& chmod -R u=rwX,go=rX /out


# How both images are run.
FROM ${BASE_IMAGE} AS base
RUN apt-get update \
	&& apt-get install -y --no-install-recommends ca-certificates \
	&& rm -rf /var/lib/apt/lists/*
# A new volume takes over its owner and mode. Writing is for uid 1000 and group
# 0: that is root, root without capabilities, --user 1000, and every other uid
# that is given without a group. An agent with a uid of its own is none of them.
RUN mkdir /data && chown 1000:0 /data && chmod 0775 /data
ENV TROUPE_DATA=/data
VOLUME /data
# Where `run scenarios/axelrod.yaml` means what it means in a checkout.
WORKDIR /usr/local/share/troupe
# Asks the supervisor through its socket. One that is just starting or stopping
# is waited for, 10 s at most.
HEALTHCHECK --interval=30s --timeout=15s --start-period=15s --retries=3 CMD ["troupe", "ps"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["troupe"]
# A supervisor for many runs. The API's tokens are in /data/tokens.
EXPOSE 8080
CMD ["serve", "--listen", ":8080", "--scenarios", "scenarios"]


FROM ${NODE_IMAGE} AS node


# What agents need: a stage of its own, so that a change of troupe does not
# install it anew.
FROM base AS programs
RUN apt-get update \
	&& apt-get install -y --no-install-recommends git python3 \
	&& rm -rf /var/lib/apt/lists/*
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules/npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
	&& ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx
ARG CLAUDE_CODE_VERSION
ARG CODEX_VERSION
# For networks with a registry or certificates of their own.
ARG NPM_CONFIG_REGISTRY
ARG NPM_CONFIG_CAFILE
# Both packages bring their programs as optional dependencies, whose absence npm
# does not mind: so they are tried.
RUN export HOME=/tmp/home \
	&& mkdir "$HOME" \
	&& npm install --global --no-audit --no-fund --no-update-notifier \
		"@anthropic-ai/claude-code@${CLAUDE_CODE_VERSION}" "@openai/codex@${CODEX_VERSION}" \
	&& claude --version \
	&& codex --version \
	&& rm -rf /tmp/*


FROM programs AS agents
COPY --from=build /out/ /usr/local/


# The last one is what a build without --target makes.
FROM base AS troupe
COPY --from=build /out/ /usr/local/
