using System.Net;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Reconcile;
using CN2.Network.Resources;

namespace CN2.Simulation.Tests.Contracts;

/// <summary>A database behind the stores of several control nodes, and what requests of users do to it. The rows in memory must answer as PostgreSQL does.</summary>
public abstract class StoreSite
{
    public static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>The store of one control node.</summary>
    public abstract T Get<T>(string controlNode = "cn-a") where T : class;

    /// <summary>Nobody leads, no control node and no agent was ever seen, nothing is announced. What users made stays.</summary>
    public abstract Task EmptyAsync();

    /// <summary>The database's clock goes on; less than zero: it is set back.</summary>
    public abstract Task PassAsync(TimeSpan time);

    /// <summary>A Service with an address of a large network, or of the small one.</summary>
    public abstract Task<Guid> CreateServiceAsync(string name, bool inSmallNetwork = false);

    public abstract Task DeleteServiceAsync(Guid service);

    /// <summary>A reserved FloatingIP.</summary>
    public abstract Task<Guid> ReserveAsync(string name);

    public abstract Task DeleteFloatingIPAsync(Guid floatingIP);

    public abstract Task<Guid> CreateEndpointAsync(string name, IPAddress address, string virtualRouter);

    public abstract Task CreatePeerAsync(string name, IPAddress address);

    /// <summary>A transaction of somebody else that writes nothing that the feed has, and stays open until it is disposed.</summary>
    public abstract Task<IAsyncDisposable> OpenTransactionAsync();

    /// <summary>The database fails over, to a server that has everything.</summary>
    public abstract Task FailOverAsync();

    /// <summary>Whoever reads next after a fail-over begins a new epoch.</summary>
    public Task NoticeFailOverAsync() => TryReadAsync();

    internal async Task<StateSnapshot> ReadAsync() => await TryReadAsync() ?? throw new InvalidOperationException("A new epoch has begun.");

    private async Task<StateSnapshot?> TryReadAsync()
    {
        await using var reading = await Get<IStateReader>().OpenAsync(Ct);
        return await Get<IStateReader>().ReadAllAsync(reading, Ct);
    }

    /// <summary>In the rows in memory, a Service has no other: none of the service network.</summary>
    internal async Task<FloatingIP> FloatingIPOfAsync(Guid service) => (await ReadAsync()).FloatingIPs.Items.Single(f => f.Service == service && f.Kind == FloatingIPKind.External);

    internal async Task<VirtualRouterState> RouterAsync(string name) => (await ReadAsync()).VirtualRouters.Items.Single(r => r.Router.Name == name);

    internal async Task<LeaderLease> LeadAsync(string controlNode = "cn-a") =>
        (await Get<ILeaderLeaseStore>(controlNode).TakeAsync(Guid.NewGuid(), null, isStart: false, Ct))!.Value.Lease;

    internal Task<(bool Others, bool Unknown)> BeatAsync(string controlNode, int restartTime = 5, bool engineBound = false, string? sessions = null, params string[] changed) =>
        Get<IControlNodeStore>().BeatAsync(new ControlNodeBeat(controlNode, restartTime, engineBound, Address: IPAddress.Loopback), sessions, changed, Ct);

    /// <summary>The change rows of what is done, sorted.</summary>
    /// <param name="about">Only those of these resources.</param>
    internal async Task<List<string>> ChangesOfAsync(Func<Task> act, params Guid[] about)
    {
        var (reader, feed) = (Get<IStateReader>(), Get<IChangeFeedReader>());
        FeedPosition before;
        await using (var reading = await reader.OpenAsync(Ct)) before = (await feed.EndAsync(reading, Ct))!;
        await act();
        await using var after = await reader.OpenAsync(Ct);
        return [.. (await feed.ReadAsync(after, before, 1000, Ct)).Rows.Where(r => about.Length == 0 || about.Contains(r.Uid)).Select(Text).Order(StringComparer.Ordinal)];
    }

    /// <summary>What the loop looks at.</summary>
    private static string Text(ChangeRow row) => row.Kind switch
    {
        ResourceKind.Announcements => $"{row.Verb} {row.Kind} {row.Name} {row.Uid}",
        ResourceKind.VirtualRouter or ResourceKind.BgpRouter => $"{row.Verb} {row.Kind} {row.Name}",
        _ => $"{row.Verb} {row.Kind} {row.Uid}",
    } + (row.StatusOnly ? " status" : "");
}
