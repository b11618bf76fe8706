using System.Net;
using CN2.Network.Compilation;

namespace CN2.VRouter.Nft;

/// <summary>The canonical order of frontends: family, address (node ports first), protocol, port.</summary>
public sealed class FrontendOrder : IComparer<FrontendKey>, IComparer<DataplaneFrontend>
{
    public static FrontendOrder Instance { get; } = new();

    public int Compare(DataplaneFrontend? x, DataplaneFrontend? y) => Compare(x!.Key, y!.Key);

    public int Compare(FrontendKey x, FrontendKey y)
    {
        var order = x.Family.CompareTo(y.Family);
        if (order == 0) order = Compare(x.Address, y.Address);
        if (order == 0) order = ((int?)x.Protocol ?? 0).CompareTo((int?)y.Protocol ?? 0);
        return order != 0 ? order : x.Port.CompareTo(y.Port);
    }

    /// <summary>By bytes; none before any.</summary>
    public static int Compare(IPAddress? x, IPAddress? y)
    {
        if (x is null || y is null) return (x is null ? 0 : 1) - (y is null ? 0 : 1);
        Span<byte> left = stackalloc byte[16];
        Span<byte> right = stackalloc byte[16];
        x.TryWriteBytes(left, out var leftLength);
        y.TryWriteBytes(right, out var rightLength);
        return left[..leftLength].SequenceCompareTo(right[..rightLength]);
    }
}
