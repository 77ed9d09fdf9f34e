{{- define "publishbuild.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "publishbuild.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "publishbuild.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "publishbuild.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Cluster-scoped names: an operator for all namespaces is one a cluster, those with namespaces of their own may be many. */}}
{{- define "publishbuild.clusterName" -}}
{{- include "publishbuild.fullname" . }}{{ if .Values.watchNamespaces }}-{{ .Release.Namespace }}{{ end }}
{{- end -}}

{{/* Refuses where another operator for all namespaces has the fixed binding: --take-ownership would rob that one of its
     rights. Empty without a cluster (`helm template`). Named namespaces do not come here: their owners may not look. */}}
{{- define "publishbuild.onlyForAll" -}}
{{- $binding := lookup "rbac.authorization.k8s.io/v1" "ClusterRoleBinding" "" "publishbuild-operator" | default dict -}}
{{- if $binding -}}
{{- $notes := dig "metadata" "annotations" (dict) $binding | default dict -}}
{{- $release := get $notes "meta.helm.sh/release-name" -}}
{{- $subject := first (get $binding "subjects" | default (list dict)) -}}
{{- $namespace := get $notes "meta.helm.sh/release-namespace" | default (get $subject "namespace") -}}
{{- if or (ne $namespace .Release.Namespace) (and $release (ne $release .Release.Name)) -}}
{{- fail (printf "an operator for all namespaces is installed here: %s in namespace %s, which has the ClusterRoleBinding publishbuild-operator. A second one would launch past its limits: upgrade that one (helm upgrade %s … -n %s), or name the namespaces of both in watchNamespaces, each its own. --take-ownership would take its rights away" (ternary (printf "release %s" $release) (printf "service account %s" (get $subject "name")) (ne $release "")) $namespace ($release | default "NAME") $namespace) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "publishbuild.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "publishbuild.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name: name one that exists, or set serviceAccount.create to true" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "publishbuild.selector" -}}
app.kubernetes.io/name: {{ include "publishbuild.name" .context }}
app.kubernetes.io/instance: {{ .context.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "publishbuild.labels" -}}
{{ include "publishbuild.selector" . }}
app.kubernetes.io/part-of: publishbuild
app.kubernetes.io/managed-by: {{ .context.Release.Service }}
app.kubernetes.io/version: {{ .context.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .context.Chart.Name .context.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* repository:tag, or repository@digest. */}}
{{- define "publishbuild.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ .image.tag | default .context.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "publishbuild.redisEmbedded" -}}
{{- if and .Values.redis.url .Values.redis.existingSecret -}}
{{- fail "redis.url and redis.existingSecret: set one of the two" -}}
{{- end -}}
{{- /* Here and not in the schema, whose errors would show a password. */ -}}
{{- if and .Values.redis.url (not (regexMatch "^((rediss?|rediss?[+](sentinel|cluster)|unix)://\\S+)$" .Values.redis.url)) -}}
{{- fail "redis.url: must start with redis://, rediss://, redis+sentinel://, rediss+sentinel://, redis+cluster://, rediss+cluster:// or unix:// (docs/redis.md)" -}}
{{- end -}}
{{- if and .Values.redis.embedded.password (not (regexMatch "^[A-Za-z0-9_-]{16,}$" .Values.redis.embedded.password)) -}}
{{- fail "redis.embedded.password: at least 16 of a-z, A-Z, 0-9, _ and -" -}}
{{- end -}}
{{- if and .Values.redis.embedded.enabled (not .Values.redis.url) (not .Values.redis.existingSecret) -}}true{{- end -}}
{{- end -}}

{{/* The Secret that holds the operator's REDIS_URL, "" where it runs without Redis. */}}
{{- define "publishbuild.redisSecret" -}}
{{- if .Values.redis.existingSecret -}}
{{- .Values.redis.existingSecret -}}
{{- else if or .Values.redis.url (include "publishbuild.redisEmbedded" .) -}}
{{- include "publishbuild.fullname" . }}-redis
{{- else if ne .Values.settings.onRedisOutage "direct" -}}
{{- fail "redis: without redis.embedded.enabled, redis.url or redis.existingSecret nothing would ever start; set one of them, or settings.onRedisOutage to direct" -}}
{{- end -}}
{{- end -}}

{{/* The namespace in which `helm test` builds. */}}
{{- define "publishbuild.testNamespace" -}}
{{- if .Values.watchNamespaces }}{{ first .Values.watchNamespaces }}{{ else }}{{ .Release.Namespace }}{{ end -}}
{{- end -}}

{{/* Redis's password: the given one, else the one that an earlier install made, else a new one; the same all through a render. */}}
{{- define "publishbuild.redisPassword" -}}
{{- $given := .Values.redis.embedded.password -}}
{{- $made := get .Values.redis.embedded "madePassword" -}}
{{- if $given -}}
{{- $given -}}
{{- else if $made -}}
{{- $made -}}
{{- else -}}
{{- $secret := lookup "v1" "Secret" .Release.Namespace (printf "%s-redis" (include "publishbuild.fullname" .)) -}}
{{- $kept := dig "data" "password" "" (default dict $secret) -}}
{{- $password := ternary (b64dec $kept) (randAlphaNum 32) (ne $kept "") -}}
{{- $_ := set .Values.redis.embedded "madePassword" $password -}}
{{- $password -}}
{{- end -}}
{{- end -}}

{{/*
Changes with what Redis and the operator read from the Secret at their start. Whoever reads pods reads it too, so a
password that a person chose goes through scrypt, with the release for a salt: guesses cost as much as at a login.
*/}}
{{- define "publishbuild.redisChecksum" -}}
{{- $embedded := include "publishbuild.redisEmbedded" . -}}
{{- $read := ternary (include "publishbuild.redisConf" .) .Values.redis.url (ne $embedded "") -}}
{{- $chosen := ternary .Values.redis.embedded.password .Values.redis.url (ne $embedded "") -}}
{{- if $chosen -}}
{{- derivePassword 1 "maximum" (printf "%s %s" $chosen $read) .Release.Name .Release.Namespace | sha256sum -}}
{{- else -}}
{{- sha256sum $read -}}
{{- end -}}
{{- end -}}

{{/* CEL: a list of texts in one of at most 500 characters. The API server drops a message that is longer than 5 KiB. */}}
{{- define "publishbuild.some" -}}
(size({{ . }}.join(", ")) > 500 ? {{ . }}.join(", ").substring(0, 500) + "..." : {{ . }}.join(", "))
{{- end -}}

{{/*
CEL: whether `image`, an expression, is one of `images`. An entry that ends in / is all repositories below it, any other is
itself with any tag and digest. What follows the entry is compared as a whole: `tool:5000/evil` is on a host named tool.
*/}}
{{- define "publishbuild.imageListed" -}}
{{- $version := "(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?(@[a-z0-9]+:[0-9a-f]+)?$" -}}
{{- $word := "[a-z0-9]+([._-]+[a-z0-9]+)*" -}}
{{ toJson .images }}.exists(listed, {{ .image }}.startsWith(listed) && {{ .image }}.substring(size(listed)).matches(
{{- printf "listed.endsWith(\"/\") ? \"^%s(/%s)*%s\" : \"^%s\"" $word $word $version $version }}))
{{- end -}}
