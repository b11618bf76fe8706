using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Reconcile;

/// <summary>
/// When another network may get the number of a deleted overlay network. Label and route distinguisher follow from the number, so an old
/// path or entry would bring packets for the new network to the endpoints of the old one.
/// </summary>
public sealed class RoutingInstanceNumberTests(PrivatePostgres postgres)
{
    private const string Networks = "/v1/namespaces/default/external-networks";
    private const string Web = "/v1/namespaces/default/services/web";

    [Fact]
    public async Task A_number_is_used_again_only_when_no_path_and_no_entry_of_the_deleted_network_exists()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        var number = await CreateAsync(plane, "old", "30.0.0.0/24");
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web", ""","externalNetwork":"old" """);
        await plane.UntilReadyAsync("web");
        Assert.True(IsAnnounced(plane, number));
        Assert.True(HasEntries(plane, number));

        // The engine does not confirm the withdrawal.
        plane.Engine.Hang();
        (await plane.Api.DeleteAsync(Web)).Expect(202);
        plane.Time.Jump(TimeSpan.FromSeconds(2)); // longer than entries are held
        await plane.LetAnotherServiceBeProgrammedAsync();
        Assert.True(IsAnnounced(plane, number));
        await ExpectInUseAsync(plane, number, "during");

        // The withdrawal is confirmed, and the vRouter does not confirm that the entry is gone.
        plane.Compute1.Acknowledges = false;
        plane.Engine.Start();
        await plane.Api.EstablishAsync("vmx1");
        await ControlPlane.UntilAsync(() => !IsAnnounced(plane, number));
        plane.Time.Jump(TimeSpan.FromSeconds(2));
        await plane.LetAChangePassAsync(plane.Api);
        Assert.True(HasEntries(plane, number));
        await ExpectInUseAsync(plane, number, "later");

        plane.Compute1.Acknowledges = true;
        plane.Compute1.Acknowledge();
        await Eventually.TrueAsync(async () => (await plane.Api.DeleteAsync($"{Networks}/old")).Status == 204, seconds: 30);
        Assert.False(IsAnnounced(plane, number));
        Assert.False(HasEntries(plane, number));
        Assert.Equal(number, await CreateAsync(plane, "new", "31.0.0.0/24"));
        await plane.ServiceAsync("next", ""","externalNetwork":"new" """);
        await plane.UntilReadyAsync("next");
        Assert.Equal(["31.0.0.2"], plane.Api.Speaker.Paths.Where(p => p.Key.Path.RoutingInstance == number).Select(p => p.Prefix.ToString()));
    }

    /// <summary>The network cannot be deleted, and another one gets another number.</summary>
    private static async Task ExpectInUseAsync(ControlPlane plane, int number, string another)
    {
        Assert.Equal("in-use", (await plane.Api.DeleteAsync($"{Networks}/old")).Expect(409).Code);
        Assert.NotEqual(number, await CreateAsync(plane, another, another == "during" ? "32.0.0.0/24" : "33.0.0.0/24"));
    }

    /// <summary>Creates an overlay network; answers its number.</summary>
    private static async Task<int> CreateAsync(ControlPlane plane, string name, string cidr) => (int)(await plane.Api.PostAsync(
        Networks, $$"""{"name":"{{name}}","subnets":[{"cidr":"{{cidr}}"}],"routeTargets":["target:64512:{{cidr[..2]}}"]}"""))
        .Expect(201).Json!["status"]!["routingInstance"]!["number"]!;

    private static bool IsAnnounced(ControlPlane plane, int number) => plane.Api.Speaker.Paths.Any(p => p.Key.Path.RoutingInstance == number);

    private static bool HasEntries(ControlPlane plane, int number) =>
        new[] { plane.Compute1, plane.Compute2 }.Any(n => n.Table.Keys.Any(k => k.RoutingInstance == number));
}
