using System.Globalization;

namespace CN2.VRouter.Inspection;

/// <summary>The hooks of netfilter that forwarded packets and those to the node pass (NF_INET_*).</summary>
internal enum NetfilterHook
{
    Prerouting,
    Input,
    Forward,
    Output,
    Postrouting,
}

/// <summary>A chain of nftables that the kernel calls at a hook.</summary>
/// <param name="Family">The word of nft: ip, ip6 or inet.</param>
/// <param name="Priority">Chains of a hook are called in this order.</param>
/// <param name="Drops">Its policy: what no rule decides is dropped.</param>
internal sealed record BaseChain(string Family, string Table, string Name, NetfilterHook Hook, int Priority, string Type, bool Drops)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"chain {Name} of table {Family} {Table} (hook {Hook.ToString().ToLowerInvariant()}, priority {Priority}, policy {(Drops ? "drop" : "accept")})");
}
