using System.ComponentModel;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Threading.Channels;
using CN2.Network.Addressing;
using CN2.Network.Compilation;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Nft;

/// <summary>
/// nftables and connection tracking in the network namespace of this process. The tables stay when it is disposed.
/// </summary>
public sealed partial class NftDataplane : IDataplane
{
    private readonly NftOptions _options;
    private readonly ILogger<NftDataplane> _logger;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly Channel<string> _drift = Channel.CreateBounded<string>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly NftMonitor _monitor;
    private NftContents? _contents;
    private volatile bool _drifted;

    /// <exception cref="DataplaneException">The kernel sends no notices of changes of nftables.</exception>
    public NftDataplane(NftOptions options, ILogger<NftDataplane> logger)
    {
        _options = options;
        _logger = logger;
        try
        {
            _monitor = new NftMonitor(options.Table, Drifted, () => _ = Task.Run(LostNoticesAsync));
        }
        catch (Win32Exception e)
        {
            throw new DataplaneException($"changes of nftables cannot be watched: {e.Message}", e);
        }
    }

    public ChannelReader<string> Drift => _drift.Reader;

    /// <summary>Removes the tables; traffic to the addresses in them is no longer translated.</summary>
    public static Task FlushAsync(string table) => NftProcess.RunAsync(NftRuleset.Flush(table), null, "-f", "-");

    /// <summary>Checks that nft and the kernel accept the agent's tables; changes nothing.</summary>
    /// <exception cref="DataplaneException">They do not; the message says what is missing.</exception>
    public static Task CheckAsync(NftOptions options) => NftProcess.RunAsync(NftRuleset.Frame(options), null, "-c", "-f", "-");

