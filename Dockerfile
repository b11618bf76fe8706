# Two images: `docker build --target api .` and `docker build --target vrouter .`; compose.yaml adds gobgpd.
# The programs are published for one processor, with machine code, as ./cn2 bench does. A release pins what it is built from:
# `--build-arg SDK=mcr.microsoft.com/dotnet/sdk:10.0@sha256:...` (docs/operating.md, "Container images").
ARG SDK=mcr.microsoft.com/dotnet/sdk:10.0
ARG RUNTIME=mcr.microsoft.com/dotnet/aspnet:10.0
ARG DEBIAN=debian:bookworm-slim

FROM ${SDK} AS build
# Of the image: amd64 or arm64.
ARG TARGETARCH
WORKDIR /source
ENV CI=true DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
# What decides the packages first: it changes seldom, so the restored layer is used again.
COPY global.json .editorconfig Directory.Build.props Directory.Packages.props ./
COPY src/CN2.Network/CN2.Network.csproj src/CN2.Network/packages.lock.json src/CN2.Network/
COPY src/CN2.Api/CN2.Api.csproj src/CN2.Api/packages.lock.json src/CN2.Api/
COPY src/CN2.VRouter/CN2.VRouter.csproj src/CN2.VRouter/packages.lock.json src/CN2.VRouter/
RUN dotnet restore src/CN2.Api -a $TARGETARCH && dotnet restore src/CN2.VRouter -a $TARGETARCH
COPY src src
COPY migrations migrations
RUN dotnet publish src/CN2.Api -c Release --no-restore -a $TARGETARCH --no-self-contained -o /programs/CN2.Api && \
    dotnet publish src/CN2.VRouter -c Release --no-restore -a $TARGETARCH --no-self-contained -o /programs/CN2.VRouter

# The server. It needs no privilege; BGP's port 179 belongs to gobgpd.
FROM ${RUNTIME} AS api
WORKDIR /app
COPY --from=build /programs/CN2.Api .
EXPOSE 8080 8081
USER $APP_UID
ENTRYPOINT ["./CN2.Api"]

# The agent. Run it with --network host --cap-add NET_ADMIN and a volume for --state-dir; where the kernel is to carry the overlay, also
# with --cap-add SYS_ADMIN --volume /run/netns:/run/netns:shared.
FROM ${RUNTIME} AS vrouter
RUN apt-get update && apt-get install -y --no-install-recommends iproute2 nftables && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=build /programs/CN2.VRouter .
VOLUME /var/lib/cn2-vrouter
ENTRYPOINT ["./cn2-vrouter"]

# The BGP engine from Debian, without a configuration: the server tells it everything.
FROM ${DEBIAN} AS gobgpd
RUN apt-get update && apt-get install -y --no-install-recommends gobgpd && rm -rf /var/lib/apt/lists/*
EXPOSE 179
# nobody: a container's processes may listen on ports below 1024 without being root (Docker since 20.10).
USER 65534:65534
ENTRYPOINT ["gobgpd", "--pprof-disable"]
