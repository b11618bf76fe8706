using System.Net;
using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Reconcile;

namespace CN2.Simulation.Tests.Contracts;

/// <summary>Agents at the control nodes <c>cn-a</c> and <c>cn-b</c>, which beat.</summary>
public abstract class AgentStoreContract(StoreSite site) : StoreContract(site)
{
    private protected IAgentReportStore Store => Site.Get<IAgentReportStore>();

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        await Site.BeatAsync("cn-a");
        await Site.BeatAsync("cn-b");
    }

    private protected static VRouterHello Hello(int number, long connection = 1) => new($"compute{number}", new IPAddress([172, 27, 116, (byte)number]), null, "1.0")
    {
        Instance = $"instance{number}",
        Source = new IPAddress([172, 27, 116, (byte)number]),
        Connection = connection,
    };

    private protected static VirtualRouterProgress Progress(string name) => new(name, TimeSpan.Zero, 0, 0, null, "1.0", null);

    private protected async Task ConnectAsync(VRouterHello hello, string controlNode = "cn-a") => Assert.Null(await Store.ConnectAsync(hello, controlNode, 100, DateTimeOffset.UtcNow, Ct));

    private protected Task SaveAsync(params VirtualRouterProgress[] progress) => Store.SaveAsync("cn-a", progress, [], Ct);

    private protected Task DisconnectAsync(string controlNode, params string[] names) => Store.DisconnectAsync(controlNode, Ends(names), Ct);

    private protected Task VanishAsync(string controlNode, params string[] names) => Store.VanishAsync(controlNode, Ends(names), Ct);

    private static AgentEnd[] Ends(string[] names) => [.. names.Select(n => new AgentEnd(n, TimeSpan.Zero))];

    /// <summary>Agents at this control node, which have answered.</summary>
    private protected async Task<LeaderLease> ServeAsync(params int[] numbers)
    {
        foreach (var number in numbers) await ConnectAsync(Hello(number));
        await Store.SaveAsync("cn-a", [.. numbers.Select(n => Progress($"compute{n}"))], [.. numbers.Select(n => $"compute{n}")], Ct);
        return await Site.LeadAsync();
    }

    /// <summary>The leader, its control node and these agents live on.</summary>
    private protected async Task RenewAsync(LeaderLease lease, params string[] alive)
    {
        Assert.NotNull(await Site.Get<ILeaderLeaseStore>().RenewAsync(lease, Ct));
        await Site.BeatAsync("cn-a");
        await SaveAsync([.. alive.Select(Progress)]);
    }
}