    public async Task ApplyAsync(DataplaneConfig desired, DataplaneChange? change, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation);
        try
        {
            if (_contents is null || _drifted) await ReplaceAsync(desired);
            else await ChangeAsync(_contents, desired, change ?? Everything(_contents, desired));
        }
        catch (TimeoutException e)
        {
            _contents = null;
            throw new DataplaneException(e.Message, e);
        }
        finally
        {
            _turn.Release();
        }
    }

    public ValueTask DisposeAsync()
    {
        _monitor.Dispose();
        _turn.Dispose();
        return ValueTask.CompletedTask;
    }

    private static DataplaneChange Everything(NftContents contents, DataplaneConfig desired)
    {
        var change = new DataplaneChange();
        change.NatEntries.UnionWith(contents.NatEntries.Keys);
        change.NatEntries.UnionWith(desired.NatEntries.Keys);
        change.FloatingIPs.UnionWith(contents.FloatingIPs);
        change.FloatingIPs.UnionWith(desired.FloatingIPs);
        return change;
    }

    private async Task ReplaceAsync(DataplaneConfig desired)
    {
        var guarded = _contents?.GuardedAddresses().ToHashSet() ?? await GuardedByFormerAgentAsync();
        // Cleared before the transaction: a foreign change during it must be repaired by the next one.
        _drifted = false;
        var (text, after) = NftContents.Whole(_options, desired);
        try
        {
            await CommitAsync(text);
        }
        catch
        {
            _drifted = true;
            throw;
        }

        _contents = after;
        guarded.RemoveWhere(after.Guards);
        EndFlows(after, null, guarded);
        LogReplaced(desired.NatEntries.Count, desired.FloatingIPs.Count);
        // The text of a large configuration is tens of megabytes that are not needed again for a long time.
        var large = text.Length > 1024 * 1024;
        text = "";
        if (large) GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
    }

    private async Task ChangeAsync(NftContents contents, DataplaneConfig desired, DataplaneChange change)
    {
        var transaction = contents.Difference(_options, desired, change);
        try
        {
            if (transaction.Text.Length > 0) await CommitAsync(transaction.Text);
        }
        catch (DataplaneException)
        {
            // The kernel may hold something else than _contents: another process changed it a moment ago, or an nft process was killed after
            // the kernel had accepted its change. If the whole configuration is refused too, that error is for the operator.
            await ReplaceAsync(desired);
            return;
        }

        transaction.Accepted();
        if (transaction.EndpointsGone.Count > 0 || transaction.Freed.Count > 0)
            EndFlows(contents, transaction.EndpointsGone, transaction.Freed);
    }

    private async Task CommitAsync(string text)
    {
        var process = 0;
        try
        {
            await NftProcess.RunAsync(text, id => _monitor.Own(process = id), "-f", "-");
        }
        catch (DataplaneException)
        {
            _monitor.Refused(process);
            throw;
        }
    }

    private void EndFlows(NftContents contents, IReadOnlySet<NatEntryKey>? natEntries, IReadOnlySet<FloatingIPPlace> freed)
    {
        try
        {
            var addresses = NodeAddresses();
            var stale = new StaleFlows(contents, natEntries, freed, addresses);
            foreach (var family in NftRuleset.Families)
            {
                if (natEntries is not null && !natEntries.Any(f => f.Family == family) && !freed.Any(p => p.Address.FamilyOf() == family)) continue;
                var ended = Netlink.ConntrackTable.DeleteWhere(family, stale.Contains);
                if (ended > 0) LogEnded(ended);
            }
        }
        catch (Win32Exception e)
        {
            // The entries are correct; flows to removed endpoints end by their own timeout.
            LogNotEnded(e.Message);
        }
    }

    /// <summary>The guarded addresses in the tables of an earlier agent: flows to those that no entry uses now must end.</summary>
    private async Task<HashSet<FloatingIPPlace>> GuardedByFormerAgentAsync()
    {
        var places = new HashSet<FloatingIPPlace>();
        foreach (var family in NftRuleset.Families)
        {
            foreach (var set in (NftSet[])[NftSet.FloatingIPs, NftSet.VpnFloatingIPs])
            {
                string listing;
                try
                {
                    listing = await NftProcess.RunAsync(null, null, "-n", "list", "set", NftRuleset.Keyword(family), _options.Table, NftRuleset.SetName(set));
                }
                catch (DataplaneException)
                {
                    continue; // no such set: the first agent here
                }

                places.UnionWith(NftGuards.Read(listing));
            }
        }

        return places;
    }

    private static HashSet<IPAddress> NodeAddresses() =>
        [.. NetworkInterface.GetAllNetworkInterfaces().SelectMany(i => i.GetIPProperties().UnicastAddresses).Select(a => WithoutScope(a.Address))];

    private static IPAddress WithoutScope(IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetworkV6 && address.ScopeId != 0 ? new IPAddress(address.GetAddressBytes()) : address;

    private void Drifted(string what)
    {
        if (_contents is null) return; // the first ApplyAsync replaces everything anyway
        _drifted = true;
        _drift.Writer.TryWrite(what);
    }

    private async Task LostNoticesAsync()
    {
        try
        {
            await _turn.WaitAsync();
            bool foreign;
            try
            {
                foreign = _monitor.OthersMadeChanges();
            }
            finally
            {
                _turn.Release();
            }

            if (foreign) Drifted("notices of changes were lost");
        }
        catch (Exception e) when (e is ObjectDisposedException or Win32Exception)
        {
            Drifted("notices of changes were lost");
        }
    }

    [LoggerMessage(1, LogLevel.Information, "The tables now hold {NatEntries} entries and guard {FloatingIPs} FloatingIPs.")]
    private partial void LogReplaced(int natEntries, int floatingIPs);

    [LoggerMessage(2, LogLevel.Information, "{Count} flows to endpoints or addresses that are gone were ended.")]
    private partial void LogEnded(int count);

    [LoggerMessage(3, LogLevel.Warning, "Flows to endpoints or addresses that are gone could not be ended: {Reason}.")]
    private partial void LogNotEnded(string reason);
}
