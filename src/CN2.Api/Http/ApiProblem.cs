using CN2.Api.Access;

namespace CN2.Api.Http;

/// <summary>
/// An expected refusal (RFC 9457); every error answer is made of one. <paramref name="Code"/> is stable and kebab-case, one of
/// <see cref="ProblemCodes"/>; <paramref name="Detail"/> tells the user what to do; <paramref name="Errors"/> names every fault of a
/// 400, and everything that is not granted, by its member's path (<c>ports[0].port</c>).
/// </summary>
public sealed record ApiProblem(int Status, string Code, string Title, string Detail, IReadOnlyDictionary<string, string[]>? Errors = null)
{
    /// <summary>Seconds until a retry can succeed; sent as <c>Retry-After</c>.</summary>
    public int? RetryAfterSeconds { get; init; }

    /// <summary>Of a conflict: the members of the request that it is about, which the Kubernetes API names.</summary>
    public IReadOnlyList<string> Paths { get; init; } = [];

    /// <summary>Of <c>quota-exceeded</c>: how much there is.</summary>
    public long? Used { get; init; }

    /// <summary>Of <c>quota-exceeded</c>: how much there may be.</summary>
    public long? Limit { get; init; }

    /// <summary>What <see cref="Detail"/> is for a request that only reads, when the two differ.</summary>
    public string? DetailOfRead { get; init; }

    /// <summary>As the caller may read it.</summary>
    /// <param name="rights">Null: they are not known, because the request was refused before.</param>
    public ApiProblem WithoutHiddenNames(CallerRights? rights) => rights?.Visible is null ? this : this with
    {
        Detail = HiddenNames.Hide(Detail, rights),
        Errors = Errors?.ToDictionary(e => e.Key, e => e.Value.Select(m => HiddenNames.Hide(m, rights)).ToArray()),
    };

    public static ApiProblem Validation(FaultList faults) => new(400, ProblemCodes.ValidationFailed, "The request is not valid",
        faults.Count == 1 ? $"{faults.First().Path}: {faults.First().Message}"
        : faults.Found == faults.Count ? $"{faults.Count} faults; see errors."
        : $"{faults.Found} faults; errors names the first {faults.Count} of them.", faults.ToDictionary());

    public static ApiProblem Validation(string path, string message)
    {
        var faults = new FaultList();
        faults.Add(path, message);
        return Validation(faults);
    }

    public static ApiProblem MalformedJson(string detail) => new(400, ProblemCodes.MalformedJson, "The body is not valid JSON", detail,
        new Dictionary<string, string[]> { ["$"] = [detail] });

    /// <param name="detail">Who may not do what.</param>
    public static ApiProblem Forbidden(string detail) => new(403, ProblemCodes.Forbidden, "The caller may not do this", detail);

    /// <summary>It is the same whether or not the resource exists.</summary>
    /// <param name="ns">Null: all namespaces, or the resource belongs to none.</param>
    public static ApiProblem Forbidden(Caller caller, AccessVerb verb, AccessResource resource, string? ns) =>
        Forbidden($"{caller} may not {verb.Word()} {resource.Word()}{(ns is null ? "" : $" in namespace {ns}")}; an admin can give it a role that may (role bindings).");

    /// <summary>A browser sends a write for a page that is not this server's.</summary>
    public static ApiProblem CrossOrigin() => new(403, ProblemCodes.CrossOrigin, "A page of another origin may not write",
        "A browser sends this for a page of another origin (Origin, Sec-Fetch-Site), without a bearer token; nothing was done. If the page is meant to, it sends a token, or the operator adds its origin to Http__CorsOrigins.");

    /// <summary>The write would take the role admin from the last who has it.</summary>
    public static ApiProblem LastAdmin() => new(409, ProblemCodes.LastAdmin, "The last admin",
        "After this no role binding would make anybody an admin, or only tokens that expire; give the role to somebody else first. A token counts for good when it has no expiresAt, and otherwise until it expires.");

    public static ApiProblem TooManyRoleBindings() => new(409, ProblemCodes.TooManyRoleBindings, "Too many role bindings",
        $"There are {CN2.Network.Resources.Limits.RoleBindings} role bindings, and more are not possible; give groups a role instead of single users, or delete those that nobody needs.");
    /// <summary>It says nothing of what was sent: that is in <c>WWW-Authenticate</c>, for the caller alone.</summary>
    public static ApiProblem Unauthenticated() => new(401, ProblemCodes.Unauthenticated, "Who calls is not known",
        "Send Authorization: Bearer with an API token or a token of the identity provider; the header WWW-Authenticate says what is wrong with what was sent.");

