namespace CN2.Network.Resources;

/// <summary>
/// Every limit of docs/contract.md §6 on what one caller may ask for, so that no request or record costs the others. Validators, the
/// OpenAPI document and docs/limits.md take their numbers from here. What was stored before a limit existed is still read and served.
/// </summary>
public static class Limits
{
    [Limit("the body of a request", "413 `payload-too-large`", "bytes")]
    public const int Body = 1024 * 1024;

    [Limit("the body of a `:batch`", "413 `payload-too-large`", "bytes")]
    public const int BatchBody = 8 * 1024 * 1024;

    [Limit("nesting of JSON", "400 `malformed-json`", "levels")]
    public const int Nesting = 32;

    [Limit("items of a `:batch`", "400")]
    public const int BatchItems = 1000;

    [Limit("labels of a resource", "400")]
    public const int Labels = 64;

    [Limit("annotations of a resource", "400")]
    public const int Annotations = 64;

    [Limit("one annotation's value", "400", "bytes")]
    public const int AnnotationValue = 16 * 1024;

    [Limit("all annotations of a resource with their keys", "400", "bytes")]
    public const int AnnotationsTogether = 64 * 1024;

    [Limit("requirements of a selector: a stored one, a Service's, or `labelSelector`", "400")]
    public const int SelectorRequirements = 32;

    [Limit("values of one requirement", "400")]
    public const int SelectorValues = 64;

    [Limit("`ports` of a Service, `portMappings` of a FloatingIP", "400")]
    public const int Ports = 100;

    [Limit("`loadBalancerSourceRanges`", "400")]
    public const int SourceRanges = 100;

    [Limit("`loadBalancerIPs` (one of each family is taken)", "400")]
    public const int LoadBalancerIPs = 16;

    [Limit("`ipFamilies`", "400")]
    public const int IPFamilies = 2;

    [Limit("`addresses` of a VirtualMachineInterface (one of each family is taken)", "400")]
    public const int EndpointAddresses = 16;

    [Limit("`interfaces` of a FloatingIP", "400")]
    public const int Interfaces = 1000;

    [Limit("RoleBindings", "409 `too-many-role-bindings`")]
    public const int RoleBindings = 10_000;

    [Limit("`subjects` of a RoleBinding", "400")]
    public const int Subjects = 100;

    [Limit("`namespaces` of a RoleBinding", "400")]
    public const int BindingNamespaces = 1000;

    [Limit("`subnets` of an ExternalNetwork", "400")]
    public const int Subnets = 16;

    [Limit("`ranges` of a subnet, and its `reserved`", "400")]
    public const int SubnetRanges = 1000;

    [Limit("`communities`, and `largeCommunities`, of a network or a grant", "400")]
    public const int Communities = 32;

    [Limit("`routeTargets`, `importRouteTargets`, and `exportRouteTargets` of a network; `routeTargets` of a grant", "400")]
    public const int RouteTargets = 64;

    [Limit("`prefixes` of a grant, and its `endpointPrefixes`", "400")]
    public const int GrantPrefixes = 64;

    [Limit("`addressFamilies` of a BgpRouter", "400")]
    public const int AddressFamilies = 5;

    [Limit("`authKey` of a BgpRouter", "400", "characters")]
    public const int AuthKey = 80;

    [Limit("`urlPath` of a ServiceHealthCheck", "400", "characters")]
    public const int UrlPath = 2048;

    [Limit("`expectedCodes` of a ServiceHealthCheck", "400", "characters")]
    public const int ExpectedCodes = 256;

    [Limit("text of an address, a prefix, a route target or a reference", "400", "characters")]
    public const int Reference = 253;

    [Limit("an `Idempotency-Key`", "400", "characters")]
    public const int IdempotencyKey = 255;

    [Limit("the `X-Request-Id` of a request", "the answer has another one", "characters")]
    public const int RequestId = 128;

    [Limit("changed fields that an entry of the audit log names", "the first are named")]
    public const int AuditedFields = 50;

    [Limit("refusals and dry runs that wait for the audit log", "the others are not in it; `cn2_audit_dropped_total` counts them")]
    public const int AuditWaiting = 10_000;

    [Limit("rows of the audit log for the refusals and dry runs of a second whose callers are known; alike ones are one row", "the others are not in it; `cn2_audit_dropped_total` counts them")]
    public const int AuditedRefusals = 200;

    [Limit("rows of the audit log for the refusals of a second whose callers are not known; those of one source with one code are one row", "the others are not in it; `cn2_audit_dropped_total` counts them")]
    public const int AuditedStrangers = 20;

