using CN2.Api.Drivers;
using CN2.Api.Tests.Drivers;
using CN2.Api.Tests.Fixtures;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Reconcile;

/// <summary>The real server with a speaker and agents that the test plays; one of possibly several on a database.</summary>
internal sealed class Replica(string connectionString, string name, FakeBgpEngine engine, TimeProvider time, string[] settings) : ApiServer(null!)
{
    public string Name => name;

    public FakeBgpEngine Engine => engine;

    public FakeBgpSpeaker Speaker { get; } = new(engine);

    public FakeAgents Agents { get; } = new();

    protected override string[] Settings => ["--ControlNode:Name", name, "--Logging:LogLevel:CN2", "Error", .. settings];

    protected override Task<string> DatabaseAsync() => Task.FromResult(connectionString);

    protected override void Replace(IServiceCollection services)
    {
        services.AddSingleton<IBgpSpeaker>(Speaker);
        services.AddSingleton<IVRouterPublisher>(Agents);
        services.AddSingleton(time);
    }

    public override async ValueTask DisposeAsync()
    {
        Agents.Dispose();
        await base.DisposeAsync();
    }

    /// <summary>Lets a peer come up once the server has added it.</summary>
    public async Task EstablishAsync(string peer)
    {
        await Eventually.TrueAsync(() => Task.FromResult(Speaker.Peers.Any(p => p.Name == peer)), seconds: 30);
        Speaker.Establish(peer);
    }
}
