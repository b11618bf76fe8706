using System.Collections.Frozen;

namespace CN2.Api.Access;

/// <summary>What the caller of a request may do: the sum of the role bindings that name it, as they were when the request began.</summary>
/// <param name="Everywhere">Its highest role in all namespaces; null: none.</param>
/// <param name="Namespaces">Its highest role in single namespaces.</param>
public sealed record CallerRights(Role? Everywhere, FrozenDictionary<string, Role> Namespaces)
{
    /// <summary>Of everybody where <c>Auth__Mode</c> is none.</summary>
    public static CallerRights All { get; } = new(Role.Admin, FrozenDictionary<string, Role>.Empty);

    /// <summary>Of a caller that no role binding names.</summary>
    public static CallerRights None { get; } = new(null, FrozenDictionary<string, Role>.Empty);

    /// <summary>The namespaces that the caller may see; null: all, and what belongs to none.</summary>
    public IReadOnlySet<string>? Visible { get; } = Everywhere is null ? Namespaces.Keys.ToFrozenSet(StringComparer.Ordinal) : null;

    /// <summary>May do what an operator may: to it a namespace without a grant is no obstacle.</summary>
    public bool IsOperator => Everywhere >= Role.Operator;

    /// <summary>Of whoever may read what is in one namespace, and no more: what is shown to all of them is as one of them may see it.</summary>
    public static CallerRights OfReaders(string ns) => Of([new RoleGrant(Role.Viewer, [ns])]);

    /// <summary>Of a request, once its caller is known.</summary>
    /// <exception cref="InvalidOperationException">Nobody has asked who calls: whatever the request wants, it must not be done.</exception>
    public static CallerRights Of(HttpContext http) =>
        http.Features.Get<CallerRights>() ?? throw new InvalidOperationException("What the caller may do was not looked up for this request.");

    /// <summary>The sum of several grants.</summary>
    public static CallerRights Of(IReadOnlyCollection<RoleGrant> grants)
    {
        if (grants.Count == 0) return None;
        Role? everywhere = null;
        var single = new Dictionary<string, Role>(StringComparer.Ordinal);
        foreach (var grant in grants)
        {
            if (grant.Namespaces is null) everywhere = everywhere is null || grant.Role > everywhere ? grant.Role : everywhere;
            foreach (var ns in grant.Namespaces ?? []) single[ns] = single.TryGetValue(ns, out var role) && role > grant.Role ? role : grant.Role;
        }

        return new CallerRights(everywhere, single.ToFrozenDictionary(StringComparer.Ordinal));
    }

    /// <summary>The highest role in a namespace; null: the caller may not know what is in it.</summary>
    public Role? In(string ns)
    {
        var there = Namespaces.TryGetValue(ns, out var role) ? role : (Role?)null;
        return Everywhere is { } everywhere && (there is null || everywhere > there) ? everywhere : there;
    }

    /// <summary>The caller may do the same.</summary>
    public bool Equals(CallerRights? other) => other is not null && Everywhere == other.Everywhere && Namespaces.Count == other.Namespaces.Count
        && (ReferenceEquals(Namespaces, other.Namespaces) || Namespaces.All(n => other.Namespaces.TryGetValue(n.Key, out var role) && role == n.Value));

    public override int GetHashCode() => HashCode.Combine(Everywhere, Namespaces.Count);
}
