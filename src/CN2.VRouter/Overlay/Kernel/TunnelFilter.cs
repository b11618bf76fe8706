using System.Globalization;
using System.Net;
using System.Text;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Nft;
using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Overlay.Kernel;

/// <summary>
/// Drops and counts, in a separate nftables table, MPLS packets from the underlay that this node must not accept. The kernel itself would
/// accept any label from any router that it has a tunnel to.
/// </summary>
internal sealed class TunnelFilter : IDisposable
{
    private static readonly string[] Counted = ["malformed", "ttl_expired", "unknown_source", "unknown_label"];

    private readonly string _table;
    private readonly IPAddress _address;
    private readonly NftMonitor _monitor;
    private readonly NftTotals _totals;

    public TunnelFilter(string table, IPAddress address, Action<string> drift)
    {
        _table = TableOf(table);
        _address = address;
        _totals = new NftTotals(_table);
        _monitor = new NftMonitor(_table, drift, () => drift("notices of nftables were lost"));
    }

    /// <summary>This object has written the table.</summary>
    public bool Written { get; private set; }

    /// <summary>Replaces the whole table in one transaction.</summary>
    public async Task WriteAsync(TunnelAdmission admitted)
    {
        if (Written) _totals.Keep();
        await NftProcess.RunAsync(Text(_table, _address, admitted), id => _monitor.Own((uint)id), "-f", "-");
        Written = true;
    }

    public Task ChangeAsync(TunnelAdmission add, TunnelAdmission remove)
    {
        var text = string.Concat(Lines("delete", remove).Concat(Lines("add", add)));
        return text.Length == 0 ? Task.CompletedTask : NftProcess.RunAsync(text, id => _monitor.Own((uint)id), "-f", "-");

        IEnumerable<string> Lines(string verb, TunnelAdmission what)
        {
            if (what.Senders.Count > 0) yield return $"{verb} element ip {_table} senders {{ {Elements(what.Senders)} }}\n";
            if (what.Labels.Count > 0) yield return $"{verb} element ip {_table} labels {{ {Elements(what.Labels)} }}\n";
        }
    }

    /// <summary>Packets dropped, by reason.</summary>
    public OverlayCounters Read(IReadOnlyDictionary<int, RoutingInstanceCounters> carried)
    {
        var totals = _totals.Read();
        long Of(string name) => totals.GetValueOrDefault(name);
        return new OverlayCounters(carried, Of("unknown_label"), Of("unknown_source"), Of("malformed"), Of("ttl_expired"), 0, 0);
    }

    public static async Task FlushAsync(string table) =>
        await NftProcess.RunAsync($"add table ip {TableOf(table)}\ndelete table ip {TableOf(table)}\n", null, "-f", "-");

    public void Dispose()
    {
        _monitor.Dispose();
        _totals.Dispose();
    }

    /// <summary>
    /// The text of the table. Pure. Offsets: a UDP header has 64 bits, a GRE header without options 32 (RFC 2784). The label stack entry that
    /// follows has 20 bits of label, 3 of traffic class, 1 bottom of stack, 8 of TTL (RFC 3032); the sets hold the first 24 bits.
    /// </summary>
    internal static string Text(string table, IPAddress address, TunnelAdmission admitted)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $$"""
            add table ip {{table}}
            delete table ip {{table}}
            table ip {{table}} {
            {{string.Concat(Counted.Select(c => $"  counter {c} {{ }}\n"))}}
              set senders {
                typeof ip saddr . @th,64,24
                flags interval
            {{(admitted.Senders.Count == 0 ? "" : $"    elements = {{ {Elements(admitted.Senders)} }}")}}
              }
              set labels {
                typeof @th,64,24
                flags interval
            {{(admitted.Labels.Count == 0 ? "" : $"    elements = {{ {Elements(admitted.Labels)} }}")}}
              }
              chain arrival {
                type filter hook prerouting priority -350; policy accept;
                ip daddr {{address}} udp dport {{MplsInUdp.Port}} goto in_udp
                ip daddr {{address}} ip protocol gre @th,16,16 {{MplsInGre.MplsUnicast}} goto in_gre
              }
            {{Chain("in_udp", 64, "udp length < 13 counter name malformed drop")}}
            {{Chain("in_gre", 32, "@th,0,16 != 0 counter name malformed drop\n    ip length < 29 counter name malformed drop")}}
            }

            """);
        return text.ToString();
    }

    private static string Chain(string name, int at, string whole) => $$"""
          chain {{name}} {
            {{whole}}
            @th,{{at + 16}},8 & 1 == 0 counter name malformed drop
            @th,{{at + 24}},8 < 2 counter name ttl_expired drop
            ip saddr . @th,{{at}},24 @senders accept
            @th,{{at}},24 @labels counter name unknown_source drop
            counter name unknown_label drop
          }
        """;

    private static string TableOf(string table) => table + "_tunnels";

    private static string Elements(IEnumerable<TunnelSender> senders) => string.Join(", ", senders.Select(s => $"{TunnelDevice.Text(s.Address)} . {Entry(s.Label)}"));

    private static string Elements(IEnumerable<uint> labels) => string.Join(", ", labels.Select(Entry));

    /// <summary>A label with all its traffic classes.</summary>
    private static string Entry(uint label) => string.Create(CultureInfo.InvariantCulture, $"{label << 4}-{(label << 4) | 15}");
}