    public static ApiProblem TooManyTokens() => new(409, ProblemCodes.TooManyTokens, "Too many API tokens",
        $"There are {CN2.Network.Resources.Limits.ApiTokens} API tokens, and more are not possible; delete those that are no longer used (lastUsedAt).");

    /// <param name="what">Such as <c>Service ns1/my-service</c>.</param>
    public static ApiProblem NotFound(string what) => new(404, ProblemCodes.NotFound, "Not found", $"{what} does not exist.");

    public static ApiProblem TokenExists(string what) => new(409, ProblemCodes.AlreadyExists, "Already exists",
        $"{what} exists already, and tokens are not changed; make one of another name, or delete this one first.");

    public static ApiProblem AlreadyExists(string what) => new(409, ProblemCodes.AlreadyExists, "Already exists", $"{what} exists already; change it with PUT or PATCH.");

    /// <param name="users">The resources that use it, such as <c>Service ns1/my-service</c>; the first twenty are named.</param>
    public static ApiProblem InUse(string what, IReadOnlyCollection<string> users) => new(409, ProblemCodes.InUse, "In use",
        $"{what} is in use by {string.Join(", ", users.Take(20))}{(users.Count > 20 ? $" and {users.Count - 20} more" : "")}.");

    public static ApiProblem BeingDeleted(string what) => new(409, ProblemCodes.BeingDeleted, "Being deleted",
        $"{what} is being deleted; write it again once GET answers 404.");

    /// <param name="fault">What is wrong with the document, as JSON's reader says it.</param>
    public static ApiProblem DocumentUnreadable(string fault) => new(409, ProblemCodes.DocumentUnreadable, "What is stored cannot be read",
        $"A document that this write needs cannot be read by this version ({fault}); GET names the resource (DocumentUnreadable). Delete it and create it anew, or upgrade all control nodes.");

    public static ApiProblem AddressInUse(string detail) => new(409, ProblemCodes.AddressInUse, "The address is in use", detail);

    /// <param name="detail">Whose address it is: that of a VirtualRouter, a BgpRouter, a control node or the database server.</param>
    public static ApiProblem InfrastructureAddress(string detail) =>
        new(409, ProblemCodes.InfrastructureAddress, "The address is part of the infrastructure", detail);

    /// <param name="network">Such as <c>ns1/vn-external1</c>.</param>
    public static ApiProblem AddressesExhausted(string network) => new(409, ProblemCodes.AddressesExhausted, "No address is free",
        $"ExternalNetwork {network} has no free address; add a subnet or range, or delete what holds its addresses.");

    public static ApiProblem AddressOutOfRange(string path, string detail) => new(400, ProblemCodes.AddressOutOfRange, "The address is out of range", detail,
        new Dictionary<string, string[]> { [path] = [detail] });

    public static ApiProblem Immutable(string path, string detail) => new(400, ProblemCodes.ImmutableField, "The field cannot be changed", detail,
        new Dictionary<string, string[]> { [path] = [detail] });

    public static ApiProblem PreconditionFailed(string detail) => new(412, ProblemCodes.PreconditionFailed, "The resource has changed", detail);

    public static ApiProblem SubnetOverlap(string detail) => new(409, ProblemCodes.SubnetOverlap, "Subnets overlap", detail);

    /// <param name="detail">Which prefix overlaps which one of whose grant.</param>
    public static ApiProblem GrantOverlap(string detail) => new(409, ProblemCodes.GrantOverlap, "Grants overlap", detail);

    /// <param name="faults">By the member's path: the value, and what is granted.</param>
    public static ApiProblem NotGranted(FaultList faults) => new(403, ProblemCodes.NotGranted, "Not granted",
        faults.Count == 1 ? $"{faults.First().Path}: {faults.First().Message}" : $"{faults.Found} values are not granted to the namespace; see errors.", faults.ToDictionary());

    /// <param name="ns">The namespace, which has no grant.</param>
    public static ApiProblem NoGrant(string ns) => new(403, ProblemCodes.NotGranted, "Not granted",
        $"Namespace {ns} has no grant, so only operators write its ExternalNetworks; ask one for a grant, or for the network.");

