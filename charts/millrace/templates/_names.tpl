{{/* Names and labels that everything of the chart shares. */}}

{{- define "millrace.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* At most 40 characters: names of children are made of it. */}}
{{- define "millrace.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/* Takes (dict "root" $ "component" "operator"): what selects the pods of a component. Never changes. */}}
{{- define "millrace.selectorLabels" -}}
app.kubernetes.io/name: {{ include "millrace.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Takes the same: labels of pods. No version in it: a new chart alone restarts nobody. */}}
{{- define "millrace.podLabels" -}}
{{ include "millrace.selectorLabels" . }}
app.kubernetes.io/part-of: millrace
{{- end }}

{{/* Takes the same: labels of an object. */}}
{{- define "millrace.labels" -}}
{{ include "millrace.selectorLabels" . }}
app.kubernetes.io/part-of: millrace
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Takes (dict "root" $ "image" .Values.operator.image). */}}
{{- define "millrace.image" -}}
{{- $repository := .image.repository }}
{{- with .root.Values.imageRegistry }}{{ $repository = printf "%s/%s" (trimSuffix "/" .) $repository }}{{ end }}
{{- if .image.digest }}
{{- printf "%s@%s" $repository .image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (default .root.Chart.AppVersion .image.tag) }}
{{- end }}
{{- end }}

{{- define "millrace.pullSecrets" -}}
{{- with .Values.imagePullSecrets -}}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "millrace.operatorAccount" -}}
{{- default (printf "%s-operator" (include "millrace.fullname" .)) .Values.operator.serviceAccount.name }}
{{- end }}

{{/* The namespaces that are watched, as a JSON list; empty: all. */}}
{{- define "millrace.watched" -}}
{{- if eq .Values.scope "cluster" }}[]
{{- else }}{{ default (list .Release.Namespace) .Values.namespaces | uniq | toJson }}
{{- end }}
{{- end }}

{{/* Restricted Pod Security. User and group own nothing. */}}
{{- define "millrace.podSecurity" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "millrace.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{/* Takes (dict "root" $ "component" "nats" "constraints" …): constraints on the pods of the component, where they do not say on which. */}}
{{- define "millrace.spread" -}}
{{- $labels := include "millrace.selectorLabels" . | fromYaml }}
{{- range .constraints }}
- {{ toYaml (merge (dict) . (dict "labelSelector" (dict "matchLabels" $labels))) | nindent 2 | trim }}
{{- end }}
{{- end }}

{{/* Takes a quantity of bytes such as 10Gi: the number of bytes of nine tenths of it. */}}
{{- define "millrace.mostOf" -}}
{{- $units := dict "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 "" 1 }}
{{- $unit := regexFind "[A-Za-z]*$" . }}
{{- $number := trimSuffix $unit . | int64 }}
{{- div (mul $number (get $units $unit) 9) 10 }}
{{- end }}

{{/* Where operator and workers send traces; empty: nowhere. */}}
{{- define "millrace.otlpEndpoint" -}}
{{- if .Values.tracing.otlpEndpoint }}{{ .Values.tracing.otlpEndpoint }}
{{- else if .Values.jaeger.enabled }}{{ printf "http://%s-jaeger.%s.svc.%s:4318" (include "millrace.fullname" .) .Release.Namespace .Values.clusterDomain }}
{{- end }}
{{- end }}
