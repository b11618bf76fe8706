using System.ComponentModel;
using System.Net;
using System.Threading.Channels;
using CN2.Network.Sequencing;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Inspection;

namespace CN2.VRouter.Nft;

/// <summary>
/// nftables and connection tracking in the network namespace of this process. The tables stay when it is disposed.
/// </summary>
public sealed partial class NftDataplane : IDataplane
{
    /// <summary>Transactions that one call may spend on finding out what exactly the kernel refuses.</summary>
    private const int MaximumTries = 128;

    /// <summary>The same for trials of the whole configuration. Four are a part of 1/16 that is left out until the next step.</summary>
    private const int MaximumTrials = 8;

    private const int ManyNatEntries = 5_000;

    private const string NotTried = "it was not tried alone, because the kernel refuses many items at once; it is tried again";

    private readonly NodeFence? _fence;
    private readonly NodeUplinks? _uplinks;
    private NftOptions _options;
    private readonly ILogger<NftDataplane> _logger;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly Channel<string> _drift = Channel.CreateBounded<string>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly NftMonitor _monitor;
    private readonly Dictionary<VirtualRouterItem, string> _refused = [];
    private NftContents? _contents;

    private volatile bool _drifted;

    /// <summary>From the first replacement on. What is changed before it goes with it.</summary>
    private volatile bool _isWatching;

    /// <exception cref="DataplaneException">The kernel sends no notices of changes of nftables.</exception>
    public NftDataplane(NftOptions options, ILogger<NftDataplane> logger, NodeFence? fence = null, NodeUplinks? uplinks = null)
    {
        _fence = fence;
        _uplinks = uplinks;
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

    /// <summary>How often other processes have changed nftables, also in tables that are not the agent's.</summary>
    public int OthersChanges => _monitor.OthersChanges;

    /// <summary>Removes the tables; traffic to the addresses in them is no longer translated.</summary>
    public static Task FlushAsync(string table) => NftProcess.RunAsync(NftRuleset.Flush(table), null, "-f", "-");

    /// <summary>Checks that nft and the kernel accept the agent's tables; changes nothing.</summary>
    /// <exception cref="DataplaneException">They do not; the message says what is missing.</exception>
    public static Task CheckAsync(NftOptions options) => NftProcess.RunAsync(NftRuleset.Frame(options), null, "-c", "-f", "-");

    public async Task<IReadOnlyList<DataplaneRefusal>> ApplyAsync(DataplaneConfig desired, DataplaneChange? change, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation);
        try
        {
            // Before the entries: their changes are judged by who owns what now.
            _owners.Update(desired, change, _ending);
            await TakeNodeAsync();
            if (_contents is null || _drifted) await ReplaceAsync(desired);
            else await ChangeAsync(_contents, desired, change ?? Everything(_contents, desired));
            return [.. _refused.Select(r => new DataplaneRefusal(r.Key, r.Value))];
        }
        catch (TimeoutException e)
        {
            _contents = null;
            throw new DataplaneException(e.Message, e);
        }
        finally
        {
            try
            {
                EndFlowsInTime();
            }
            finally
            {
                _turn.Release();
            }
        }
    }

