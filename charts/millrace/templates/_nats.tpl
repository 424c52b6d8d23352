{{/* How NATS is reached: that of the chart or another. */}}

{{- define "millrace.natsName" -}}
{{ include "millrace.fullname" . }}-nats
{{- end }}

{{/* The Secret that the operator makes at its first start: auth.conf and route-password of the servers, and its own keys. */}}
{{- define "millrace.natsKeys" -}}
{{ include "millrace.fullname" . }}-nats-keys
{{- end }}

{{- define "millrace.natsDomain" -}}
{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}
{{- end }}

{{/* One server: by its Service. Several: each by its own name, so that a client finds another one without waiting for endpoints. */}}
{{- define "millrace.natsUrl" -}}
{{- if not .Values.nats.enabled }}{{ .Values.nats.url }}
{{- else if eq (int .Values.nats.replicas) 1 }}nats://{{ include "millrace.natsName" . }}.{{ include "millrace.natsDomain" . }}:4222
{{- else }}
{{- $urls := list }}
{{- $name := include "millrace.natsName" . }}
{{- $domain := include "millrace.natsDomain" . }}
{{- range until (int .Values.nats.replicas) }}
{{- $urls = append $urls (printf "nats://%s-%d.%s-headless.%s:4222" $name . $name $domain) }}
{{- end }}
{{- join "," $urls }}
{{- end }}
{{- end }}

{{- define "millrace.natsMonitorUrl" -}}
{{- if .Values.nats.enabled }}http://{{ include "millrace.natsName" . }}.{{ include "millrace.natsDomain" . }}:8222
{{- else }}{{ .Values.nats.monitorUrl }}
{{- end }}
{{- end }}
