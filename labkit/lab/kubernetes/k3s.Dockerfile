# The same with k3s, where its image could be had: its programs, and nothing else of it.
ARG BASE
FROM rancher/k3s:v1.32.3-k3s1 AS k3s
FROM ${BASE}
COPY --from=k3s /bin /opt/k3s/bin
ENV PATH=$PATH:/opt/k3s/bin:/opt/k3s/bin/aux KUBECONFIG=/etc/rancher/k3s/k3s.yaml
