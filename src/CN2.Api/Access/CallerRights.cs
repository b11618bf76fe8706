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

    /// <summary>May do what an operator may: to it a namespace without a grant is no obstacle.</summary>
    public bool IsOperator => Everywhere >= Role.Operator;

    /// <summary>Of a request, once its caller is known.</summary>
    public static CallerRights Of(HttpContext http) => http.Features.Get<CallerRights>() ?? All;

    /// <summary>The highest role in a namespace; null: the caller may not know what is in it.</summary>
    public Role? In(string ns)
    {
        var there = Namespaces.TryGetValue(ns, out var role) ? role : (Role?)null;
        return Everywhere is { } everywhere && (there is null || everywhere > there) ? everywhere : there;
    }
}
