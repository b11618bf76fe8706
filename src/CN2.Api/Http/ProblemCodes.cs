namespace CN2.Api.Http;

/// <summary>The stable codes of error answers (docs/contract.md §2). Clients branch on them: never rename one.</summary>
public static class ProblemCodes
{
    public const string ValidationFailed = "validation-failed";
    public const string MalformedJson = "malformed-json";
    public const string Forbidden = "forbidden";
    public const string CrossOrigin = "cross-origin";
    public const string LastAdmin = "last-admin";
    public const string TooManyRoleBindings = "too-many-role-bindings";
    public const string Unauthenticated = "unauthenticated";
    public const string TooManyTokens = "too-many-tokens";
    public const string NotFound = "not-found";
    public const string AlreadyExists = "already-exists";
    public const string InUse = "in-use";
    public const string AddressInUse = "address-in-use";
    public const string InfrastructureAddress = "infrastructure-address";
    public const string AddressesExhausted = "addresses-exhausted";
    public const string AddressOutOfRange = "address-out-of-range";
    public const string ImmutableField = "immutable-field";
    public const string PreconditionFailed = "precondition-failed";
    public const string SubnetOverlap = "subnet-overlap";
    public const string NodePortInUse = "node-port-in-use";
    public const string Alive = "alive";
    public const string BeingDeleted = "being-deleted";
    public const string IdempotencyKeyReused = "idempotency-key-reused";
    public const string MethodNotAllowed = "method-not-allowed";
    public const string UnsupportedMediaType = "unsupported-media-type";
    public const string PayloadTooLarge = "payload-too-large";
    public const string TokenTooOld = "token-too-old";
    public const string TooManyRequests = "too-many-requests";
    public const string Unavailable = "unavailable";
    public const string DocumentUnreadable = "document-unreadable";
    public const string GrantOverlap = "grant-overlap";
    public const string NotGranted = "not-granted";
    public const string QuotaExceeded = "quota-exceeded";
    public const string NetworkNotAllowed = "network-not-allowed";
    public const string HostNotAllowed = "host-not-allowed";
    public const string InternalError = "internal-error";
    public const string BadRequest = "bad-request";
}
