#!/bin/sh
# An editor that writes what CN2's document says into the Kubemanager's spec.
cat >"$1.spec" <<'SPEC'
spec:
  externalNetworkSelectors:
    default-external:
      networkSelector:
        matchLabels:
          service.contrail.juniper.net/externalNetwork: default-external
      namespaceSelector:
        matchLabels:
          ns: ns1
SPEC
awk -v spec="$1.spec" '/^spec:/ { while ((getline line < spec) > 0) print line; inside = 1; next } /^[^ ]/ { inside = 0 } !inside' "$1" >"$1.new"
cp "$1.new" "$1"
rm "$1.spec" "$1.new"
