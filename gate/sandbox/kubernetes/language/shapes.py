"""The fields of the built-in kinds, one line for each type: what is known, of which JSON type, and how lists merge.

From this one table come the refusal of wrong types, the dropping of unknown fields, and the merge keys of strategic
merge patches. It holds no validation (`validation`) and no defaults (`defaults`).

A line is a list of `name:type`; without a type it is a string. `[T]` is a list that a strategic merge patch replaces,
`[T/key]` one that it merges by that key, `[T/]` a merged set of scalars, `{T}` a map. A field with `!` may hold an
empty value ("", 0, false, nothing in it); any other is then left out, since to the real server it is the same as none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache


class Form(StrEnum):
    """What JSON value a field holds."""

    STRING = "string"
    INT = "int"
    """32 bits."""
    LONG = "long"
    """64 bits."""
    NUMBER = "number"
    BOOL = "bool"
    INT_OR_STRING = "intstr"
    QUANTITY = "quantity"
    TIME = "time"
    """RFC 3339; kept in UTC and to the second."""
    MICRO_TIME = "microtime"
    """The same with exactly six digits of a second."""
    BYTES = "bytes"
    """Base64."""
    ANY = "any"
    LIST = "list"
    MAP = "map"
    OBJECT = "object"


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    form: Form
    shape: str = ""
    """The line of an object."""
    items: "Type | None" = None
    """What a list or map holds."""
    merge_key: str | None = None
    """Of a list that patches merge: the key that identifies an element, "" for scalars. None: replaced."""
    kept: bool = False
    """An empty value is one, too. Of other fields it is the same as none."""


_META = "metadata:ObjectMeta kind apiVersion"

_LINES: Mapping[str, str] = {
    # metadata
    "ObjectMeta": """name generateName namespace selfLink uid resourceVersion generation:long creationTimestamp:time
        deletionTimestamp:time deletionGracePeriodSeconds:long! labels:{string} annotations:{string}
        ownerReferences:[OwnerReference/uid] finalizers:[string/] managedFields:[any]""",
    "OwnerReference": "apiVersion kind name uid controller:bool! blockOwnerDeletion:bool!",
    "LabelSelector": "matchLabels:{string} matchExpressions:[LabelSelectorRequirement]",
    "LabelSelectorRequirement": "key operator values:[string]",
    "Condition": """type:string! status:string! observedGeneration:long lastTransitionTime:time reason:string!
        message:string!""",
    "LocalObjectReference": "name",
    "DeleteOptions": """kind apiVersion gracePeriodSeconds:long! preconditions:Preconditions orphanDependents:bool!
        propagationPolicy dryRun:[string] ignoreStoreReadErrorWithClusterBreakingPotential:bool!""",
    "Preconditions": "uid resourceVersion",
    "ObjectReference": "kind namespace name uid apiVersion resourceVersion fieldPath",
    # namespaces and nodes
    "Namespace": f"{_META} spec:NamespaceSpec status:NamespaceStatus",
    "NamespaceSpec": "finalizers:[string]",
    "NamespaceStatus": "phase conditions:[Condition/type]",
    "Node": f"{_META} spec:NodeSpec status:NodeStatus",
    "NodeSpec": "podCIDR podCIDRs:[string/] providerID unschedulable:bool taints:[Taint] configSource:any externalID",
    "Taint": "key value effect timeAdded:time",
    "NodeStatus": """capacity:{quantity} allocatable:{quantity} phase conditions:[NodeCondition/type]
        addresses:[NodeAddress/type] daemonEndpoints:any nodeInfo:{any} images:[any] volumesInUse:[string]
        volumesAttached:[any] config:any runtimeHandlers:[any] features:any declaredFeatures:[string]""",
    "NodeCondition": "type status lastHeartbeatTime:time lastTransitionTime:time reason message",
    "NodeAddress": "type address",
    # pods
    "Pod": f"{_META} spec:PodSpec status:PodStatus",
    "PodTemplate": "metadata:ObjectMeta spec:PodSpec",
    "PodSpec": """volumes:[Volume/name] initContainers:[Container/name] containers:[Container/name]
        ephemeralContainers:[Container/name] restartPolicy terminationGracePeriodSeconds:long!
        activeDeadlineSeconds:long! dnsPolicy nodeSelector:{string} serviceAccountName serviceAccount
        automountServiceAccountToken:bool! nodeName hostNetwork:bool hostPID:bool hostIPC:bool
        shareProcessNamespace:bool! securityContext:PodSecurityContext imagePullSecrets:[LocalObjectReference/name]
        hostname subdomain affinity:any schedulerName tolerations:[Toleration] hostAliases:[HostAlias/ip]
        priorityClassName priority:int! dnsConfig:PodDNSConfig readinessGates:[ReadinessGate] runtimeClassName
        enableServiceLinks:bool! preemptionPolicy overhead:{quantity}
        topologySpreadConstraints:[TopologySpreadConstraint/topologyKey] setHostnameAsFQDN:bool!
        os:LocalObjectReference hostUsers:bool! schedulingGates:[LocalObjectReference/name] resourceClaims:[any]
        resources:Resources hostnameOverride""",
    "PodSecurityContext": """seLinuxOptions:any windowsOptions:any runAsUser:long! runAsGroup:long! runAsNonRoot:bool!
        supplementalGroups:[long] supplementalGroupsPolicy fsGroup:long! sysctls:[any] fsGroupChangePolicy
        seccompProfile:any appArmorProfile:any seLinuxChangePolicy""",
    "Toleration": "key operator value effect tolerationSeconds:long!",
    "HostAlias": "ip hostnames:[string]",
    "PodDNSConfig": "nameservers:[string] searches:[string] options:[any]",
    "ReadinessGate": "conditionType",
    "TopologySpreadConstraint": """maxSkew:int! topologyKey whenUnsatisfiable labelSelector:LabelSelector
        minDomains:int! nodeAffinityPolicy nodeTaintsPolicy matchLabelKeys:[string]""",
    "Container": """name image command:[string] args:[string] workingDir ports:[ContainerPort/containerPort]
        envFrom:[EnvFromSource] env:[EnvVar/name] resources:Resources resizePolicy:[any] restartPolicy
        restartPolicyRules:[any] volumeMounts:[VolumeMount/mountPath] volumeDevices:[VolumeDevice/devicePath]
        livenessProbe:Probe readinessProbe:Probe startupProbe:Probe lifecycle:Lifecycle terminationMessagePath
        terminationMessagePolicy imagePullPolicy securityContext:SecurityContext stdin:bool stdinOnce:bool tty:bool
        targetContainerName""",
    "ContainerPort": "name hostPort:int containerPort:int! protocol hostIP",
    "EnvFromSource": "prefix configMapRef:OptionalReference secretRef:OptionalReference",
    "OptionalReference": "name optional:bool!",
    "EnvVar": "name value valueFrom:EnvVarSource",
    "EnvVarSource": """fieldRef:FieldReference resourceFieldRef:ResourceFieldReference configMapKeyRef:KeyReference
        secretKeyRef:KeyReference fileKeyRef:any""",
    "FieldReference": "apiVersion fieldPath",
    "ResourceFieldReference": "containerName resource divisor:quantity",
    "KeyReference": "name key optional:bool!",
    "Resources": "limits:{quantity} requests:{quantity} claims:[any]",
    "VolumeMount": "name readOnly:bool recursiveReadOnly mountPath subPath mountPropagation subPathExpr",
    "VolumeDevice": "name devicePath",
    "Probe": """exec:ExecAction httpGet:HTTPGetAction tcpSocket:TCPSocketAction grpc:GRPCAction initialDelaySeconds:int
        timeoutSeconds:int periodSeconds:int successThreshold:int failureThreshold:int
        terminationGracePeriodSeconds:long!""",
    "ExecAction": "command:[string]",
    "HTTPGetAction": "path port:intstr host scheme httpHeaders:[HTTPHeader]",
    "HTTPHeader": "name value",
    "TCPSocketAction": "port:intstr host",
    "GRPCAction": "port:int service",
    "Lifecycle": "postStart:LifecycleHandler preStop:LifecycleHandler stopSignal",
    "LifecycleHandler": "exec:ExecAction httpGet:HTTPGetAction tcpSocket:TCPSocketAction sleep:SleepAction",
    "SleepAction": "seconds:long!",
    "SecurityContext": """capabilities:any privileged:bool! seLinuxOptions:any windowsOptions:any runAsUser:long!
        runAsGroup:long! runAsNonRoot:bool! readOnlyRootFilesystem:bool! allowPrivilegeEscalation:bool! procMount
        seccompProfile:any appArmorProfile:any""",
    "Volume": """name emptyDir:EmptyDir configMap:ConfigMapVolume secret:SecretVolume hostPath:HostPath projected:any
        downwardAPI:any persistentVolumeClaim:any nfs:any csi:any ephemeral:any image:any iscsi:any fc:any cephfs:any
        rbd:any glusterfs:any gitRepo:any flexVolume:any azureFile:any azureDisk:any awsElasticBlockStore:any
        gcePersistentDisk:any vsphereVolume:any cinder:any portworxVolume:any scaleIO:any storageos:any quobyte:any
        flocker:any photonPersistentDisk:any""",
    "EmptyDir": "medium sizeLimit:quantity",
    "ConfigMapVolume": "name items:[KeyToPath] defaultMode:int! optional:bool!",
    "SecretVolume": "secretName items:[KeyToPath] defaultMode:int! optional:bool!",
    "KeyToPath": "key path mode:int!",
    "HostPath": "path type",
    "PodStatus": """observedGeneration:long phase conditions:[PodCondition/type] message reason nominatedNodeName hostIP
        hostIPs:[any] podIP podIPs:[PodIP/ip] startTime:time initContainerStatuses:[ContainerStatus]
        containerStatuses:[ContainerStatus] qosClass ephemeralContainerStatuses:[ContainerStatus] resize
        resourceClaimStatuses:[any] extendedResourceClaimStatus:any""",
    "PodIP": "ip",
    "PodCondition": "type observedGeneration:long status lastProbeTime:time lastTransitionTime:time reason message",
    "ContainerStatus": """name state:{any} lastState:{any} ready:bool! restartCount:int! image:string! imageID:string!
        containerID started:bool! allocatedResources:{quantity} resources:any volumeMounts:[any] user:any
        allocatedResourcesStatus:[any] stopSignal""",
    # services
    "Service": f"{_META} spec:ServiceSpec status:ServiceStatus",
    "ServiceSpec": """ports:[ServicePort/port] selector:{string} clusterIP clusterIPs:[string] type externalIPs:[string]
        sessionAffinity loadBalancerIP loadBalancerSourceRanges:[string] externalName externalTrafficPolicy
        healthCheckNodePort:int publishNotReadyAddresses:bool sessionAffinityConfig:any ipFamilies:[string]
        ipFamilyPolicy allocateLoadBalancerNodePorts:bool! loadBalancerClass internalTrafficPolicy
        trafficDistribution""",
    "ServicePort": "name protocol appProtocol port:int! targetPort:intstr nodePort:int",
    "ServiceStatus": "loadBalancer:any conditions:[Condition/type]",
    "Endpoints": f"{_META} subsets:[EndpointSubset]",
    "EndpointSubset": """addresses:[EndpointAddress] notReadyAddresses:[EndpointAddress]
        ports:[EndpointPort]""",
    "EndpointAddress": "ip hostname nodeName targetRef:ObjectReference",
    "EndpointPort": "name:string! port:int! protocol:string! appProtocol:string!",
    "EndpointSlice": f"{_META} addressType endpoints:[Endpoint]! ports:[EndpointPort]!",
    "Endpoint": """addresses:[string]! conditions:EndpointConditions hostname targetRef:ObjectReference
        deprecatedTopology:{string} nodeName zone hints:any""",
    "EndpointConditions": "ready:bool! serving:bool! terminating:bool!",
    # configuration
    "ConfigMap": f"{_META} immutable:bool! data:{{string}} binaryData:{{bytes}}",
    "Secret": f"{_META} immutable:bool! data:{{bytes}} stringData:{{string}} type",
    "ServiceAccount": f"""{_META} secrets:[ObjectReference/name] imagePullSecrets:[LocalObjectReference]
        automountServiceAccountToken:bool!""",
    # events and leases
    "Event": f"""{_META} involvedObject:ObjectReference reason message source:EventSource firstTimestamp:time
        lastTimestamp:time count:int type eventTime:microtime series:EventSeries action related:ObjectReference
        reportingComponent reportingInstance""",
    "EventSource": "component host",
    "EventSeries": "count:int lastObservedTime:microtime",
    "Lease": f"{_META} spec:LeaseSpec",
    "LeaseSpec": """holderIdentity:string! leaseDurationSeconds:int! acquireTime:microtime
        renewTime:microtime leaseTransitions:int! strategy:string! preferredHolder:string!""",
    # workloads
    "Deployment": f"{_META} spec:DeploymentSpec status:DeploymentStatus",
    "DeploymentSpec": """replicas:int! selector:LabelSelector template:PodTemplate strategy:DeploymentStrategy
        minReadySeconds:int revisionHistoryLimit:int! paused:bool progressDeadlineSeconds:int!""",
    "DeploymentStrategy": "type rollingUpdate:RollingUpdate",
    "RollingUpdate": "maxUnavailable:intstr maxSurge:intstr",
    "DeploymentStatus": """observedGeneration:long replicas:int updatedReplicas:int readyReplicas:int
        availableReplicas:int unavailableReplicas:int terminatingReplicas:int! conditions:[DeploymentCondition/type]
        collisionCount:int!""",
    "DeploymentCondition": "type status lastUpdateTime:time lastTransitionTime:time reason message",
    "ReplicaSet": f"{_META} spec:ReplicaSetSpec status:ReplicaSetStatus",
    "ReplicaSetSpec": "replicas:int! minReadySeconds:int selector:LabelSelector template:PodTemplate",
    "ReplicaSetStatus": """replicas:int! fullyLabeledReplicas:int readyReplicas:int availableReplicas:int
        terminatingReplicas:int! observedGeneration:long conditions:[Condition/type]""",
    "Job": f"{_META} spec:JobSpec status:JobStatus",
    "JobSpec": """parallelism:int! completions:int! activeDeadlineSeconds:long! podFailurePolicy:any successPolicy:any
        backoffLimit:int! backoffLimitPerIndex:int! maxFailedIndexes:int! selector:LabelSelector manualSelector:bool!
        template:PodTemplate ttlSecondsAfterFinished:int! completionMode:string! suspend:bool!
        podReplacementPolicy:string! managedBy:string!""",
    "JobStatus": """conditions:[JobCondition/type] startTime:time completionTime:time active:int succeeded:int
        failed:int terminating:int! completedIndexes failedIndexes:string!
        uncountedTerminatedPods:UncountedTerminatedPods ready:int!""",
    "JobCondition": "type status lastProbeTime:time lastTransitionTime:time reason message",
    "UncountedTerminatedPods": "succeeded:[string/] failed:[string/]",
    "Scale": f"{_META} spec:ScaleSpec status:ScaleStatus",
    "ScaleSpec": "replicas:int",
    "ScaleStatus": "replicas:int! selector",
    "PodDisruptionBudget": f"{_META} spec:PodDisruptionBudgetSpec status:PodDisruptionBudgetStatus",
    "Eviction": f"{_META} deleteOptions:DeleteOptions",
    "PodDisruptionBudgetSpec": """minAvailable:intstr maxUnavailable:intstr selector:LabelSelector
        unhealthyPodEvictionPolicy""",
    "PodDisruptionBudgetStatus": """observedGeneration:long disruptedPods:{string} disruptionsAllowed:int!
        currentHealthy:int! desiredHealthy:int! expectedPods:int! conditions:[Condition/type]""",
    # users and rights
    "Role": f"{_META} rules:[PolicyRule]",
    "ClusterRole": f"{_META} rules:[PolicyRule] aggregationRule:AggregationRule",
    "AggregationRule": "clusterRoleSelectors:[LabelSelector]",
    "PolicyRule": """verbs:[string]! apiGroups:[string] resources:[string] resourceNames:[string]
        nonResourceURLs:[string]""",
    "RoleBinding": f"{_META} subjects:[Subject] roleRef:RoleRef",
    "ClusterRoleBinding": f"{_META} subjects:[Subject] roleRef:RoleRef",
    "Subject": "kind:string! apiGroup name:string! namespace",
    "RoleRef": "apiGroup:string! kind:string! name:string!",
    "TokenReview": f"{_META} spec:TokenReviewSpec status:any",
    "TokenReviewSpec": "token audiences:[string]",
    "TokenRequest": f"{_META} spec:TokenRequestSpec status:any",
    "TokenRequestSpec": "audiences:[string] expirationSeconds:long! boundObjectRef:BoundObjectReference",
    "BoundObjectReference": "kind apiVersion name uid",
    "SelfSubjectReview": f"{_META} status:any",
    "SelfSubjectRulesReview": f"{_META} spec:SelfSubjectRulesReviewSpec status:any",
    "SelfSubjectRulesReviewSpec": "namespace",
    "SelfSubjectAccessReview": f"{_META} spec:SelfSubjectAccessReviewSpec status:any",
    "SelfSubjectAccessReviewSpec": """resourceAttributes:ResourceAttributes
        nonResourceAttributes:NonResourceAttributes""",
    "SubjectAccessReview": f"{_META} spec:SubjectAccessReviewSpec status:any",
    "LocalSubjectAccessReview": f"{_META} spec:SubjectAccessReviewSpec status:any",
    "SubjectAccessReviewSpec": """resourceAttributes:ResourceAttributes nonResourceAttributes:NonResourceAttributes user
        groups:[string] extra:{any} uid""",
    "ResourceAttributes": """namespace verb group version resource subresource name fieldSelector:any
        labelSelector:any""",
    "NonResourceAttributes": "path verb",
    # definitions
    "CustomResourceDefinition": f"{_META} spec:CustomResourceDefinitionSpec status:CustomResourceDefinitionStatus",
    "CustomResourceDefinitionSpec": """group names:CustomResourceNames scope versions:[CustomResourceVersion]!
        conversion:any preserveUnknownFields:bool""",
    "CustomResourceNames": "plural singular shortNames:[string] kind listKind categories:[string]",
    "CustomResourceVersion": """name served:bool! storage:bool! deprecated:bool deprecationWarning
        schema:CustomResourceValidation subresources:CustomResourceSubresources additionalPrinterColumns:[PrinterColumn]
        selectableFields:[any]""",
    "CustomResourceValidation": "openAPIV3Schema:JSONSchemaProps",
    "JSONSchemaProps": """id $schema $ref description type format title default:any maximum:number
        exclusiveMaximum:bool minimum:number exclusiveMinimum:bool maxLength:long! minLength:long! pattern
        maxItems:long! minItems:long! uniqueItems:bool multipleOf:number enum:[any] maxProperties:long!
        minProperties:long! required:[string] items:any allOf:[JSONSchemaProps] oneOf:[JSONSchemaProps]
        anyOf:[JSONSchemaProps] not:JSONSchemaProps properties:{JSONSchemaProps} additionalProperties:any
        patternProperties:{JSONSchemaProps} dependencies:any additionalItems:any definitions:{JSONSchemaProps}
        externalDocs:any example:any nullable:bool x-kubernetes-preserve-unknown-fields:bool!
        x-kubernetes-embedded-resource:bool x-kubernetes-int-or-string:bool x-kubernetes-list-map-keys:[string]
        x-kubernetes-list-type:string! x-kubernetes-map-type:string! x-kubernetes-validations:[any]""",
    "CustomResourceSubresources": "status:any scale:CustomResourceScale",
    "CustomResourceScale": "specReplicasPath statusReplicasPath labelSelectorPath",
    "PrinterColumn": "name type format description priority:int! jsonPath",
    "CustomResourceDefinitionStatus": """conditions:[Condition/type]! acceptedNames:CustomResourceNames
        storedVersions:[string]!""",
}

_FIELD = re.compile(r"(?P<name>[\w$-]+)(?::(?P<type>[^\s!]+))?(?P<kept>!?)")


@cache
def shape(name: str) -> Mapping[str, Type]:
    """The fields of a type; KeyError if there is no such line."""
    found = _FIELD.finditer(_LINES[name])
    return {field["name"]: replace(_type(field["type"] or "string"), kept=bool(field["kept"])) for field in found}


def is_known(name: str) -> bool:
    return name in _LINES


def _type(text: str) -> Type:
    if text.startswith("["):
        inner, merged, key = text[1:-1].partition("/")
        return Type(form=Form.LIST, items=_type(inner), merge_key=key if merged else None)
    if text.startswith("{"):
        return Type(form=Form.MAP, items=_type(text[1:-1]))
    if text in set(Form):
        return Type(form=Form(text))
    return Type(form=Form.OBJECT, shape=text)
