module publishbuild.dev/hack/cluster/pki

go 1.26.0
