"""An Istio mesh without Kubernetes: what the sidecars of two workloads do, by a real Envoy on loopback."""
