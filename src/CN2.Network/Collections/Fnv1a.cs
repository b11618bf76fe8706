namespace CN2.Network.Collections;

/// <summary>The FNV-1a hash of 32 bits: the same in every process and version, unlike <see cref="object.GetHashCode"/>.</summary>
public static class Fnv1a
{
    public static uint Of(ReadOnlySpan<byte> octets)
    {
        var hash = 2166136261u;
        foreach (var octet in octets) hash = unchecked((hash ^ octet) * 16777619u);
        return hash;
    }
}
