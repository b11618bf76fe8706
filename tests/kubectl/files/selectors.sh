#!/bin/sh
# An editor that writes what CN2's document says into the Kubemanager's spec.
cat >selectors.txt <<'SPEC'
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
awk '/^spec:/ { while ((getline line < "selectors.txt") > 0) print line; inside = 1; next } /^[^ ]/ { inside = 0 } !inside' "$1" >edited.txt
cp edited.txt "$1"
