using CN2.Api.Drivers;
using CN2.Api.Tests.Drivers.GoBgp;
using CN2.Api.Tests.Drivers.GoBgp.Lab;
using CN2.Api.Tests.Fixtures;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Reconcile;

/// <summary>The real server with a real gobgpd, and agents that the test plays.</summary>
internal sealed class EngineReplica(string connectionString, string name, GoBgpd engine, string routerId) : ApiServer(null!)
{
    public FakeAgents Agents { get; } = new();

    protected override string[] Settings =>
    [
        "--ControlNode:Name", name, "--Bgp:Engine", "gobgp", "--Bgp:GoBgp:Address", engine.Address, "--Bgp:RouterId", routerId,
        "--Bgp:AutonomousSystem", $"{Spec.Asn}", "--Logging:LogLevel:CN2", "Error",
    ];

    protected override Task<string> DatabaseAsync() => Task.FromResult(connectionString);

    protected override void Replace(IServiceCollection services) => services.AddSingleton<IVRouterPublisher>(Agents);

    public override async ValueTask DisposeAsync()
    {
        Agents.Dispose();
        await base.DisposeAsync();
    }
}
