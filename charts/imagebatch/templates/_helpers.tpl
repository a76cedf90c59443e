{{/* The release's name, with the chart's where it does not say so already; cut, because a label takes 63 characters. */}}
{{- define "imagebatch.name" -}}
{{- $name := contains .Chart.Name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) -}}
{{- $name | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{/* Never changes in the life of a release: a Deployment's selector is immutable. */}}
{{- define "imagebatch.selector" -}}
app.kubernetes.io/name: imagebatch
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "imagebatch.labels" -}}
{{ include "imagebatch.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 }}
{{- end }}

{{- define "imagebatch.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "imagebatch.name" .) "default") -}}
{{- end }}

{{- define "imagebatch.image" -}}
{{- with .Values.image -}}
{{- with .registry }}{{ . }}/{{ end }}{{ .repository }}
{{- if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end }}

{{- /* The registrySecrets of the release's own namespace, which need no right to read them. One that is missing, or comes
later, does not keep the controller from starting. */ -}}
{{- define "imagebatch.registryVolumes" -}}
{{- range $i, $secret := .Values.registrySecrets }}
{{- if eq .namespace $.Release.Namespace }}
- name: registry-{{ $i }}
  secret:
    secretName: {{ .name }}
    optional: true
    items: [{key: .dockerconfigjson, path: config.json}]
{{- end }}
{{- end }}
{{- end }}

{{- define "imagebatch.registryMounts" -}}
{{- range $i, $secret := .Values.registrySecrets }}
{{- if eq .namespace $.Release.Namespace }}
- {name: registry-{{ $i }}, mountPath: /etc/imagebatch/registries/{{ $i }}, readOnly: true}
{{- end }}
{{- end }}
{{- end }}
