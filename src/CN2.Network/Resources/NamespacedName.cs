using System.Diagnostics.CodeAnalysis;

namespace CN2.Network.Resources;

/// <summary>The identity of a namespaced resource, written <c>namespace/name</c>.</summary>
public readonly record struct NamespacedName(string Namespace, string Name) : IComparable<NamespacedName>
{
    /// <summary>Reads <c>ns/name</c>, or <c>name</c> taken in <paramref name="defaultNamespace"/>.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, string defaultNamespace, out NamespacedName result)
    {
        result = default;
        if (string.IsNullOrEmpty(text)) return false;
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0)
        {
            result = new NamespacedName(defaultNamespace, text);
            return true;
        }

        if (slash == 0 || slash == text.Length - 1 || text.IndexOf('/', slash + 1) >= 0) return false;
        result = new NamespacedName(text[..slash], text[(slash + 1)..]);
        return true;
    }

    public int CompareTo(NamespacedName other)
    {
        var order = string.CompareOrdinal(Namespace, other.Namespace);
        return order != 0 ? order : string.CompareOrdinal(Name, other.Name);
    }

    public override string ToString() => $"{Namespace}/{Name}";
}