    [Limit("an `Authorization` header", "401 `unauthenticated`; from 32 KiB of all headers on 431", "bytes")]
    public const int Authorization = 16 * 1024;

    [Limit("requests of an address that do not prove who sends them, at once; a tenth of it comes back each second", "429 `too-many-requests`; of an agent that joins, connects or renews ResourceExhausted")]
    public const int FailedAttempts = 100;

    [Limit("refusals of one agent (a VirtualRouter's certificate from one address, or an address) that are logged and recorded, at once; one comes back each second", "not logged but counted; with a certificate the agent is refused before the database is asked")]
    public const int AgentRefusals = 10;

    [Limit("API tokens", "409 `too-many-tokens`")]
    public const int ApiTokens = 10_000;

    [Limit("items of a page (`limit`)", "400")]
    public const int PageItems = 1000;

    [Limit("VirtualNetworks of a namespace that wait for a Subnet, and its Subnets that no network uses", "403 (reason `Forbidden`)")]
    public const int WaitingNetworks = 100;

    [Limit("Pods of a namespace that have no node or no address yet, and other objects of a kind that exist in the Kubernetes API only", "403 (reason `Forbidden`)")]
    public const int WaitingObjects = 10_000;

    [Limit("VirtualNetworks that one write of their Subnet makes networks of", "the leading control node makes networks of the others, as many each second")]
    public const int CompletedNetworks = 10;

    [Limit("a page, or one step of a watch's first list; what is stored of its items", "the page ends early and `nextCursor` goes on", "bytes")]
    public const int Page = 4 * 1024 * 1024;

    [Limit("faults listed in one answer", "\"and N more\"")]
    public const int Faults = 100;

    [Limit("time of any request but a watch or the deletion of a Kubernetes collection", "503 `unavailable`", "s")]
    public const int RequestSeconds = 10;

    [Limit("watches of a replica", "429 `too-many-requests`")]
    public const int Watches = 1000;

    [Limit("watches of a caller at a replica", "429 `too-many-requests`")]
    public const int WatchesOfCaller = 100;

    [Limit("events that wait for a slow watcher", "the stream ends; it goes on with `Last-Event-ID`")]
    public const int WatchEvents = 10_000;

    [Limit("bytes that wait for a slow watcher", "the stream ends; it goes on with `Last-Event-ID`", "bytes")]
    public const int WatchBytes = 16 * 1024 * 1024;

    [Limit("time in which a watcher must take 16 KiB", "the connection is closed; it goes on with `Last-Event-ID`", "s")]
    public const int WatchWriteSeconds = 10;

    [Limit("events of one resource", "the newest are kept")]
    public const int EventsOfResource = 100;

    [Limit("certificates of one vRouter agent that are valid at once", "a renewal is refused (ResourceExhausted); a join takes the place of the oldest one")]
    public const int CertificatesOfAgent = 10;

    [Limit("endpoints that a Service uses", "the others take no traffic; its condition `Ready` says so")]
    public const int EndpointsOfService = 10_000;

    [Limit("endpoints × ports of a Service, or of a FloatingIP with `portMappings`", "fewer endpoints are used, at least one; its condition `Ready` says so")]
    public const int EntriesOfService = 20_000;

    [Limit("slots of all ports of a Service or FloatingIP together, at all its addresses and node ports ([weights](concepts.md#weights))", "each port has fewer, and an endpoint two of each at least; shares are coarser")]
    public const int SlotsOfService = 65_536;

    [Limit("nodes of a FloatingIP that pass ICMP errors on to each other", "ICMP errors about packets that were too big reach the flows of the others only by chance")]
    public const int CarriersOfFloatingIP = 64;

    [Limit("text from an agent or a router", "cut", "bytes")]
    public const int ForeignText = 1024;

    [Limit("paths of one imported prefix", "the best are used; the session's `lastError` says so")]
    public const int ImportedPaths = 64;

    [Limit("next hops of all imported routes", "those of the router that sends most are left out; its session's `lastError` says so")]
    public const int ImportedNextHops = 4096;

    [Limit("route targets of one imported route", "the route is left out")]
    public const int ImportedTargets = 64;

    [Limit("route targets that one router asks for (RFC 4684)", "the others are not counted; the session's `lastError` says so")]
    public const int Memberships = 4096;

    [Limit("time between two times that a router which asks for more route targets is sent everything again", "it waits", "s")]
    public const int SendAgainSeconds = 5;

    [Limit("times within a minute that a session is lost", "the session's `lastError` says so")]
    public const int SessionLosses = 5;

    [Limit("times within 5 minutes that the BGP engine ends", "the routers that were in session at one of them are connected one after another, and one at whose connection it ends again is left out")]
    public const int EngineEnds = 3;
}
