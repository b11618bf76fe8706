using System.Text.RegularExpressions;

namespace CN2.VRouter.Tests.Lab;

/// <summary>Counts packets at a hook of a namespace, until it is disposed.</summary>
internal sealed partial class PacketCount : IDisposable
{
    private readonly NetworkNamespace _home;
    private readonly string _table = "count" + Guid.NewGuid().ToString("n")[..8];

    /// <param name="hook">Of nftables: input, forward, postrouting.</param>
    /// <param name="match">What is counted, as nft writes it.</param>
    /// <param name="priority">Of nftables: by default after all tables of the product, which may have dropped the packet; -400 is before them.</param>
    public PacketCount(NetworkNamespace home, string hook, string match, int priority = 300)
    {
        _home = home;
        home.ExecWith($"table inet {_table} {{ chain c {{ type filter hook {hook} priority {priority}; {match} counter; }}; }}", "nft", "-f", "-");
    }

    public long Packets => long.Parse(Count().Match(_home.Exec("nft", "list", "table", "inet", _table)).Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture);

    public void Dispose() => _home.Exec("nft", "delete", "table", "inet", _table);

    [GeneratedRegex("packets ([0-9]+) ")]
    private static partial Regex Count();
}
