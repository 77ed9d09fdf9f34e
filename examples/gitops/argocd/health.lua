-- Health of a PublishBuild for Argo CD: resource.customizations.health.publishbuild.dev_PublishBuild in argocd-cm.
local waiting = { status = "Progressing", message = "the operator has not looked at it yet" }
if obj.status == nil or obj.status.conditions == nil then
  return waiting
end
if obj.status.observedGeneration ~= nil and obj.status.observedGeneration < obj.metadata.generation then
  return { status = "Progressing", message = "a change has not been looked at yet" }
end
for _, condition in ipairs(obj.status.conditions) do
  if condition.type == "Succeeded" then
    local said = condition.reason .. ": " .. condition.message
    if condition.status == "True" then
      return { status = "Healthy", message = said }
    end
    if condition.status == "False" then
      return { status = "Degraded", message = said }
    end
    if condition.reason == "Suspended" or condition.reason == "QueuePaused" then
      return { status = "Suspended", message = said }
    end
    return { status = "Progressing", message = said }
  end
end
return waiting
