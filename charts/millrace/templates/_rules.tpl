{{/* What the operator may do where it runs jobs: exactly what its code calls (operator/kube, operator/reconcile). */}}

{{- define "millrace.jobRules" -}}
- apiGroups: [millrace.dev]
  resources: [streamjobs]
  verbs: [get, list, watch, patch]
- apiGroups: [millrace.dev]
  resources: [streamsavepoints]
  verbs: [get, list, watch, create, patch]
- apiGroups: [millrace.dev]
  resources: [streamjobs/status, streamsavepoints/status]
  verbs: [get, patch]
# Where owners' deletion is guarded, who names an owner has to have this right on it.
- apiGroups: [millrace.dev]
  resources: [streamjobs/finalizers, streamsavepoints/finalizers]
  verbs: [update]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
# Credentials of each job. The operator reads only what carries its own label; RBAC cannot say so.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch, create, patch, delete]
# Code of jobs: read by name.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
# Those of a job are read for the console.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [list, create, patch]
{{- end }}
