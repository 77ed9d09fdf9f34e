{{/* CEL: whether a Job, `object` or `oldObject`, has an owner or a label that only Jobs of builds have. */}}
{{- define "publishbuild.ofABuild" -}}
({{ . }}.metadata.?ownerReferences.orValue([]).exists(owner, owner.apiVersion.startsWith("publishbuild.dev/"))
{{- range $labels := list (printf "%s.metadata.?labels" .) (printf "%s.spec.template.?metadata.?labels" .) }} ||
{{ $labels }}.orValue({}).exists(key, key.startsWith("publishbuild.dev/") ||
key == "app.kubernetes.io/managed-by" && {{ $labels }}.orValue({})[key] == "publishbuild-operator")
{{- end }})
{{- end -}}

{{/* CEL: whether a map at that path has the operator's keys and values as before. */}}
{{- define "publishbuild.sameNotes" -}}
{{- $new := printf "object.%s.orValue({})" . -}}
{{- $old := printf "oldObject.%s.orValue({})" . -}}
{{- range list (list $new $old) (list $old $new) -}}
{{ first . }}.all(key, !(key.startsWith("publishbuild.dev/") || key == "app.kubernetes.io/managed-by") ||
key in {{ last . }} && {{ last . }}[key] == {{ first . }}[key])
{{- if eq (first .) $new }} && {{ end }}
{{- end }}
{{- end -}}

{{- define "publishbuild.podVariables" -}}
- name: launched
  expression: variables.byOperator && request.operation == "CREATE"
- name: labels
  expression: object.metadata.?labels.orValue({})
- name: podLabels
  expression: object.spec.template.?metadata.?labels.orValue({})
- name: pod
  expression: object.spec.template.spec
- name: containers
  expression: variables.pod.containers + variables.pod.?initContainers.orValue([])
- name: account
  expression: >-
    variables.pod.?serviceAccountName.orValue("") != "" ? variables.pod.serviceAccountName :
    variables.pod.?serviceAccount.orValue("") != "" ? variables.pod.serviceAccount : "default"
{{- if .Values.runnerPolicy.strict.enabled }}
{{ include "publishbuild.strictPodVariables" . }}
{{- end }}
{{- end -}}

{{/* What a Job of the operator's account is at most, whoever holds that account. */}}
{{- define "publishbuild.podValidations" -}}
{{- $policy := .Values.runnerPolicy -}}
{{- $default := include "publishbuild.image" (dict "context" . "image" .Values.runner.image) -}}
- expression: >-
    !variables.launched || object.metadata.name.startsWith("pb-") &&
    [variables.labels, variables.podLabels].all(labels,
    labels[?"app.kubernetes.io/managed-by"].orValue("") == "publishbuild-operator" &&
    labels[?"publishbuild.dev/build"].orValue("") != "" && labels[?"publishbuild.dev/uid"].orValue("") != "") &&
    object.metadata.?ownerReferences.orValue([]).exists_one(owner, owner.apiVersion.startsWith("publishbuild.dev/") &&
    owner.kind == "PublishBuild" && owner.uid == variables.labels["publishbuild.dev/uid"])
  message: the operator makes Jobs of builds alone, with name, labels and owner of one
  reason: Forbidden
- expression: >-
    !variables.launched || !variables.pod.?automountServiceAccountToken.orValue(true) &&
    !variables.pod.?hostNetwork.orValue(false) && !variables.pod.?hostPID.orValue(false) &&
    !variables.pod.?hostIPC.orValue(false) && variables.pod.?volumes.orValue([]).all(volume, !has(volume.hostPath) &&
    volume.?projected.?sources.orValue([]).all(source, !has(source.serviceAccountToken) ||
    source.serviceAccountToken.?audience.orValue("").startsWith("publishbuild.dev/"))) &&
    variables.containers.all(one, !one.?securityContext.?allowPrivilegeEscalation.orValue(true) &&
    !one.?securityContext.?privileged.orValue(false) &&
    size(one.?securityContext.?capabilities.?add.orValue([])) == 0)
  message: >-
    the operator makes no pods with host namespaces, host paths, privileges or a token that the API server would take
  reason: Forbidden
{{- if not (has "*" $policy.serviceAccountNames) }}
{{- $accounts := concat (list "default") $policy.serviceAccountNames }}
- expression: "!variables.launched || variables.account in {{ toJson $accounts | replace "\"" "'" }}"
  messageExpression: >-
    "spec.runner.serviceAccountName: " + variables.account + " is not among {{ join ", " $accounts | trunc 1000 }}: whoever runs the
    operator allows more by the chart's runnerPolicy.serviceAccountNames"
  reason: Forbidden
{{- end }}
{{- if or $policy.images $policy.strict.enabled }}
- expression: >-
    !variables.launched || variables.containers.all(one, one.image == {{ toJson $default }} ||
    {{ include "publishbuild.imageListed" (dict "image" "one.image" "images" $policy.images) }})
  messageExpression: >-
    "spec.runner.image: one of " + {{ include "publishbuild.some" "variables.containers.map(one, one.image)" }} + " is not among
    {{ join ", " (prepend $policy.images $default) | trunc 1000 }}: whoever runs the operator allows more by the chart's runnerPolicy.images"
  reason: Forbidden
{{- end }}
{{- if $policy.strict.enabled }}
{{- include "publishbuild.strictPodValidations" . | nindent 0 }}
{{- end }}
{{- end -}}
