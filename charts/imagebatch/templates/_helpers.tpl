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
