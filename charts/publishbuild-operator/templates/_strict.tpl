{{/*
Strict mode: what holds for everybody, also for those who may create Jobs. The build of `helm test` is let through, known by name,
namespace and command.
*/}}
{{- define "publishbuild.strictVariables" -}}
{{- $test := printf "%s-test" (include "publishbuild.fullname" .) -}}
- name: isTest
  {{- if .Values.tests.enabled }}
  expression: >-
    object.metadata.?name.orValue("") == {{ toJson $test }} && request.namespace ==
    {{ toJson (include "publishbuild.testNamespace" .) }} && variables.runner.?command.orValue([]) == ["sh", "-c", "echo built"]
  {{- else }}
  expression: "false"
  {{- end }}
- name: notOpen
  expression: >-
    variables.runner.map(field, field).filter(field, !(field in
    {{ toJson (concat (list "image" "imagePullPolicy" "imagePullSecrets" "resources" "serviceAccountName") .Values.runnerPolicy.strict.allow) }}) &&
    !(variables.isTest && field == "command"))
- name: env
  expression: variables.runner.?env.orValue([])
- name: secrets
  expression: >-
    [variables.credentials, variables.gitSecret].filter(name, name != "")
    + variables.runner.?imagePullSecrets.orValue([]).map(secret, secret.name)
    + variables.env.filter(one, has(one.valueFrom) && has(one.valueFrom.secretKeyRef))
    .map(one, one.valueFrom.secretKeyRef.?name.orValue(""))
- name: notListed
  expression: >-
    variables.secrets.filter(name, !(name in variables.places ||
    variables.isTest && name in {{ toJson (include "publishbuild.pullSecretNames" . | fromJsonArray) }} ||
    {{ include "publishbuild.secretListed" . }}))
{{- end -}}

{{- define "publishbuild.pullSecretNames" -}}
{{- $names := list -}}
{{- range .Values.imagePullSecrets }}{{ $names = append $names .name }}{{ end -}}
{{ toJson $names }}
{{- end -}}

{{/* CEL: whether `name` is in the list; an entry that ends in * is any name that begins so. */}}
{{- define "publishbuild.secretListed" -}}
{{ toJson .Values.runnerPolicy.strict.secretNames }}.exists(listed, listed == name || listed.endsWith("*") &&
    name.startsWith(listed.substring(0, size(listed) - 1)))
{{- end -}}

{{- define "publishbuild.strictValidations" -}}
{{- $allow := .Values.runnerPolicy.strict.allow -}}
- expression: "!variables.isNew || variables.isTest || request.namespace != '{{ .Release.Namespace }}'"
  message: no builds in the operator's own namespace, {{ .Release.Namespace }} (runnerPolicy.strict); choose another one
  reason: Forbidden
- expression: "!variables.isNew || size(variables.notOpen) == 0"
  messageExpression: >-
    {{ include "publishbuild.some" "variables.notOpen.map(field, 'spec.runner.' + field)" }} + ": not allowed in builds of this cluster: whoever runs the operator
    allows it by the chart's runnerPolicy.strict.allow"
  reason: Forbidden
{{- if not (has "valueFrom" $allow) }}
- expression: "!variables.isNew || variables.env.all(one, !has(one.valueFrom))"
  messageExpression: >-
    "spec.runner.env: " + {{ include "publishbuild.some" "variables.env.filter(one, has(one.valueFrom)).map(one, one.name)" }} + ": valueFrom is not allowed in
    builds of this cluster: whoever runs the operator allows it by the chart's runnerPolicy.strict.allow"
  reason: Forbidden
{{- end }}
- expression: "!variables.isNew || size(variables.notListed) == 0"
  messageExpression: >-
    "Secret " + {{ include "publishbuild.some" "variables.notListed" }} + " may not be used by builds of this repository: allowed are those in the chart's
    runnerPolicy.strict.secretNames{{ with .Values.runnerPolicy.strict.secretNames }} ({{ join ", " . | trunc 1000 }}){{ end }}, set by whoever runs the
    operator, and the pairs in the annotation publishbuild.dev/secrets of the Namespace, set by whoever may change it"
  reason: Forbidden
{{- end -}}

{{/* The same of a pod, when it is launched. A pair's repository was compared when the build was written. */}}
{{- define "publishbuild.strictPodVariables" -}}
- name: isTest
  {{- if .Values.tests.enabled }}
  expression: >-
    variables.labels[?"publishbuild.dev/build"].orValue("") == "{{ include "publishbuild.fullname" . }}-test" && request.namespace ==
    {{ toJson (include "publishbuild.testNamespace" .) }} &&
    variables.containers.all(one, one.?command.orValue([]) == ["sh", "-c", "echo built"])
  {{- else }}
  expression: "false"
  {{- end }}
- name: mayUse
  expression: >-
    namespaceObject.metadata.?annotations[?"publishbuild.dev/secrets"].orValue("").split("\n")
    .map(line, line.replace("\t", " ").trim()).filter(line, line.contains(" ")).map(line, line.substring(0, line.indexOf(" ")))
    + (variables.isTest ? {{ include "publishbuild.pullSecretNames" . }} : [])
{{- end -}}

{{- define "publishbuild.strictPodValidations" -}}
{{- $allow := .Values.runnerPolicy.strict.allow -}}
{{- $mayUse := printf "(name in variables.mayUse || %s)" (include "publishbuild.secretListed" . | replace "\n" " ") -}}
{{- $closed := dict "nodeSelector" "!has(variables.pod.nodeSelector)" "tolerations" "!has(variables.pod.tolerations)" "affinity" "!has(variables.pod.affinity)"
    "podAnnotations" "object.spec.template.?metadata.?annotations.orValue({}).all(key, key.startsWith('publishbuild.dev/'))"
    "command" "variables.isTest || variables.containers.all(one, one.name != 'runner' || !has(one.command))"
    "valueFrom" "variables.containers.all(one, one.?env.orValue([]).all(each, !has(each.valueFrom) || has(each.valueFrom.fieldRef)))" -}}
{{- range $field, $rule := $closed }}
{{- if not (has $field $allow) }}
- expression: "!variables.launched || {{ $rule }}"
  message: >-
    spec.runner.{{ ternary "env.valueFrom" $field (eq $field "valueFrom") }}: not allowed in builds of this cluster: whoever runs the operator
    allows it by the chart's runnerPolicy.strict.allow
  reason: Forbidden
{{- end }}
{{- end }}
- expression: >-
    !variables.launched || variables.pod.?imagePullSecrets.orValue([]).map(one, one.name).all(name, {{ $mayUse }}) &&
    variables.pod.?volumes.orValue([]).filter(one, has(one.secret)).map(one, one.secret.secretName).all(name, {{ $mayUse }}) &&
    variables.containers.all(one,
    one.?envFrom.orValue([]).filter(each, has(each.secretRef)).map(each, each.secretRef.name).all(name, {{ $mayUse }}) &&
    one.?env.orValue([]).filter(each, has(each.valueFrom) && has(each.valueFrom.secretKeyRef))
    .map(each, each.valueFrom.secretKeyRef.name).all(name, {{ $mayUse }}))
  message: >-
    a Secret of this build may not be used: allowed are those in the chart's runnerPolicy.strict.secretNames, set by whoever runs
    the operator, and those in the annotation publishbuild.dev/secrets of the Namespace, set by whoever may change it
  reason: Forbidden
{{- end -}}
