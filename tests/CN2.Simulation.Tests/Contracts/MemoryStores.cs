using System.Net;
using CN2.Api.Data;
using CN2.Api.Reconcile;
using CN2.Api.Services;
using CN2.Simulation.Tests.Bgp;
using CN2.Simulation.Tests.Database;
using CN2.Simulation.Tests.Scheduling;
using CN2.Simulation.Tests.World;

namespace CN2.Simulation.Tests.Contracts;

/// <summary>The rows in memory, with a database that answers at once.</summary>
public sealed class MemoryStores : StoreSite
{
    private readonly Scheduler _scheduler = new(new Random(1));
    private readonly MemoryDatabase _database;
    private readonly DatabaseLink _link;
    /// <summary>Process → stores of which it has one each, because they know what they wrote.</summary>
    private readonly Dictionary<(string Process, Type Store), object> _own = [];
    private readonly Writes _writes;
    private readonly Guid _network;
    private readonly Guid _smallNetwork;
    private DateTimeOffset _now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public MemoryStores()
    {
        _database = new MemoryDatabase(() => _now);
        _link = new DatabaseLink(_database, new DatabaseWeather { SlowPercent = 0 }, _scheduler, new Random(1));
        _writes = new Writes(_database);
        _network = _writes.CreateNetwork(1, 200);
        _smallNetwork = _writes.CreateNetwork(2, 1);
    }

    public override T Get<T>(string controlNode = "cn-a") => (T)(object)(typeof(T) switch
    {
        var t when t == typeof(IStateReader) => new MemoryStateReader(_link),
        var t when t == typeof(IChangeFeedReader) => new MemoryChangeFeedReader(_link),
        var t when t == typeof(IControlNodeStore) => new MemoryControlNodeStore(_link),
        var t when t == typeof(IAnnouncementStore) => Own(controlNode, () => new MemoryAnnouncementStore(_link)),
        var t when t == typeof(IAgentReportStore) => Own(controlNode, () => new MemoryAgentReportStore(_link)),
        var t when t == typeof(IEndpointHealthStore) => new MemoryEndpointHealthStore(_link),
        var t when t == typeof(IStatusStore) => new MemoryStatusStore(_link),
        var t when t == typeof(IServiceLifecycle) => new MemoryServiceLifecycle(_link),
        var t when t == typeof(ILeaderLeaseStore) => new MemoryLeaderLeaseStore(_link, controlNode),
        var t when t == typeof(ISessionTurnStore) => (object)new MemorySessionTurnStore(_link, controlNode),
        var t => throw new NotSupportedException($"{t} has no rows in memory."),
    });

    private object Own<T>(string process, Func<T> make)
        where T : notnull
    {
        if (!_own.TryGetValue((process, typeof(T)), out var store)) _own[(process, typeof(T))] = store = make();
        return store;
    }

    public override Task EmptyAsync() => Task.CompletedTask; // each test has a database of its own

    public override Task PassAsync(TimeSpan time)
    {
        _now += time;
        return Task.CompletedTask;
    }

    public override Task FailOverAsync()
    {
        _database.FailOver(_database.Copy());
        return Task.CompletedTask;
    }

    public override Task<Guid> CreateServiceAsync(string name, bool inSmallNetwork = false) => Task.FromResult(_writes.CreateService(name, inSmallNetwork ? _smallNetwork : _network, "web").Uid);

    public override Task DeleteServiceAsync(Guid service)
    {
        _writes.DeleteService(service);
        return Task.CompletedTask;
    }

    public override Task<Guid> ReserveAsync(string name) => Task.FromResult(_writes.Reserve(name, _network, [])!.Uid);

    public override Task DeleteFloatingIPAsync(Guid floatingIP)
    {
        _writes.DeleteFloatingIP(floatingIP);
        return Task.CompletedTask;
    }

    public override Task<Guid> CreateEndpointAsync(string name, IPAddress address, string virtualRouter)
    {
        _writes.CreateEndpoint(name, "web", address, virtualRouter);
        return Task.FromResult(_database.Endpoints.Values.Single(e => e.Id.Name == name).Uid);
    }

    public override Task CreatePeerAsync(string name, IPAddress address)
    {
        _writes.PutPeer(Site.PeerOf(new Router(name, address, RouterKind.Frr, _scheduler), holdTime: 9));
        return Task.CompletedTask;
    }

    public override Task<IAsyncDisposable> OpenTransactionAsync() => Task.FromResult<IAsyncDisposable>(new Transaction(_database, _database.Open()));

    private sealed class Transaction(MemoryDatabase database, ulong xid) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            database.Close(xid);
            return ValueTask.CompletedTask;
        }
    }
}
