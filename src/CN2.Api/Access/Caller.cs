namespace CN2.Api.Access;

/// <summary>Who sends a request (docs/contract.md §7, Callers).</summary>
/// <param name="Kind">How it said who it is.</param>
/// <param name="Name">The user's name, or that of the API token.</param>
/// <param name="Groups">The groups that its identity provider or its certificate gives a user; a token has none.</param>
public sealed record Caller(CallerKind Kind, string Name, IReadOnlyList<string> Groups)
{
    /// <summary>Everybody where <c>Auth__Mode</c> is none: may do everything.</summary>
    public static Caller Anonymous { get; } = new(CallerKind.Anonymous, "anonymous", []);

    /// <summary>The caller of a request, once it is known.</summary>
    /// <exception cref="InvalidOperationException">Nobody has asked who calls: whatever the request wants, it must not be done.</exception>
    public static Caller Of(HttpContext http) => Find(http) ?? throw new InvalidOperationException("Who calls was not asked for this request.");

    /// <summary>The caller of a request; null: it is not known, because the path is open to all or the request was refused before.</summary>
    public static Caller? Find(HttpContext http) => http.Features.Get<Caller>();

    /// <summary>Such as <c>User alice</c>, for sentences and the audit log.</summary>
    public override string ToString() => Kind == CallerKind.Anonymous ? Name : $"{Kind} {Name}";
}
