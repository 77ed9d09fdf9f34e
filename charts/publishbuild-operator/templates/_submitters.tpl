{{/*
The restricted form of a build, for whoever may not create Jobs in its namespace: no field of the runner, and Secrets only
in the pairs of Secret and repository that the Namespace's annotation lists. A pair is a line, such as
`expo https://github.com/acme/`: all below a prefix that ends in /, or that one URL.

What follows the prefix is letters, digits, . _ ~ + - and single slashes, and no segment is . or ..: git, libcurl and servers
read anything else (%2e%2e, \, ?, #, @) in ways of their own.
*/}}
{{- define "publishbuild.submitterVariables" -}}
{{- $plain := list "source" "platform" "profile" "submit" "credentialsSecretRef" "priority" "concurrencyKey" "concurrencyPolicy" "backoffLimit" "queueTimeoutSeconds" "runTimeoutSeconds" "ttlSecondsAfterFinished" "suspend" "cancel" "retryOf" -}}
- name: mayCreateJobs
  expression: authorizer.group("batch").resource("jobs").namespace(request.namespace).check("create").allowed()
- name: beyond
  expression: >-
    object.spec.map(field, field).filter(field, !(field in {{ toJson (append $plain "runner") }})).map(field, "spec." + field)
    + variables.runner.map(field, "spec.runner." + field)
    + object.spec.source.map(field, field).filter(field, field != "git").map(field, "spec.source." + field)
    + variables.git.map(field, field).filter(field, !(field in ["url", "revision", "path", "secretRef"]))
    .map(field, "spec.source.git." + field)
    + object.spec.?submit.orValue({}).map(field, field).filter(field, !(field in ["enabled", "profile"]))
    .map(field, "spec.submit." + field)
{{- end -}}

{{- define "publishbuild.pairVariables" -}}
- name: credentials
  expression: object.spec.?credentialsSecretRef.?name.orValue("")
- name: gitSecret
  expression: variables.git.?secretRef.?name.orValue("")
- name: listed
  expression: namespaceObject.metadata.?annotations[?"publishbuild.dev/secrets"].orValue("")
- name: pairs
  expression: >-
    size(variables.listed) > 16384 ? [] :
    variables.listed.split("\n").map(line, line.replace("\t", " ").trim()).filter(line,
    line.matches("^[a-z0-9]([a-z0-9.-]*[a-z0-9])? +(https|ssh)://[^/ ]+/[^ ]*$")).map(line,
    [line.substring(0, line.indexOf(" ")), line.substring(line.lastIndexOf(" ") + 1)])
# The longest end of the URL that any prefix may leave over; what it begins with is a slash.
- name: plain
  expression: variables.git.url.find("(/[.]{0,2}[A-Za-z0-9_~+-][A-Za-z0-9._~+-]*)*/?$")
- name: places
  expression: >-
    variables.pairs.filter(pair, variables.git.url == pair[1] ||
    pair[1].endsWith("/") && variables.git.url.startsWith(pair[1]) && size(pair[1]) < size(variables.git.url) &&
    size(variables.git.url) - size(pair[1]) < size(variables.plain)).map(pair, pair[0])
{{- end -}}

{{- define "publishbuild.submitterValidations" -}}
- expression: "!variables.isNew || size(variables.beyond) == 0 || variables.mayCreateJobs"
  messageExpression: >-
    {{ include "publishbuild.some" "variables.beyond" }} + ": not allowed for " + request.userInfo.username + ", who may not create Jobs in namespace "
    + request.namespace + ": leave it out, or ask whoever administers the namespace for the role edit"
  reason: Forbidden
{{- range $field, $secret := dict "spec.credentialsSecretRef.name" "variables.credentials" "spec.source.git.secretRef.name" "variables.gitSecret" }}
- expression: >-
    !variables.isNew || {{ $secret }} == "" || {{ $secret }} in variables.places || variables.mayCreateJobs
  messageExpression: >-
    "{{ $field }}: " + {{ $secret }} + " may not be used with this source.git.url by " + request.userInfo.username + ", who may
    not create Jobs in namespace " + request.namespace + ": allowed are the pairs of Secret and repository in the annotation
    publishbuild.dev/secrets of the Namespace" + (size(variables.listed) > 16384 ? " (longer than 16384 characters, so none
    counts)" : "") + ", one a line, such as '" + {{ $secret }} + " https://github.com/acme/'; whoever may change the Namespace
    adds them"
  reason: Forbidden
{{- end }}
{{- end -}}
