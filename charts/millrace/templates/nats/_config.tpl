{{/* The configuration of the chart's NATS. What is secret comes from the Secret that the operator makes. */}}
{{- define "millrace.natsConfig" -}}
{{- /* $VARIABLES are of the environment of the pod, as texts in quotes. */ -}}
server_name: $SERVER_NAME
listen: "0.0.0.0:4222"
http: "0.0.0.0:8222"

# Large records make commits cheap, and the server must not refuse a client whose acknowledgements wait for the disk.
max_payload: {{ mul .Values.nats.maxPayloadMiB 1048576 }}
max_pending: {{ mul .Values.nats.maxPendingMiB 1048576 }}

# A client's first line holds its credentials, and those of a job name each of its streams: 60 kB for a hundred stages.
max_control_line: 1048576

# Clients are told to go elsewhere before a server ends.
lame_duck_grace_period: "3s"
lame_duck_duration: "30s"

jetstream {
  store_dir: "/data"
  # An acknowledged write survives a power cut.
  sync_interval: always
  # Nine tenths of the volume: a full disk would stop the server, a full store only refuses.
  max_file_store: {{ include "millrace.mostOf" .Values.nats.storage.size }}
  max_memory_store: {{ mul .Values.nats.memoryStoreMiB 1048576 }}
}
{{- if gt (int .Values.nats.replicas) 1 }}

cluster {
  name: {{ include "millrace.natsName" . }}
  listen: "0.0.0.0:6222"
  # Addresses of pods change; names do not.
  no_advertise: true
  routes: [
    {{- range until (int .Values.nats.replicas) }}
    $ROUTE_{{ . }}
    {{- end }}
  ]
  authorization { user: routes, password: $ROUTE_PASSWORD_TEXT, timeout: 5 }
}
{{- end }}

# Accounts, one for each namespace with jobs: the operator makes them known, and they stay with the data.
resolver {
  type: full
  dir: "/data/accounts"
  allow_delete: false
  interval: "2m"
}

# operator, system_account and resolver_preload.
include ./auth/auth.conf
{{- end }}