    /// <param name="ns">The namespace, which has no grant.</param>
    public static ApiProblem NoGrantForParts(string ns) => new(403, ProblemCodes.NotGranted, "Not granted",
        $"Namespace {ns} has no grant, and somebody who is no operator wrote the VirtualNetwork or one of its Subnets; write a grant, or delete that part and write it anew.");

    /// <param name="ns">The namespace.</param>
    /// <param name="resource">What is counted, such as services.</param>
    /// <param name="used">How much there is.</param>
    /// <param name="limit">How much there may be; what is there may be more, because a quota takes nothing away.</param>
    /// <param name="asked">How much the request asks for.</param>
    public static ApiProblem QuotaExceeded(string ns, string resource, long used, long limit, long asked) => new(403, ProblemCodes.QuotaExceeded, "The quota is exceeded",
        $"Namespace {ns} uses {used} of at most {limit} {resource}, and the request asks for {asked} more; delete what is not needed, or ask an operator for a larger quota.")
    {
        Used = used,
        Limit = limit,
    };

    /// <param name="network">Such as <c>ns1/vn-external1</c>.</param>
    /// <param name="ns">The namespace that may not use it.</param>
    public static ApiProblem NetworkNotAllowed(string network, string ns) => new(403, ProblemCodes.NetworkNotAllowed, "The network is not for this namespace",
        $"The allowedNamespaces of ExternalNetwork {network} do not select Namespace {ns}; use another network, or ask the network's owner.")
    {
        Paths = ["externalNetwork"],
    };

    public static ApiProblem NodePortInUse(string detail) => new(409, ProblemCodes.NodePortInUse, "The node port is in use", detail);

    public static ApiProblem Alive(string controlNode) => new(409, ProblemCodes.Alive, "The control node is alive",
        $"ControlNode {controlNode} was seen within the last seconds; stop it and its BGP engine before you declare it dead.");

    public static ApiProblem IdempotencyKeyReused() => new(409, ProblemCodes.IdempotencyKeyReused, "The Idempotency-Key is taken",
        "This Idempotency-Key came with another body within the last 24 hours; use a new key for a new request.");

    public static ApiProblem PayloadTooLarge(long limit) => new(413, ProblemCodes.PayloadTooLarge, "The body is too large", $"A body may have {limit / (1024 * 1024)} MiB here.");

    /// <param name="host">The name that the request gave.</param>
    public static ApiProblem HostNotAllowed(string host) => new(400, ProblemCodes.HostNotAllowed, "The host is not a name of this server",
        $"{host} is not a name of this server; if it is meant to be one, the operator adds it to AllowedHosts.");

    /// <param name="detail">What there is too much of.</param>
    /// <param name="retryAfterSeconds">Until a retry can succeed.</param>
    public static ApiProblem TooManyRequests(string detail, int retryAfterSeconds) => new(429, ProblemCodes.TooManyRequests, "Too many requests", detail)
    {
        RetryAfterSeconds = retryAfterSeconds,
    };

    /// <summary>The request was not answered within <see cref="CN2.Network.Resources.Limits.RequestSeconds"/>.</summary>
    public static ApiProblem Overdue() => Unavailable() with
    {
        Title = "The request took too long",
        DetailOfRead = "The server gave up waiting for the database; try again.",
        Detail = "The server gave up waiting for the database or for the body of the request. Whether the change was made is not known: read the resource, or repeat the request with its Idempotency-Key.",
    };

    /// <summary>The server gave up early, because PostgreSQL takes connections or statements and answers none.</summary>
    public static ApiProblem DatabaseHangs() => Unavailable() with
    {
        Title = "The database does not answer",
        DetailOfRead = "The database takes requests and answers none, so the server gave up early; try again.",
        Detail = "The database takes requests and answers none, so the server gave up early. Whether the change was made is not known: read the resource, or repeat the request with its Idempotency-Key, when the database answers again.",
    };

    public static ApiProblem Unavailable() => new(503, ProblemCodes.Unavailable, "The database is away", "Nothing was changed by this request as far as is known; try again.")
    {
        RetryAfterSeconds = 2,
        DetailOfRead = "The server reaches no database at the moment; try again.",
    };
}