    /// <summary>The endpoints that are on this node, as the tables have them.</summary>
    public async Task<IReadOnlyList<IPAddress>> EndpointsAsync()
    {
        await _turn.WaitAsync();
        try
        {
            return [.. _contents?.Endpoints() ?? []];
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
        change.Inside.UnionWith(contents.Inside);
        change.Inside.UnionWith(desired.Inside);
        return change;
    }

    /// <summary>Takes the fence and the uplinks of this moment, in a transaction of their own unless everything is replaced anyway.</summary>
    private async Task TakeNodeAsync()
    {
        var options = _options with { Fence = _fence?.Addresses ?? _options.Fence, Uplinks = _uplinks?.Names ?? _options.Uplinks };
        if (options.Fence.SetEquals(_options.Fence) && options.Uplinks.SetEquals(_options.Uplinks)) return;
        if (_contents is not null && !_drifted) await CommitAsync(NftRuleset.Node(options));
        _options = options;
    }

    private async Task ReplaceAsync(DataplaneConfig desired)
    {
        var guarded = _contents?.GuardedAddresses().ToHashSet() ?? await GuardedByFormerAgentAsync();
        // What was refused before is put in afterwards, item by item: it would most likely be refused with everything else once more.
        var rest = NftSelection.Of(desired, _refused.Keys);
        _refused.Clear();
        // Cleared before the transaction: a foreign change during it must be repaired by the next one.
        _drifted = false;
        _isWatching = true;
        var after = NftContents.Of(rest.Count == 0 ? desired : NftSelection.Without(desired, rest));
        try
        {
            try
            {
                if (!await TryRebuildAsync(after)) await CommitAsync(after.Text(_options));
            }
            catch (DataplaneException)
            {
                await CheckFrameAsync();
                var admitted = await AdmitWholeAsync(desired, [.. NftSelection.All(desired).Except(rest)]);
                after = NftContents.Of(admitted);
                await CommitAsync(after.Text(_options));
                rest = [.. NftSelection.All(desired).Except(NftSelection.All(admitted))];
            }
        }
        catch
        {
            _drifted = true;
            foreach (var item in rest) _refused[item] = NotTried;
            throw;
        }

        _contents = after;
        if (rest.Count > 0) await AdmitAsync(after, desired, rest, new NftBudget(MaximumTries));
        guarded.RemoveWhere(after.Guards);
        _ending.AddAll();
        _ending.Freed.UnionWith(guarded);
        LogReplaced(after.NatEntries.Count, after.FloatingIPs.Count);
        // The texts of a large configuration are tens of megabytes that are not needed again for a long time.
        if (after.NatEntries.Count >= ManyNatEntries) GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
    }

    /// <summary>
    /// The largest part of the configuration that a few trials find to be acceptable at once. Trials change nothing (<c>nft -c</c>), so that
    /// the tables of an earlier agent serve meanwhile. Each costs as much as a replacement, so the search stops at a small rest.
    /// </summary>
    private async Task<DataplaneConfig> AdmitWholeAsync(DataplaneConfig desired, List<VirtualRouterItem> items)
    {
        // What is inside is no item: nothing of it is refused.
        var admitted = new DataplaneConfig();
        admitted.Inside.UnionWith(desired.Inside);
        var budget = new NftBudget(MaximumTrials);
        await AdmitAsync(items);
        return admitted;

        async Task AdmitAsync(List<VirtualRouterItem> some)
        {
            if (some.Count == 0 || !budget.Take()) return;
            var trial = NftSelection.With(admitted, desired, some);
            try
            {
                await NftProcess.RunAsync(NftContents.Whole(_options, trial).Text, null, "-c", "-f", "-");
                admitted = trial;
            }
            catch (DataplaneException) when (some.Count > 1)
            {
                await AdmitAsync(some[..(some.Count / 2)]);
                await AdmitAsync(some[(some.Count / 2)..]);
            }
            catch (DataplaneException)
            {
                // It is tried once more with the rest, which notes the reason.
            }
        }
    }

    private async Task ChangeAsync(NftContents contents, DataplaneConfig desired, DataplaneChange change)
    {
        var retried = new Dictionary<VirtualRouterItem, string>();
        foreach (var item in NftSelection.All(change))
        {
            if (_refused.Remove(item, out var reason)) retried[item] = reason;
        }

        try
        {
            if (await TryAsync(contents, desired, change) is null) return;
            // No entry is to blame when somebody flushes the tables under the change.
            if (_drifted)
            {
                foreach (var (item, reason) in retried) _refused.TryAdd(item, reason);
                await ReplaceAsync(desired);
                return;
            }

            await CheckFrameAsync();
            await ChangeInsideAsync(contents, desired, change);
        }
        catch (DataplaneException)
        {
            foreach (var (item, reason) in retried) _refused.TryAdd(item, reason);
            throw;
        }

        await AdmitAsync(contents, desired, contents.Differing(desired, change), new NftBudget(MaximumTries));
        if (_refused.Keys.All(retried.ContainsKey)) return;

        // Something new is refused. The kernel may hold something else than _contents: another process changed it a moment ago, or an nft
        // process was killed after the kernel had accepted its change. Then the whole configuration is accepted.
        var refused = new Dictionary<VirtualRouterItem, string>(_refused);
        foreach (var item in refused.Keys.Where(k => !retried.ContainsKey(k))) _refused.Remove(item);
        var (text, after) = NftContents.Whole(_options, NftSelection.Without(desired, [.. _refused.Keys]));
        try
        {
            await CommitAsync(text);
            _contents = after;
            _ending.AddAll();
        }
        catch (DataplaneException)
        {
            foreach (var (item, reason) in refused) _refused[item] = reason;
        }
    }

    /// <summary>What is inside is no item that may be refused, so no half of a change has it.</summary>
    private async Task ChangeInsideAsync(NftContents contents, DataplaneConfig desired, DataplaneChange change)
    {
        var inside = new DataplaneChange();
        inside.Inside.UnionWith(change.Inside);
        if (await TryAsync(contents, desired, inside) is { } reason) throw new DataplaneException(reason);
    }

    /// <summary>Puts items in force, all at once if the kernel lets it, else by halves; what remains alone in a half that is refused is noted as refused.</summary>
    private async Task AdmitAsync(NftContents contents, DataplaneConfig desired, IReadOnlyList<VirtualRouterItem> items, NftBudget budget)
    {
        if (items.Count == 0) return;
        var reason = budget.Take() ? await TryAsync(contents, desired, NftSelection.Change(items)) : NotTried;
        if (reason is null) return;
        if (items.Count == 1 || reason == NotTried)
        {
            foreach (var item in items.Where(i => NftSelection.IsIn(desired, i))) _refused[item] = reason;
            return;
        }

        await AdmitAsync(contents, desired, [.. items.Take(items.Count / 2)], budget);
        await AdmitAsync(contents, desired, [.. items.Skip(items.Count / 2)], budget);
    }

    /// <summary>One transaction; answers why the kernel refused it, or null.</summary>
    private async Task<string?> TryAsync(NftContents contents, DataplaneConfig desired, DataplaneChange change)
    {
        var transaction = contents.Difference(_options, desired, change);
        try
        {
            if (transaction.Text.Length > 0) await CommitAsync(transaction.Text);
        }
        catch (DataplaneException e)
        {
            return e.Message;
        }

        // Before the contents change: they tell which entries are new.
        _ending.Add(transaction.Judged, k => !contents.NatEntries.ContainsKey(k) && desired.NatEntries.TryGetValue(k, out var natEntry) ? natEntry : null);
        transaction.Accepted();
        _ending.Returned.UnionWith(transaction.Returned);
        _owners.EntriesChanged(transaction.Judged, contents, _ending);
        _ending.Freed.UnionWith(transaction.Freed);
        return null;
    }

    /// <summary>When not even empty tables are accepted, no item is to blame: nft is missing, or a privilege.</summary>
    private Task<string> CheckFrameAsync() => NftProcess.RunAsync(NftRuleset.Frame(_options), null, "-c", "-f", "-");

    private async Task CommitAsync(string text)
    {
        var process = 0u;
        try
        {
            await NftProcess.RunAsync(text, id => _monitor.Own(process = (uint)id), "-f", "-");
        }
        catch (DataplaneException)
        {
            _monitor.Refused(process);
            throw;
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

    private void Drifted(string what)
    {
        if (!_isWatching) return;
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

    [LoggerMessage(2, LogLevel.Information, "{Count} flows were ended, because their endpoint, address or client is not served any more.")]
    private partial void LogEnded(int count);

    [LoggerMessage(3, LogLevel.Warning, "Flows that must end could not be ended yet: {Reason}.")]
    private partial void LogNotEnded(string reason);
}
