using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using CN2.Bench.Lab;

namespace CN2.Bench.Scenarios;

/// <summary>(e) How long after somebody has flushed the agent's tables a connection through a FloatingIP comes again, next to nft that loads their listing elsewhere.</summary>
internal sealed class FlushedTable(Site site, Report report)
{
    private const int Rounds = 5;
    private const string Reference = "reference";
    private readonly List<object[]> _rows = [];

    public async Task RunAsync(string directory)
    {
        var listing = Path.Combine(directory, "tables.nft");
        await File.WriteAllTextAsync(listing, PrivateNetwork.Exec(Site.Compute, "nft", "-n", "list", "ruleset"));
        PrivateNetwork.AddNamespace(Reference);
        using var client = new NamespaceThread(Site.Client);
        var repairs = new List<double>();
        var loads = new List<double>();
        for (var round = 0; round <= Rounds; round++)
        {
            Progress.Step($"(e) flushed tables with {site.Services:N0} Services programmed, round {round} of {Rounds}");
            PrivateNetwork.Exec(Reference, "nft", "flush", "ruleset");
            var clock = Stopwatch.StartNew();
            PrivateNetwork.Exec(Reference, "nft", "-f", listing);
            var load = clock.Elapsed.TotalMilliseconds;

            PrivateNetwork.Exec(Site.Compute, "nft", "flush", "ruleset");
            clock.Restart();
            await Eventually.TrueAsync(() => Connects(client, site.WebAddress), "a connection comes again", 60, everyMilliseconds: 1);
            var repair = clock.Elapsed.TotalMilliseconds;
            if (round == 0) continue; // compiles the agent's code
            loads.Add(load);
            repairs.Add(repair);
        }

        var (ours, reference) = (repairs.Order().ElementAt(Rounds / 2), loads.Order().ElementAt(Rounds / 2));
        _rows.Add([site.Services, ours, reference, ours / reference]);
        report.Add(Aim.Under(FormattableString.Invariant($"(e) flushed tables with {site.Services:N0} Services are back"), 1000, ours, " ms"));
    }

    /// <summary>Whether a new connection is accepted within 20 ms. Without tables nobody has the FloatingIP.</summary>
    private static bool Connects(NamespaceThread client, string address)
    {
        using var socket = client.OpenSocket(AddressFamily.InterNetwork, SocketType.Stream);
        socket.Blocking = false;
        try
        {
            socket.Connect(IPAddress.Parse(address), 8080);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            // On its way.
        }
        catch (SocketException)
        {
            return false;
        }

        return socket.Poll(TimeSpan.FromMilliseconds(20), SelectMode.SelectWrite) && socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error) is 0;
    }

    public void Tell()
    {
        report.Heading("(e) Flushed tables");
        report.Table(["Services programmed", "back after ms", "nft -f of their listing ms", "ratio"], _rows);
        report.Text($"`nft flush ruleset` on the compute node, until a new connection through a FloatingIP is accepted: the agent's last transaction puts all of its tables in force at once. Beside it nft loads the listing of the same tables in a namespace of its own. Medians of {Rounds} in turns.");
    }
}
